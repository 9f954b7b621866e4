//! A file name out of any text.

/// Names that Windows gives to devices, whatever follows their first dot.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// A file name that says as much of `text` as is safe on any system and in any artifact store: letters and digits of
/// all scripts, `.`, `_` and single `-`, at most `max` bytes (at least 1), not beginning with a dot or a dash, not
/// ending with a dot, no name of a Windows device. Never empty.
///
/// Different texts may give the same name, or names that differ in case alone: put an id before it.
pub fn safe_name(text: &str, max: usize) -> String {
    let max = max.max(1);
    let mut name = String::new();
    for c in text.chars() {
        if name.len() > max {
            break;
        }
        if c.is_alphanumeric() || matches!(c, '.' | '_') {
            name.push(c);
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = cut(name.trim_start_matches(['.', '-']), max);
    let name = if is_device(name) {
        format!("_{name}")
    } else {
        name.to_owned()
    };
    // One byte more may be too many; what is left cannot be a device, for none begins with an underscore.
    let name = cut(&name, max);
    if name.is_empty() {
        "_".to_owned()
    } else {
        name.to_owned()
    }
}

/// At most `max` bytes, without the dots and dashes at the end, which Windows drops.
fn cut(name: &str, max: usize) -> &str {
    let end = (0..=max.min(name.len()))
        .rev()
        .find(|at| name.is_char_boundary(*at));
    name[..end.unwrap_or(0)].trim_end_matches(['.', '-'])
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).to_lowercase();
    let numbered = |device: &str| {
        stem.strip_prefix(device).is_some_and(|rest| {
            matches!(
                rest.chars().collect::<Vec<_>>()[..],
                ['0'..='9' | '¹' | '²' | '³']
            )
        })
    };
    DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_what_it_can() {
        let table = [
            (
                "tests/test_api.py::test_get",
                80,
                "tests-test_api.py-test_get",
            ),
            ("", 80, "_"),
            ("...", 80, "_"),
            ("../../etc/passwd", 80, "etc-passwd"),
            ("-rf /", 80, "rf"),
            (".hidden", 80, "hidden"),
            ("a\0b\nc\r::d", 80, "a-b-c-d"),
            ("Prüfung 1 — 日本語", 80, "Prüfung-1-日本語"),
            ("日本語", 4, "日"),
            ("日本語", 2, "_"),
            ("CON", 80, "_CON"),
            ("con.txt", 80, "_con.txt"),
            ("CONSOLE", 80, "CONSOLE"),
            ("CONSOLE", 3, "_CO"),
            ("lpt¹", 80, "_lpt¹"),
            ("COM10", 80, "COM10"),
            ("trailing. .", 80, "trailing"),
            ("a<b>c:\"d|e?f*g", 80, "a-b-c-d-e-f-g"),
            ("\u{202E}gpj.exe", 80, "gpj.exe"),
            ("x", 0, "x"),
        ];
        for (text, max, name) in table {
            assert_eq!(safe_name(text, max), name, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn is_safe_for_any_text(text in "(?s).{0,60}", max in 0_usize..40) {
            let name = safe_name(&text, max);
            prop_assert!(!name.is_empty() && name.len() <= max.max(1), "{name:?}");
            prop_assert!(!name.starts_with(['.', '-']) && !name.ends_with(['.', ' ']), "{name:?}");
            prop_assert!(!name.contains(|c: char| c.is_control() || c.is_whitespace() || "/\\:*?\"<>|".contains(c)), "{name:?}");
            prop_assert!(!is_device(&name), "{name:?}");
        }

        #[test]
        fn escapes_devices_however_they_are_written(
            device in "(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])", rest in "[. /-]{0,3}[a-z]{0,2}", max in 1_usize..8,
        ) {
            let name = safe_name(&format!("{device}{rest}"), max);
            prop_assert!(!is_device(&name), "{name:?}");
        }
    }
}
