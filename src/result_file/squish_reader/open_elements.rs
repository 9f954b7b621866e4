//! The open elements of a report, and which elements are fields.

use super::{
    log_entry::LogEntryBuilder, script_location::ScriptLocation, test_element::TestElement,
};
use crate::result_file::{
    bounded_text::{BoundedText, clip},
    xml_stream::Attributes,
};

#[derive(Debug)]
pub(super) enum SquishElement {
    Test(Box<TestElement>),
    Prolog,
    Location(ScriptLocation),
    Verification(Box<LogEntryBuilder>),
    /// A message, or a result of a verification.
    LogEntry(Box<LogEntryBuilder>),
    Field(Field, BoundedText),
    /// Has no meaning but may contain elements that have one.
    Group,
}

/// An element whose text is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Name,
    Uri,
    Line,
    Text,
    Detail,
    /// A detail that is written behind this label.
    Labelled(&'static str),
    Attachment,
}

/// The open elements, the outermost first.
#[derive(Debug, Default)]
pub(super) struct OpenElements(Vec<SquishElement>);

impl OpenElements {
    pub(super) fn push(&mut self, element: SquishElement) {
        self.0.push(element);
    }

    pub(super) fn pop(&mut self) -> Option<SquishElement> {
        self.0.pop()
    }

    pub(super) fn last(&self) -> Option<&SquishElement> {
        self.0.last()
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut SquishElement> {
        self.0.last_mut()
    }

    pub(super) fn tests(&self) -> impl DoubleEndedIterator<Item = &TestElement> + Clone {
        self.0.iter().filter_map(|element| match element {
            SquishElement::Test(test) => Some(&**test),
            _ => None,
        })
    }

    pub(super) fn tests_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut TestElement> {
        self.0.iter_mut().filter_map(|element| match element {
            SquishElement::Test(test) => Some(&mut **test),
            _ => None,
        })
    }

    pub(super) fn innermost_test(&mut self) -> Option<&mut TestElement> {
        self.test_mut(0)
    }

    /// The test with this many others inside it.
    pub(super) fn test_mut(&mut self, inner: usize) -> Option<&mut TestElement> {
        self.tests_mut().rev().nth(inner)
    }

    /// The innermost log entry or verification, if it is the innermost element.
    pub(super) fn log_entry(&mut self) -> Option<&mut LogEntryBuilder> {
        match self.last_mut()? {
            SquishElement::LogEntry(entry) | SquishElement::Verification(entry) => Some(entry),
            _ => None,
        }
    }

    /// Opens an element within a log entry, a location or a prolog that is no test, log entry or verification.
    pub(super) fn push_inner(&mut self, name: &[u8], attributes: &Attributes) {
        // A skipped test has no prolog: its name is directly in it.
        let (in_prolog, in_location) = match self.last() {
            Some(SquishElement::Prolog) => (true, false),
            Some(SquishElement::Test(test)) => (!test.has_prolog, false),
            Some(SquishElement::Location(_)) => (false, true),
            _ => (false, false),
        };
        let entry = self.log_entry();
        let field = match (name, entry) {
            (b"location", _) => {
                return self.push(SquishElement::Location(ScriptLocation::default()));
            }
            (b"uri", _) if in_location => Field::Uri,
            (b"lineNo", _) if in_location => Field::Line,
            (b"name", _) if in_prolog => Field::Name,
            // `objectLocation` names the file with the expected value.
            (_, None) | (b"objectLocation", _) => return self.push(SquishElement::Group),
            (b"description", _) if attributes.get("type").eq_ignore_ascii_case("DETAILED") => {
                Field::Detail
            }
            (b"text" | b"description" | b"name", _) => Field::Text,
            (b"expectedValue", _) => Field::Labelled("expected"),
            (b"actualValue", _) => Field::Labelled("actual"),
            (b"insertion", _) => Field::Labelled("inserted"),
            (b"deletion", _) => Field::Labelled("deleted"),
            (b"objectName", _) => Field::Labelled("object"),
            (_, Some(entry)) if names_a_file(name) => {
                for key in ["uri", "path", "file", "src"] {
                    entry.add_attachment(attributes.get(key));
                }
                Field::Attachment
            }
            _ => Field::Detail,
        };
        self.push_field(field);
    }

    pub(super) fn push_field(&mut self, field: Field) {
        self.push(SquishElement::Field(field, BoundedText::default()));
    }

    /// Hands the text of a field that has ended to the element around it.
    pub(super) fn end_field(&mut self, field: Field, text: BoundedText) {
        if let (Field::Attachment, Some(SquishElement::Field(Field::Attachment, outer))) =
            (field, self.last_mut())
        {
            // The inner element names the file: the text of the outer one does not.
            *outer = text;
            return;
        }
        let text = text.into_string();
        let text = text.trim();
        match (field, self.last_mut()) {
            (Field::Name, _) => {
                if let Some(test) = self.innermost_test() {
                    test.name = clip(text);
                }
            }
            (Field::Uri, Some(SquishElement::Location(location))) => {
                text.clone_into(&mut location.uri);
            }
            (Field::Line, Some(SquishElement::Location(location))) => {
                location.line = text.parse().ok();
            }
            (field, Some(SquishElement::LogEntry(entry) | SquishElement::Verification(entry))) => {
                match field {
                    Field::Text => entry.text.join(text),
                    Field::Detail => entry.detail.join(text),
                    Field::Labelled(label) if !text.is_empty() => {
                        entry.detail.line(&format!("{label}: {text}"));
                    }
                    Field::Attachment => entry.add_attachment(text),
                    Field::Name | Field::Uri | Field::Line | Field::Labelled(_) => {}
                }
            }
            _ => {}
        }
    }

    /// Hands a location that has ended to the element around it.
    pub(super) fn end_location(&mut self, location: ScriptLocation) {
        if let Some(entry) = self.log_entry() {
            entry.location = location;
            return;
        }
        let in_prolog = matches!(self.last(), Some(SquishElement::Prolog));
        let in_test = matches!(self.last(), Some(SquishElement::Test(test)) if !test.has_prolog);
        if let Some(test) = self.innermost_test()
            && (in_prolog || in_test)
        {
            test.location = location;
        }
    }
}

/// Whether an element is about a file such as a screenshot, according to its name.
fn names_a_file(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    ["attachment", "screenshot", "image", "video"]
        .iter()
        .any(|word| name.contains(word))
}
