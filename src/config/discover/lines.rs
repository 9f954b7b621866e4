//! The output of a listing command as lines, exactly as they were printed.

use super::ListingError;

/// One line without its end.
pub(super) struct ListingLine<'a> {
    /// Its number, from 1.
    pub(super) number: u64,
    /// Its text; a line that is not UTF-8 has replacement characters.
    pub(super) text: std::borrow::Cow<'a, str>,
    /// Whether it is UTF-8 and has no NUL: only then can it be a name.
    pub(super) fault: Option<&'static str>,
}

/// Splits an output at `\n` and `\r\n`. A UTF-8 byte order mark at the start is dropped; nothing else is removed.
/// UTF-16 is an error.
pub(super) fn lines(output: &[u8]) -> Result<impl Iterator<Item = ListingLine<'_>>, ListingError> {
    if is_utf16(output) {
        return Err(ListingError::Utf16);
    }
    let output = output.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(output);
    let output = output.strip_suffix(b"\n").unwrap_or(output);
    Ok((1..)
        .zip(output.split(|byte| *byte == b'\n'))
        .map(|(number, line)| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let text = String::from_utf8_lossy(line);
            let fault = if matches!(text, std::borrow::Cow::Owned(_)) {
                Some("is not UTF-8")
            } else if text.contains('\0') {
                Some("contains a NUL character")
            } else {
                None
            };
            ListingLine {
                number,
                text,
                fault,
            }
        }))
}

/// UTF-16 by its byte order mark, or by a NUL in every other byte of a beginning in ASCII.
fn is_utf16(output: &[u8]) -> bool {
    if output.starts_with(b"\xFF\xFE") || output.starts_with(b"\xFE\xFF") {
        return true;
    }
    let head = &output[..output.len().min(64) & !1];
    let nul = |parity: usize| head.iter().skip(parity).step_by(2).all(|byte| *byte == 0);
    head.len() >= 4 && (nul(0) != nul(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(output: &[u8]) -> Vec<String> {
        let Ok(lines) = lines(output) else {
            panic!("not UTF-16: {output:?}")
        };
        lines
            .map(|line| format!("{}:{}{}", line.number, line.text, line.fault.unwrap_or("")))
            .collect()
    }

    #[test]
    fn only_the_line_end_is_removed() {
        assert_eq!(read(b" a \r\n\tb\n\nc"), ["1: a ", "2:\tb", "3:", "4:c"]);
        assert_eq!(read(b"a\r\r\n\r\n"), ["1:a\r", "2:"]);
        assert_eq!(read(b"a\r"), ["1:a"]);
    }

    #[test]
    fn a_byte_order_mark_is_dropped_at_the_start_alone() {
        assert_eq!(
            read(b"\xEF\xBB\xBFa\n\xEF\xBB\xBFb\n"),
            ["1:a", "2:\u{FEFF}b"]
        );
    }

    #[test]
    fn what_cannot_be_a_name_is_marked() {
        assert_eq!(
            read(b"ok\nb\xFCd\nn\0l\n"),
            [
                "1:ok",
                "2:b\u{FFFD}dis not UTF-8",
                "3:n\0lcontains a NUL character"
            ]
        );
    }

    #[test]
    fn utf_16_is_recognised_with_and_without_a_mark() {
        let wide =
            |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
        let big =
            |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_be_bytes).collect() };
        for bytes in [
            wide("\u{FEFF}a::b"),
            big("\u{FEFF}a::b"),
            wide("a::b\r\n"),
            big("a::b\r\n"),
        ] {
            assert!(lines(&bytes).is_err(), "{bytes:?}");
        }
        for bytes in [
            &b""[..],
            b"a",
            b"ab",
            b"\0\0\0\0",
            b"abc\0",
            b"a::b\0c::d\0",
        ] {
            assert!(lines(bytes).is_ok(), "{bytes:?}");
        }
    }
}
