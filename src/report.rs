//! Records become a verdict, JUnit, Markdown and console lines: bytes, not files.
