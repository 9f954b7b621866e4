//! Names that are hard to write down arrive as the writer wrote them.
