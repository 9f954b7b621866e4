//! Writes cases as XML, in blocks. Texts are clean already; only `<`, `>`, `&` and quotes are escaped here.

use std::io::{self, Write as _};

use super::{
    JunitError, Profile,
    case_element::{CaseElement, ElementStatus, FailureElement},
};

/// How much is written at once, in bytes.
const BLOCK: usize = 64 * 1024;

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

    /// Writes markup unchanged.
    pub(super) fn raw(&mut self, markup: &str) -> Result<(), JunitError> {
        self.buffer.extend_from_slice(markup.as_bytes());
        self.write_above(BLOCK)
    }

    /// Writes the rest of the buffer.
    pub(super) fn finish(mut self) -> Result<(), JunitError> {
        self.write_above(0)?;
        Ok(self.out.flush()?)
    }

    fn write_above(&mut self, limit: usize) -> Result<(), JunitError> {
        if self.buffer.len() > limit {
            self.out.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }

    pub(super) fn case(
        &mut self,
        case: &CaseElement<'_>,
        profile: Profile,
    ) -> Result<(), JunitError> {
        let out = &mut self.buffer;
        out.extend_from_slice(b"        <testcase");
        attribute(out, "name", &case.name);
        attribute(out, "classname", &case.classname);
        time(out, case.duration_ms);
        if profile == Profile::Default {
            if let Some(file) = &case.file {
                attribute(out, "file", file);
            }
            if let Some(line) = case.line {
                put(out, format_args!(" line=\"{line}\""));
            }
        }
        let start = out.len();
        out.extend_from_slice(b">\n");
        let empty = out.len();
        if profile == Profile::Default && !case.properties.is_empty() {
            out.extend_from_slice(b"            <properties>");
            for (name, value) in &case.properties {
                out.extend_from_slice(b"<property");
                attribute(out, "name", name);
                attribute(out, "value", value);
                out.extend_from_slice(b"/>");
            }
            out.extend_from_slice(b"</properties>\n");
        }
        status(out, case, profile);
        for (name, text) in [
            ("system-out", case.output.as_ref()),
            ("system-err", case.notes.as_str()),
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
        self.write_above(BLOCK)
    }
}

fn status(out: &mut Vec<u8>, case: &CaseElement<'_>, profile: Profile) {
    match &case.status {
        ElementStatus::Passed => {}
        ElementStatus::Skipped(message) => {
            out.extend_from_slice(b"            <skipped");
            if !message.is_empty() {
                attribute(out, "message", message);
            }
            out.extend_from_slice(b"/>\n");
            return;
        }
        ElementStatus::Failed(failure) => failure_element(out, failure, failure.tag.name(), None),
    }
    for earlier in &case.earlier {
        let name = earlier.tag.earlier_name(&case.status);
        let duration = earlier.duration_ms.filter(|_| profile == Profile::Default);
        failure_element(out, earlier, name, duration);
    }
}

fn failure_element(
    out: &mut Vec<u8>,
    failure: &FailureElement,
    name: &str,
    duration_ms: Option<u64>,
) {
    put(out, format_args!("            <{name}"));
    time(out, duration_ms);
    attribute(out, "message", &failure.message);
    attribute(out, "type", &failure.failure_type);
    if failure.text.is_empty() {
        out.extend_from_slice(b"/>\n");
    } else {
        out.push(b'>');
        escaped(out, &failure.text, false);
        put(out, format_args!("</{name}>\n"));
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
