//! Texts that want to be commands: a grammar of what means something to a runner, and of what hides or cuts it.

/// Where inputs come from: the same for the same seed and index.
pub(crate) struct Hostile(u64);

const MARKS: [&str; 12] = [
    "::", ":", "##[", "##", "#", "[", "]", "#[", "###[", "##vso[", "##[[", ":::",
];

const NAMES: [&str; 20] = [
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "set-output",
    "stop-commands",
    "warning",
    "ERROR",
    "Set-Output",
    "section",
    "t0ken",
    "",
];

const LINE_ENDS: [&str; 10] = [
    "\n", "\r", "\r\n", "\n\r", "\r\r\n", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}",
];

const SPACES: [&str; 14] = [
    " ", "\t", "  ", "\u{a0}", "\u{1680}", "\u{2000}", "\u{2003}", "\u{2009}", "\u{200a}",
    "\u{202f}", "\u{205f}", "\u{3000}", "\u{85}", "\u{1c}",
];

/// What nobody sees, and some comparisons overlook.
const UNSEEN: [&str; 26] = [
    "\u{feff}",
    "\u{200d}",
    "\u{200c}",
    "\u{200b}",
    "\u{ad}",
    "\u{34f}",
    "\u{61c}",
    "\u{180e}",
    "\u{200e}",
    "\u{200f}",
    "\u{202a}",
    "\u{202e}",
    "\u{2060}",
    "\u{2066}",
    "\u{2069}",
    "\u{fe0f}",
    "\u{fff9}",
    "\u{e0001}",
    "\u{e0100}",
    "\u{115f}",
    "\u{3164}",
    "\0",
    "\u{1}",
    "\u{7f}",
    "\u{9f}",
    "\u{fffe}",
];

const SEQUENCES: [&str; 16] = [
    "\u{1b}[0m",
    "\u{1b}[1;31m",
    "\u{1b}[m",
    "\u{1b}[2K",
    "\u{1b}[31",
    "\u{1b}[",
    "\u{1b}",
    "\u{1b}]0;t\u{7}",
    "\u{1b}]8;;x\u{1b}\\",
    "\u{1b}]0;",
    "\u{1b}Pq\u{1b}\\",
    "\u{1b}(B",
    "\u{1b}7",
    "\u{9b}0m",
    "\u{1b}\u{1b}[0m",
    "\u{1b}[0\u{1b}[0mm",
];

const CODES: [&str; 12] = [
    "%0A", "%0a", "%0D", "%25", "%3A", "%2C", "%5D", "%3B", "%250A", "%", "%0", "%25250D",
];

/// What the code prints around foreign text.
const OURS: [&str; 16] = [
    "FAIL [ 1/2] suite ",
    "| ",
    "    | ",
    "error: ",
    "help: ",
    " / ",
    "  (worker ",
    ", OS=",
    "warning: ",
    "{\"a\":\"",
    "- ",
    "… 3 lines left out …",
    "…",
    "\\",
    "end_",
    "a<<end",
];

impl Hostile {
    pub(crate) fn new(seed: u64, index: u64) -> Self {
        let mut hostile = Self(seed.rotate_left(32) ^ index);
        hostile.next();
        hostile
    }

    /// `SplitMix64`.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).expect("below a usize")
    }

    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// A text, and a bound that may cut it where it hurts.
    pub(crate) fn cut_text(&mut self, bounds: &[usize]) -> (String, usize) {
        let max = self.one_of(bounds);
        if self.below(8) > 0 {
            return (self.text(), max);
        }
        // Something that the bound, or rarely the one on what is looked at, goes through.
        let reach = if self.below(16) == 0 {
            4 * max + 4096
        } else {
            max
        };
        let filler = self.one_of(&["x", "é", "漢", "#", ":", " ", "\u{200d}", "\u{1b}[0m"]);
        let mark = self.piece();
        let before = reach.saturating_sub(self.below(mark.len() + 4));
        let mut text = filler.repeat(before / filler.len());
        text.push_str(&mark);
        text.push_str(&self.text());
        (text, max)
    }

    /// A text of any number of lines.
    pub(crate) fn text(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..=self.below(5) {
            text.push_str(&self.piece());
        }
        if self.below(2000) == 0 {
            text = text.repeat(1 + self.below(300));
        }
        text
    }

    fn piece(&mut self) -> String {
        match self.below(14) {
            0 | 1 => self.one_of(&MARKS).to_owned(),
            2 | 3 => self.command(),
            4 | 5 => self.torn_command(),
            6 => self.one_of(&LINE_ENDS).to_owned(),
            7 => self.one_of(&SPACES).to_owned(),
            8 => self.one_of(&UNSEEN).to_owned(),
            9 => self.one_of(&SEQUENCES).to_owned(),
            10 => self.one_of(&CODES).to_owned(),
            11 => self.one_of(&OURS).to_owned(),
            12 => self.bytes(),
            _ => char::from_u32(u32::try_from(self.below(0x11_0000)).expect("small"))
                .unwrap_or('\u{fffd}')
                .to_string(),
        }
    }

    fn command(&mut self) -> String {
        let name = self.one_of(&NAMES);
        let properties = self.one_of(&["", "", " ", " name=a", " file=a,line=1", " a=b;c=d"]);
        let data = self.one_of(&["", "x", "t0ken", "a%0A::error::b"]);
        if self.below(2) == 0 {
            format!("::{name}{properties}::{data}")
        } else {
            format!("##[{name}{properties}]{data}")
        }
    }

    /// A command with something between two of its characters that may go away again.
    fn torn_command(&mut self) -> String {
        let mut command = self.command();
        for _ in 0..=self.below(2) {
            let between = match self.below(4) {
                0 => self.one_of(&UNSEEN),
                1 => self.one_of(&LINE_ENDS),
                2 => self.one_of(&SEQUENCES),
                _ => self.one_of(&["\\", "…", "##[", "::", "%0A", " "]),
            };
            let mut at = self.below(command.len().min(8));
            while !command.is_char_boundary(at) {
                at -= 1;
            }
            command.insert_str(at, between);
        }
        command
    }

    /// Bytes as a program wrote them, UTF-8 or not.
    fn bytes(&mut self) -> String {
        let bytes: Vec<u8> = (0..self.below(12))
            .map(|_| match self.below(3) {
                0 => self.one_of(b"::##[]\r\n%\x1b\xef\xbb\xbf\xe2\x80\x8d"),
                1 => u8::try_from(self.below(0x80)).expect("small"),
                _ => u8::try_from(self.below(0x100)).expect("small"),
            })
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
