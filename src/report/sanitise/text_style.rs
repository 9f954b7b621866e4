//! Colours and emphasis that terminal output asks for, as the classes of a page.

use anstyle_parse::{AsciiParser, Params, Parser, Perform};

/// How the text behind a sequence looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TextStyle {
    /// A terminal's colours: eight, then eight bright ones.
    foreground: Option<u8>,
    background: Option<u8>,
    bold: bool,
    faint: bool,
    italic: bool,
    underlined: bool,
    inverse: bool,
}

/// The background of inverse text without a colour: white.
const INVERSE: u8 = 7;
const FOREGROUNDS: [&str; 16] = [
    "fg-0", "fg-1", "fg-2", "fg-3", "fg-4", "fg-5", "fg-6", "fg-7", "fg-8", "fg-9", "fg-10",
    "fg-11", "fg-12", "fg-13", "fg-14", "fg-15",
];
const BACKGROUNDS: [&str; 16] = [
    "bg-0", "bg-1", "bg-2", "bg-3", "bg-4", "bg-5", "bg-6", "bg-7", "bg-8", "bg-9", "bg-10",
    "bg-11", "bg-12", "bg-13", "bg-14", "bg-15",
];
/// The usual values of the sixteen colours, to find the nearest one.
const VALUES: [[u8; 3]; 16] = [
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
];

impl TextStyle {
    /// The style after a sequence, given without its escape character. Sequences that set no style change nothing.
    pub(super) fn after(self, sequence: &str) -> Self {
        if !(sequence.starts_with('[') && sequence.ends_with('m')) {
            return self;
        }
        let mut change = Change(self);
        let mut parser = Parser::<AsciiParser>::new();
        parser.advance(&mut change, 0x1b);
        for byte in sequence.bytes() {
            parser.advance(&mut change, byte);
        }
        change.0
    }

    /// The classes, separated by spaces; empty for plain text.
    pub(super) fn classes(self) -> String {
        let (foreground, background) = if self.inverse {
            (self.background, self.foreground.or(Some(INVERSE)))
        } else {
            (self.foreground, self.background)
        };
        let name = |names: [&'static str; 16], colour: Option<u8>| {
            colour.and_then(|colour| names.get(usize::from(colour)).copied())
        };
        let words = [
            name(FOREGROUNDS, foreground),
            name(BACKGROUNDS, background),
            self.bold.then_some("bold"),
            self.faint.then_some("faint"),
            self.italic.then_some("italic"),
            self.underlined.then_some("underlined"),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    fn apply(&mut self, parameters: &Params) {
        let mut parameters = parameters.iter();
        while let Some(parameter) = parameters.next() {
            match *parameter.first().unwrap_or(&0) {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.faint = true,
                3 => self.italic = true,
                // `4:0` ends it, `4:3` is a wave.
                4 => self.underlined = parameter.get(1) != Some(&0),
                7 => self.inverse = true,
                21 => self.underlined = true,
                22 => (self.bold, self.faint) = (false, false),
                23 => self.italic = false,
                24 => self.underlined = false,
                27 => self.inverse = false,
                code @ 30..=37 => self.foreground = u8::try_from(code - 30).ok(),
                code @ 90..=97 => self.foreground = u8::try_from(code - 82).ok(),
                code @ 40..=47 => self.background = u8::try_from(code - 40).ok(),
                code @ 100..=107 => self.background = u8::try_from(code - 92).ok(),
                39 => self.foreground = None,
                49 => self.background = None,
                code @ (38 | 48 | 58) => {
                    let colour = match parameter {
                        [_] => separate_colour(&mut parameters),
                        [_, form @ ..] => joined_colour(form),
                        [] => None,
                    };
                    match (code, colour) {
                        (38, Some(colour)) => self.foreground = Some(colour),
                        (48, Some(colour)) => self.background = Some(colour),
                        // The colour of an underline.
                        _ => {}
                    }
                }
                _ => {}
            }
        }
    }
}

/// The style while a sequence is parsed.
struct Change(TextStyle);

impl Perform for Change {
    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: u8) {
        // With intermediates it is another command: `ESC [ > 4 m` sets what keys send.
        if action == b'm' && intermediates.is_empty() && !ignore {
            self.0.apply(params);
        }
    }
}

/// The colour of `38;5;N` or `38;2;R;G;B`, from the parameters behind the first.
fn separate_colour<'a>(parameters: &mut impl Iterator<Item = &'a [u16]>) -> Option<u8> {
    let mut next = || parameters.next()?.first().copied();
    match next()? {
        5 => indexed(next()?),
        2 => nearest([next()?, next()?, next()?]),
        _ => None,
    }
}

/// The colour of `38:5:N`, `38:2:R:G:B` or `38:2:SPACE:R:G:B`, from the parts behind the first.
fn joined_colour(form: &[u16]) -> Option<u8> {
    match *form {
        [5, index, ..] => indexed(index),
        [2, red, green, blue] | [2, _, red, green, blue, ..] => nearest([red, green, blue]),
        _ => None,
    }
}

/// One of 256 colours: the sixteen, a cube of 6 × 6 × 6, and greys.
fn indexed(index: u16) -> Option<u8> {
    let level = |step: u16| if step == 0 { 0 } else { 55 + 40 * step };
    match index {
        0..=15 => u8::try_from(index).ok(),
        16..=231 => {
            let place = index - 16;
            nearest([level(place / 36), level(place / 6 % 6), level(place % 6)])
        }
        232..=255 => nearest([8 + 10 * (index - 232); 3]),
        _ => None,
    }
}

fn nearest(colour: [u16; 3]) -> Option<u8> {
    if colour.iter().any(|part| *part > 255) {
        return None;
    }
    let distance = |value: &[u8; 3]| -> u32 {
        let parts = value.iter().zip(colour);
        parts
            .map(|(a, b)| u32::from(u16::from(*a).abs_diff(b)).pow(2))
            .sum()
    };
    (0_u8..16).min_by_key(|index| distance(&VALUES[usize::from(*index)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(sequences: &[&str]) -> String {
        let style = sequences
            .iter()
            .fold(TextStyle::default(), |style, it| style.after(it));
        style.classes()
    }

    #[test]
    fn a_sequence_becomes_classes() {
        let table = [
            ("[31m", "fg-1"),
            ("[1;4;97;42m", "fg-15 bg-2 bold underlined"),
            ("[2;3m", "faint italic"),
            ("[38;5;9m", "fg-9"),
            ("[38;5;196m", "fg-9"),
            ("[48;5;244m", "bg-8"),
            ("[38;2;200;10;10;1m", "fg-1 bold"),
            ("[38:2::0:200:0m", "fg-2"),
            ("[38:2:0:0:230m", "fg-4"),
            ("[38:5:3m", "fg-3"),
            ("[4:3m", "underlined"),
            ("[4:0m", ""),
            ("[58;5;9m", ""),
            ("[7m", "bg-7"),
            ("[7;31m", "bg-1"),
            ("[7;31;43m", "fg-3 bg-1"),
        ];
        for (sequence, expected) in table {
            assert_eq!(classes(&[sequence]), expected, "{sequence}");
        }
    }

    #[test]
    fn later_sequences_change_or_end_earlier_ones() {
        assert_eq!(classes(&["[1;31m", "[22m"]), "fg-1");
        assert_eq!(classes(&["[1;31m", "[39m"]), "bold");
        assert_eq!(classes(&["[1;31;44m", "[m"]), "");
        assert_eq!(classes(&["[1;31;44m", "[0;32m"]), "fg-2");
        assert_eq!(classes(&["[7;3;4m", "[27;23;24m"]), "");
    }

    #[test]
    fn other_sequences_change_nothing() {
        for other in [
            "[2K",
            "[?1m",
            "[>4m",
            "[38;5m",
            "[38;5;256m",
            "[38;2;1;2m",
            "[38;2;1;2;999m",
            "[99m",
            "]0;m",
            "[",
            "",
        ] {
            assert_eq!(classes(&["[31m", other]), "fg-1", "{other}");
        }
    }
}
