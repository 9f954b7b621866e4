//! Which CI this is and what it knows: commit, branch, run, links.
