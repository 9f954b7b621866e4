//! What the protocol answers when a guard refuses: pure decisions, no SQL.
