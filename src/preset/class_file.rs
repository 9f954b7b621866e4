//! What compiled Java classes show of their tests. Tools of the JVM cannot list tests without running them.

/// Abstract classes and interfaces.
const NOT_MADE: u16 = 0x0400 | 0x0200;
const ANNOTATIONS: &[u8] = b"RuntimeVisibleAnnotations";

/// A class file that may be that of tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassFile {
    /// With `/` between packages.
    name: String,
    /// No object of it can be made.
    is_abstract: bool,
    /// It has annotations, or what it gets from another class or interface.
    may_have_tests: bool,
}

/// Why a file is no class file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no class file that testplan can read")]
pub struct BadClassFile;

impl ClassFile {
    /// Reads the bytes of a class file.
    pub fn read(bytes: &[u8]) -> Result<Self, BadClassFile> {
        let mut reader = Reader(bytes);
        if reader.take(4)? != [0xca, 0xfe, 0xba, 0xbe] {
            return Err(BadClassFile);
        }
        reader.take(4)?;
        let constants = Constants::read(&mut reader)?;
        let flags = reader.short()?;
        let name = constants.class(reader.short()?)?;
        // Only `java.lang.Object` itself and modules have none.
        let parent = constants.class(reader.short()?).unwrap_or_default();
        let interfaces = reader.short()?;
        reader.take(usize::from(interfaces) * 2)?;
        members(&mut reader, &constants)?;
        let on_methods = members(&mut reader, &constants)?;
        let on_class = has_annotations(&mut reader, &constants)?;
        Ok(Self {
            name: String::from_utf8_lossy(name).into_owned(),
            is_abstract: flags & NOT_MADE != 0,
            may_have_tests: parent != b"java/lang/Object"
                || interfaces > 0
                || on_methods
                || on_class,
        })
    }

    /// Its name with dots, if it may have tests and is no part of another class. `has_inner`: whether there are classes
    /// inside of it.
    pub fn test_class(&self, has_inner: bool) -> Option<String> {
        let may_have_tests = self.may_have_tests || has_inner;
        let is_whole = !self.name.contains('$');
        (!self.is_abstract && is_whole && may_have_tests).then(|| self.name.replace('/', "."))
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], BadClassFile> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(BadClassFile)?;
        self.0 = rest;
        Ok(taken)
    }

    fn short(&mut self) -> Result<u16, BadClassFile> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn long(&mut self) -> Result<usize, BadClassFile> {
        let [high, low] = [self.short()?, self.short()?];
        Ok((usize::from(high) << 16) | usize::from(low))
    }
}

/// The texts of a class file, and the places of the names of classes, by their index.
#[derive(Default)]
struct Constants<'a> {
    entries: Vec<Constant<'a>>,
}

#[derive(Clone, Copy)]
enum Constant<'a> {
    Text(&'a [u8]),
    Class(u16),
    Other,
}

impl<'a> Constants<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, BadClassFile> {
        let count = usize::from(reader.short()?);
        // They are counted from 1.
        let mut entries = vec![Constant::Other];
        while entries.len() < count {
            let kind = reader.take(1)?[0];
            match kind {
                1 => {
                    let length = usize::from(reader.short()?);
                    entries.push(Constant::Text(reader.take(length)?));
                    continue;
                }
                7 => {
                    entries.push(Constant::Class(reader.short()?));
                    continue;
                }
                8 | 16 | 19 | 20 => reader.take(2)?,
                15 => reader.take(3)?,
                3 | 4 | 9..=12 | 17 | 18 => reader.take(4)?,
                5 | 6 => reader.take(8)?,
                _ => return Err(BadClassFile),
            };
            entries.push(Constant::Other);
            if matches!(kind, 5 | 6) {
                // Numbers of eight bytes count twice.
                entries.push(Constant::Other);
            }
        }
        Ok(Self { entries })
    }

    fn text(&self, index: u16) -> Result<&'a [u8], BadClassFile> {
        match self.entries.get(usize::from(index)) {
            Some(Constant::Text(text)) => Ok(text),
            _ => Err(BadClassFile),
        }
    }

    fn class(&self, index: u16) -> Result<&'a [u8], BadClassFile> {
        match self.entries.get(usize::from(index)) {
            Some(Constant::Class(name)) => self.text(*name),
            _ => Err(BadClassFile),
        }
    }
}

/// Reads all fields or methods: whether one has annotations.
fn members(reader: &mut Reader<'_>, constants: &Constants<'_>) -> Result<bool, BadClassFile> {
    let mut found = false;
    for _ in 0..reader.short()? {
        reader.take(6)?;
        found |= has_annotations(reader, constants)?;
    }
    Ok(found)
}

/// Reads all attributes: whether one has annotations.
fn has_annotations(
    reader: &mut Reader<'_>,
    constants: &Constants<'_>,
) -> Result<bool, BadClassFile> {
    let mut found = false;
    for _ in 0..reader.short()? {
        found |= constants.text(reader.short()?)? == ANNOTATIONS;
        let length = reader.long()?;
        reader.take(length)?;
    }
    Ok(found)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A class file with this name, parent and flags, and one method that has an annotation or not.
    pub(crate) fn class(name: &str, parent: &str, flags: u16, is_annotated: bool) -> Vec<u8> {
        let mut bytes = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 61, 0, 8];
        let text = |bytes: &mut Vec<u8>, text: &str| {
            bytes.push(1);
            bytes.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
            bytes.extend(text.as_bytes());
        };
        text(&mut bytes, name);
        bytes.extend([7, 0, 1]);
        text(&mut bytes, parent);
        bytes.extend([7, 0, 3]);
        text(&mut bytes, "RuntimeVisibleAnnotations");
        // A number of eight bytes.
        bytes.extend([5, 0, 0, 0, 0, 0, 0, 0, 1]);
        bytes.extend(flags.to_be_bytes());
        bytes.extend([0, 2, 0, 4, 0, 0, 0, 0, 0, 1]);
        bytes.extend([0, 1, 0, 1, 0, 1, 0, u8::from(is_annotated)]);
        if is_annotated {
            bytes.extend([0, 5, 0, 0, 0, 2, 0, 0]);
        }
        bytes.extend([0, 0]);
        bytes
    }

    #[test]
    fn class_may_have_tests_if_something_in_it_can_be_one() {
        let found = |bytes: Vec<u8>| ClassFile::read(&bytes).unwrap().test_class(false);
        let object = "java/lang/Object";
        assert_eq!(
            found(class("p/ATest", object, 0x21, true)).as_deref(),
            Some("p.ATest")
        );
        assert_eq!(found(class("p/ATest", object, 0x21, false)), None);
        assert!(found(class("p/ATest", "p/Base", 0x21, false)).is_some());
        assert_eq!(found(class("p/ATest", object, 0x0421, true)), None);
        assert_eq!(found(class("p/ATest$Inner", object, 0x21, true)), None);
        let plain = ClassFile::read(&class("p/ATest", object, 0x21, false)).unwrap();
        assert!(plain.test_class(true).is_some());
    }

    #[test]
    fn files_that_are_cut_are_no_class_files() {
        let bytes = class("p/ATest", "java/lang/Object", 0x21, true);
        for length in 0..bytes.len() {
            assert_eq!(ClassFile::read(&bytes[..length]), Err(BadClassFile));
        }
    }
}
