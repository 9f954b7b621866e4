//! A command as a process group: started, captured, bounded, killed as a whole.
