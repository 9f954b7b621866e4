//! One sanitiser per surface for text that others wrote: test names, messages, tool output, worker names.
//!
//! Console and log: [`console_line`], and at the very end [`console_text`] or [`console_json`]. Markdown:
//! [`markdown_text`] for running text and table cells, [`markdown_code`] for blocks. HTML: [`html_text`],
//! [`html_block`] and [`html_path`]. XML: [`xml_line`] and [`xml_text`]. Those for single texts take a bound in bytes.

mod console;
mod html;
mod markdown;

pub use console::{console_json, console_line, console_text};
pub use html::{html_block, html_path, html_text};
pub use markdown::{markdown_code, markdown_text};

pub use super::clean::{xml_line, xml_text};
