//! One sanitiser per surface for text that others wrote: test names, messages, tool output, worker names.
//!
//! Console and log: [`console_line`]. Markdown: [`markdown_text`] for running text and table cells,
//! [`markdown_code`] for blocks. XML: [`xml_line`] and [`xml_text`]. Every one takes a bound in bytes.

mod console;
mod markdown;

pub use console::console_line;
pub use markdown::{markdown_code, markdown_text};

pub use super::clean::{xml_line, xml_text};
