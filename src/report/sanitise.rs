//! One sanitiser per surface for foreign text: test names, messages, tool output, worker names.
//!
//! Console and log: [`console_line`], and at the very end [`console_text()`] or [`console_json`]. Markdown:
//! [`markdown_text()`] for running text and table cells, [`markdown_code`] for blocks. HTML: [`html_text()`],
//! [`html_exact`], [`html_path`], and with colours [`html_line`] and [`html_block`]. XML: [`xml_line`] and [`xml_text()`].
//! Those for single texts take a bound in bytes, except the exact one.

mod console_text;
mod escape_sequences;
mod html_text;
mod invisible_characters;
mod markdown_text;
mod styled_text;
mod text_style;
mod xml_text;

pub use console_text::{console_json, console_line, console_text};
pub use escape_sequences::strip_escapes;
pub use html_text::{html_exact, html_path, html_text};
pub use invisible_characters::{is_hidden, is_joiner};
pub use markdown_text::{markdown_code, markdown_text};
pub use styled_text::{html_block, html_line};
pub use xml_text::{xml_line, xml_text};
