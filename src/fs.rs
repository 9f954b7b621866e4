//! Files are written whole or not at all: to a temporary neighbour first, then renamed.
