//! SIGINT and SIGTERM as values: the first stops, the second kills.
