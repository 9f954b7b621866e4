//! Event streams: the reader, and the reporters in the real tools, from the folder that `TESTPLAN_JS_TOOLS` names.

mod attempts;
mod damage;
mod ends;
mod selection;
mod tool_project;
mod tools;
