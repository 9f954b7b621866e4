//! Detects the charset of a file from its first bytes and its XML declaration.
//!
//! UTF-16 and charsets with several bytes per character are decoded to UTF-8 first. Charsets with one byte per character are
//! decoded text by text, and a text that is valid UTF-8 is read as UTF-8: some tools declare the system's charset and then
//! write UTF-8, and hardly any word in these charsets is valid UTF-8 by chance. In charsets with several bytes, in Thai and
//! in DOS Cyrillic, short words are, so the declaration decides.

use std::{
    borrow::Cow,
    io::{self, BufRead, BufReader, Cursor, Read as _},
};

use encoding_rs::{
    BIG5, EUC_KR, Encoding, GBK, IBM866, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_874,
};
use encoding_rs_io::DecodeReaderBytesBuilder;
use memchr::memmem;

use super::{
    bounded_text::{BoundedText, MAX_FIELD},
    content_sniff::SniffedContent,
};

/// Most bytes read for detection. The XML declaration must end within them.
const HEAD: usize = 1024;
/// Most bytes decoded at once.
const BUFFER: usize = 64 * 1024;

/// How the bytes of a text are decoded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Charset {
    /// UTF-8. Invalid bytes become U+FFFD.
    #[default]
    Utf8,
    /// One byte per character, unless the whole text is valid UTF-8.
    SingleByte(&'static Encoding),
}

/// A file whose bytes can be read as XML.
pub(super) struct DecodedSource<'a> {
    /// All bytes of the file. ASCII characters are ASCII bytes.
    pub(super) bytes: Box<dyn BufRead + 'a>,
    pub(super) charset: Charset,
    pub(super) content: SniffedContent,
}

/// Detects the charset. Fails if the source does, or if the charset is not supported.
pub(super) fn open<'a>(mut source: impl BufRead + 'a) -> io::Result<DecodedSource<'a>> {
    let mut head = Vec::with_capacity(HEAD);
    source.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    let decoding = detect(&head).map_err(io::Error::other)?;
    let content = SniffedContent::sniff(&decoding.decode(&head));
    let whole = Cursor::new(head).chain(source);
    let (bytes, charset): (Box<dyn BufRead + 'a>, Charset) = match decoding {
        Decoding::ByText(charset) => (Box::new(whole), charset),
        Decoding::Whole(encoding) => {
            let decoded = DecodeReaderBytesBuilder::new()
                .encoding(Some(encoding))
                .build(whole);
            let buffered = BufReader::with_capacity(BUFFER, decoded);
            (Box::new(buffered), Charset::Utf8)
        }
    };
    Ok(DecodedSource {
        bytes,
        charset,
        content,
    })
}

/// How a file's bytes are read.
enum Decoding {
    /// The markup is ASCII: texts are decoded one by one.
    ByText(Charset),
    /// The whole file is decoded to UTF-8 first.
    Whole(&'static Encoding),
}

impl Decoding {
    fn decode<'a>(&self, head: &'a [u8]) -> Cow<'a, str> {
        match self {
            Self::ByText(charset) => {
                charset.decode(head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head))
            }
            Self::Whole(encoding) => encoding.decode_with_bom_removal(head).0,
        }
    }
}

fn detect(head: &[u8]) -> Result<Decoding, &'static str> {
    const UTF_32: [&[u8]; 4] = [b"\xff\xfe\0\0", b"\0\0\xfe\xff", b"<\0\0\0", b"\0\0\0<"];
    let begins = |mark: &&[u8]| head.starts_with(mark);
    if UTF_32.iter().any(begins) {
        return Err("the file is in UTF-32, which is not read: let the test tool write UTF-8");
    }
    Ok(match head {
        [0xef, 0xbb, 0xbf, ..] => Decoding::ByText(Charset::Utf8),
        [0xff, 0xfe, ..] | [b'<', 0, ..] => Decoding::Whole(UTF_16LE),
        [0xfe, 0xff, ..] | [0, b'<', ..] => Decoding::Whole(UTF_16BE),
        _ => {
            declared(head)
                .and_then(encoding)
                .map_or(Decoding::ByText(Charset::Utf8), |encoding| {
                    if encoding.is_single_byte() && ![IBM866, WINDOWS_874].contains(&encoding) {
                        Decoding::ByText(Charset::SingleByte(encoding))
                    } else {
                        Decoding::Whole(encoding)
                    }
                })
        }
    })
}

/// The charset that the XML declaration names. Some tools print a line before the declaration.
fn declared(head: &[u8]) -> Option<&[u8]> {
    let at = memchr::memchr(b'<', head)?;
    let declaration = head[at..].strip_prefix(b"<?xml")?;
    let declaration = &declaration[..memmem::find(declaration, b"?>")?];
    let at = memmem::find(declaration, b"encoding")?;
    let value = declaration[at + b"encoding".len()..].trim_ascii_start();
    let value = value.strip_prefix(b"=")?.trim_ascii_start();
    let (quote, value) = value.split_first()?;
    let end = memchr::memchr(*quote, value).filter(|_| matches!(quote, b'"' | b'\''))?;
    Some(value[..end].trim_ascii())
}

/// The charset with a name, which may be one that only tools use. `None` for an unknown one, and for UTF-8 and UTF-16: a
/// declaration that can be read here is not in UTF-16.
fn encoding(name: &[u8]) -> Option<&'static Encoding> {
    let found = match name.to_ascii_lowercase().as_slice() {
        b"latin-1" => Encoding::for_label(b"latin1"),
        b"latin-9" | b"latin9" => Encoding::for_label(b"iso-8859-15"),
        b"cp932" => Some(SHIFT_JIS),
        b"cp936" => Some(GBK),
        b"cp949" => Some(EUC_KR),
        b"cp950" => Some(BIG5),
        // Unlike `for_label`, without the charsets that browsers refuse.
        label => Encoding::for_label_no_replacement(label),
    };
    found.filter(|encoding| ![UTF_8, UTF_16LE, UTF_16BE].contains(encoding))
}

impl Charset {
    pub(super) fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match (std::str::from_utf8(bytes), self) {
            (Ok(text), _) => Cow::Borrowed(text),
            (Err(_), Self::Utf8) => String::from_utf8_lossy(bytes),
            (Err(_), Self::SingleByte(encoding)) => encoding.decode_without_bom_handling(bytes).0,
        }
    }

    /// Appends the text without a copy of all bytes, which may be as many as the file has.
    pub(super) fn decode_into(self, bytes: &[u8], target: &mut BoundedText) {
        match (std::str::from_utf8(bytes), self) {
            (Ok(text), _) => target.push(text),
            (Err(_), Self::Utf8) => {
                for chunk in bytes.utf8_chunks() {
                    target.push(chunk.valid());
                    if !chunk.invalid().is_empty() {
                        target.push("\u{fffd}");
                    }
                }
            }
            (Err(_), Self::SingleByte(encoding)) => {
                for chunk in bytes.chunks(MAX_FIELD) {
                    target.push(&encoding.decode_without_bom_handling(chunk).0);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(declaration: &str) -> Option<&'static str> {
        declared(declaration.as_bytes())
            .and_then(encoding)
            .map(Encoding::name)
    }

    #[test]
    fn declarations_are_read_as_tools_write_them() {
        let table = [
            (
                "<?xml version='1.0' encoding='windows-1252'?>",
                Some("windows-1252"),
            ),
            (
                "<?xml version=\"1.0\" encoding = \"ISO-8859-1\" ?>",
                Some("windows-1252"),
            ),
            (
                "\n<?xml version='1.0' encoding='latin-1' standalone='yes'?>",
                Some("windows-1252"),
            ),
            (
                "a line before\n<?xml version='1.0' encoding='KOI8-R'?>",
                Some("KOI8-R"),
            ),
            ("<?xml version='1.0' encoding='cp932'?>", Some("Shift_JIS")),
            ("<?xml version='1.0' encoding='GB18030'?>", Some("gb18030")),
            ("<?xml version='1.0' encoding='UTF-8'?>", None),
            ("<?xml version='1.0' encoding='utf-16'?>", None),
            ("<?xml version='1.0' encoding='hz-gb-2312'?>", None),
            ("<?xml version='1.0' encoding='x-unheard-of'?>", None),
            ("<?xml version='1.0' encoding=windows-1252?>", None),
            ("<?xml version='1.0' encoding='windows-1252'", None),
            ("<?xml version='1.0'?><a encoding='windows-1252'/>", None),
            ("<a><?xml version='1.0' encoding='windows-1252'?>", None),
            ("", None),
        ];
        for (declaration, expected) in table {
            assert_eq!(name(declaration), expected, "{declaration}");
        }
    }

    #[test]
    fn valid_utf_8_is_taken_as_such_where_a_byte_is_a_character() {
        let charset = Charset::SingleByte(encoding_rs::WINDOWS_1252);
        for (bytes, expected) in [
            (&b"f\xfcr \x93q\x94 \x80"[..], "für “q” €"),
            ("für “q” €".as_bytes(), "für “q” €"),
        ] {
            assert_eq!(charset.decode(bytes), expected);
            let mut target = BoundedText::default();
            charset.decode_into(bytes, &mut target);
            assert_eq!(target.into_string(), expected);
        }
        assert_eq!(Charset::Utf8.decode(b"f\xfcr"), "f\u{fffd}r");
    }
}
