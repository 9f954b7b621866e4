//! Reads XML of any charset as bounded events for the reader of a dialect. A DOCTYPE is refused.

use std::{io::BufRead, str::FromStr};

use quick_xml::{
    Error, Reader,
    errors::SyntaxError,
    events::{BytesRef, BytesStart, Event},
};

use super::{
    ResultFile,
    bounded_text::{BoundedText, MAX_FIELD, clip},
    charset::{self, Charset},
    content_sniff::SniffedContent,
    limited_reader::LimitedReader,
};

/// Deepest nesting of elements.
const MAX_DEPTH: usize = 64;
/// Most attributes of one element.
const MAX_ATTRIBUTES: usize = 256;
/// Largest file, in bytes.
const MAX_FILE: u64 = 256 * 1024 * 1024;
/// The event buffer shrinks to this size after a long text.
const USUAL_BUFFER: usize = 1024 * 1024;

/// What the elements of a dialect mean. An error states what is wrong with the file; [`read`] adds the line.
pub(super) trait Dialect {
    /// Opens an element within the innermost open one. `false` skips its tags: what it contains belongs to the element
    /// around it.
    fn start(&mut self, name: &[u8], attributes: &Attributes) -> Result<bool, String>;
    /// Where the text of the innermost open element goes; `None` drops it.
    fn text(&mut self) -> Option<&mut BoundedText>;
    /// Closes the innermost open element.
    fn end(&mut self);
    /// Whether a test case is open.
    fn is_in_case(&self) -> bool;
    /// The cases, after the root has ended.
    fn finish(self: Box<Self>, root: &str) -> Result<ResultFile, String>;
}

/// Reads a stream to its end in the dialect that `choose` returns for its root element. An error has its line.
pub(super) fn read(
    source: impl BufRead,
    choose: impl FnOnce(&[u8], &Attributes) -> Result<Box<dyn Dialect>, String>,
) -> Result<ResultFile, (u64, String)> {
    let source = charset::open(source).map_err(|error| (1, error.to_string()))?;
    if let SniffedContent::Html(message) = source.content {
        return Err((1, message));
    }
    let mut reader = Reader::from_reader(LimitedReader::new(source.bytes, MAX_FILE));
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.allow_dangling_amp = true;
    let mut state = State {
        charset: source.charset,
        content: source.content,
        open: Vec::new(),
        root: String::new(),
        choose: Some(choose),
        dialect: None,
    };
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        buffer.shrink_to(USUAL_BUFFER);
        let step = match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => {
                let not_xml = state.not_xml();
                return state
                    .finish()
                    .map_err(|message| not_xml.unwrap_or((reader.get_ref().line(), message)));
            }
            Ok(event) => state.step(&event),
            Err(Error::Syntax(
                error @ (SyntaxError::InvalidBangMarkup | SyntaxError::UnclosedDoctype),
            )) => Err(error.to_string()),
            // All others are markup that is open at the end of the file.
            Err(Error::Syntax(_)) => state.breaks_off(),
            Err(error) => Err(error.to_string()),
        };
        step.map_err(|message| {
            state
                .not_xml()
                .unwrap_or((reader.get_ref().line(), message))
        })?;
    }
}

/// The state between two events.
struct State<C> {
    charset: Charset,
    content: SniffedContent,
    /// For each open element, whether the dialect opened it.
    open: Vec<bool>,
    root: String,
    choose: Option<C>,
    dialect: Option<Box<dyn Dialect>>,
}

impl<C> State<C>
where
    C: FnOnce(&[u8], &Attributes) -> Result<Box<dyn Dialect>, String>,
{
    fn step(&mut self, event: &Event<'_>) -> Result<(), String> {
        match event {
            Event::Start(element) => return self.start(element),
            Event::End(_) => {
                if self.open.pop() == Some(true)
                    && let Some(dialect) = &mut self.dialect
                {
                    dialect.end();
                }
            }
            Event::Text(text) => self.text(|charset, target| charset.decode_into(text, target)),
            Event::CData(text) => self.text(|charset, target| charset.decode_into(text, target)),
            Event::GeneralRef(reference) => self.text(|_, target| target.push(&resolve(reference))),
            Event::DocType(_) => {
                return Err(
                    "a DOCTYPE: refused, because it can make a small file endless".to_owned(),
                );
            }
            // The declaration has been read by `charset::open`.
            Event::Decl(_) | Event::Eof | Event::Empty(_) | Event::Comment(_) | Event::PI(_) => {}
        }
        Ok(())
    }

    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        if self.open.len() == MAX_DEPTH {
            return Err(format!("elements nest deeper than {MAX_DEPTH}"));
        }
        let attributes = Attributes::read(element, self.charset)?;
        let name = element.local_name();
        if let Some(choose) = self.choose.take() {
            self.root = self.charset.decode(name.as_ref()).into_owned();
            self.dialect = Some(choose(name.as_ref(), &attributes)?);
        }
        if let Some(dialect) = &mut self.dialect {
            self.open.push(dialect.start(name.as_ref(), &attributes)?);
        }
        Ok(())
    }

    fn text(&mut self, push: impl FnOnce(Charset, &mut BoundedText)) {
        if let Some(target) = self.dialect.as_mut().and_then(|dialect| dialect.text()) {
            push(self.charset, target);
        }
    }

    fn breaks_off(&self) -> Result<(), String> {
        let inside = match &self.dialect {
            None => "its first element",
            Some(dialect) if dialect.is_in_case() => "a test case",
            Some(_) => "a suite",
        };
        Err(format!(
            "the file ends inside {inside}: the test tool was stopped or the disk is full"
        ))
    }

    /// The error for a file that does not begin as XML. `None` if a result file follows: a tool may print a line before it.
    fn not_xml(&self) -> Option<(u64, String)> {
        let is_result_file = matches!(
            self.root.as_str(),
            "testsuites" | "testsuite" | "testcase" | "SquishReport"
        );
        match &self.content {
            SniffedContent::Other(message) if !is_result_file => Some((1, message.clone())),
            SniffedContent::Xml
            | SniffedContent::Empty
            | SniffedContent::Other(_)
            | SniffedContent::Html(_) => None,
        }
    }

    fn finish(self) -> Result<ResultFile, String> {
        if !self.open.is_empty() {
            self.breaks_off()?;
        }
        let dialect = self.dialect.ok_or("the file is empty")?;
        dialect.finish(&self.root)
    }
}

/// Resolves `&…;`. An entity that XML does not define stays as it is.
fn resolve(reference: &BytesRef<'_>) -> String {
    let name = String::from_utf8_lossy(reference);
    match reference.resolve_char_ref() {
        Ok(Some(character)) => character.into(),
        Ok(None) => quick_xml::escape::resolve_xml_entity(&name)
            .map_or_else(|| format!("&{name};"), str::to_owned),
        Err(_) => format!("&{name};"),
    }
}

/// The attributes of one element: the first of equal names, the beginning of a long value.
#[derive(Debug)]
pub(super) struct Attributes(Vec<(String, String)>);

impl Attributes {
    fn read(element: &BytesStart<'_>, charset: Charset) -> Result<Self, String> {
        let mut list = Vec::new();
        // Comparing each with each would take time that grows with the square of their number.
        for attribute in element.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| format!("a broken attribute: {error}"))?;
            if list.len() == MAX_ATTRIBUTES {
                return Err(format!(
                    "more than {MAX_ATTRIBUTES} attributes in one element"
                ));
            }
            let raw = charset.decode(clipped(&attribute.value));
            let value = match quick_xml::escape::unescape(&raw) {
                Ok(value) => value.into_owned(),
                Err(_) => raw.into_owned(),
            };
            let key = attribute.key.local_name();
            list.push((charset.decode(clipped(key.as_ref())).into_owned(), value));
        }
        Ok(Self(list))
    }

    /// The value, or empty text. Ignores case if no name matches exactly.
    pub(super) fn get(&self, name: &str) -> &str {
        let exact = self.0.iter().find(|(key, _)| key == name);
        let same = || {
            let mut others = self.0.iter();
            others.find(|(key, _)| key.eq_ignore_ascii_case(name))
        };
        exact.or_else(same).map_or("", |(_, value)| value.as_str())
    }

    /// The value, at most 1,024 bytes of it.
    pub(super) fn get_clipped(&self, name: &str) -> String {
        clip(self.get(name))
    }

    pub(super) fn get_number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.get(name).trim().parse().ok()
    }
}

fn clipped(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(MAX_FIELD)]
}
