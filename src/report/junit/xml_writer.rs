//! Writes cases as XML, in blocks. Texts come clean: what is escaped here is only what XML needs.

use std::io::{self, Write as _};

use super::{
    JunitError, Profile,
    draft::{Draft, Kind, Now, Words},
};

/// How much is written at once, in bytes.
const BLOCK: usize = 64 * 1024;

/// Where the XML goes.
pub(super) struct XmlWriter<'w> {
    out: &'w mut dyn io::Write,
    buffer: Vec<u8>,
}

impl<'w> XmlWriter<'w> {
    pub(super) fn new(out: &'w mut dyn io::Write) -> Self {
        Self {
            out,
            buffer: Vec::with_capacity(2 * BLOCK),
        }
    }

    /// Writes markup as it is.
    pub(super) fn raw(&mut self, markup: &str) -> Result<(), JunitError> {
        self.buffer.extend_from_slice(markup.as_bytes());
        self.pass_on(BLOCK)
    }

    /// Writes what is left.
    pub(super) fn finish(mut self) -> Result<(), JunitError> {
        self.pass_on(0)?;
        Ok(self.out.flush()?)
    }

    fn pass_on(&mut self, above: usize) -> Result<(), JunitError> {
        if self.buffer.len() > above {
            self.out.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }

    /// Writes one case.
    pub(super) fn case(&mut self, draft: &Draft<'_>, profile: Profile) -> Result<(), JunitError> {
        let out = &mut self.buffer;
        tag(
            out,
            "        <testcase",
            &[("name", &draft.name), ("classname", &draft.classname)],
        );
        time(out, draft.duration_ms);
        if profile == Profile::Default {
            if let Some(file) = &draft.file {
                attribute(out, "file", file);
            }
            if let Some(line) = draft.line {
                put(out, format_args!(" line=\"{line}\""));
            }
        }
        let start = out.len();
        out.extend_from_slice(b">\n");
        let empty = out.len();
        if profile == Profile::Default && !draft.properties.is_empty() {
            out.extend_from_slice(b"            <properties>");
            for (name, value) in &draft.properties {
                tag(out, "<property", &[("name", name), ("value", value)]);
                out.extend_from_slice(b"/>");
            }
            out.extend_from_slice(b"</properties>\n");
        }
        status(out, draft, profile);
        for (name, text) in [
            ("system-out", draft.output.as_ref()),
            ("system-err", draft.notes.as_str()),
        ] {
            if !text.is_empty() {
                put(out, format_args!("            <{name}>"));
                escaped(out, text, false);
                put(out, format_args!("</{name}>\n"));
            }
        }
        if out.len() == empty {
            out.truncate(start);
            out.extend_from_slice(b"/>\n");
        } else {
            out.extend_from_slice(b"        </testcase>\n");
        }
        self.pass_on(BLOCK)
    }
}

fn status(out: &mut Vec<u8>, draft: &Draft<'_>, profile: Profile) {
    let status = &draft.status;
    let before = match &status.now {
        Now::Passed => "flaky",
        Now::Skipped(message) => {
            out.extend_from_slice(b"            <skipped");
            if !message.is_empty() {
                attribute(out, "message", message);
            }
            out.extend_from_slice(b"/>\n");
            return;
        }
        Now::Troubled(words) => {
            put(out, format_args!("            <{}", words.kind.word()));
            trouble(out, words, words.kind.word());
            "rerun"
        }
    };
    for words in &status.before {
        let name = match words.kind {
            Kind::Failure => format!("{before}Failure"),
            Kind::Error => format!("{before}Error"),
        };
        put(out, format_args!("            <{name}"));
        if profile == Profile::Default {
            time(out, words.duration_ms);
        }
        trouble(out, words, &name);
    }
}

fn trouble(out: &mut Vec<u8>, words: &Words, name: &str) {
    tag(out, "", &[("message", &words.message), ("type", &words.ty)]);
    if words.text.is_empty() {
        out.extend_from_slice(b"/>\n");
    } else {
        out.push(b'>');
        escaped(out, &words.text, false);
        put(out, format_args!("</{name}>\n"));
    }
}

fn tag(out: &mut Vec<u8>, start: &str, attributes: &[(&str, &str)]) {
    out.extend_from_slice(start.as_bytes());
    for (name, value) in attributes {
        attribute(out, name, value);
    }
}

fn attribute(out: &mut Vec<u8>, name: &str, value: &str) {
    put(out, format_args!(" {name}=\""));
    escaped(out, value, true);
    out.push(b'"');
}

fn time(out: &mut Vec<u8>, milliseconds: Option<u64>) {
    if let Some(milliseconds) = milliseconds {
        let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
        put(out, format_args!(" time=\"{seconds}.{rest:03}\""));
    }
}

fn put(out: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    out.write_fmt(arguments)
        .expect("memory takes what is written");
}

fn escaped(out: &mut Vec<u8>, text: &str, quotes: bool) {
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let reference: &[u8] = match byte {
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            b'&' => b"&amp;",
            b'"' if quotes => b"&quot;",
            _ => continue,
        };
        out.extend_from_slice(&bytes[from..at]);
        out.extend_from_slice(reference);
        from = at + 1;
    }
    out.extend_from_slice(&bytes[from..]);
}
