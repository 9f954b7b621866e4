//! Presets against the real tools: the listing is complete, and names are selected exactly, alone and in a call of many.

mod compiled;
mod javascript;
mod listings;
mod native;
mod perl_and_bash;
mod php;
mod preset_project;
mod python;
mod python_tools;
mod ruby;
mod tools_page;
