//! Uploads result files outside of a run: their labels, and what the records of workers say is still to be uploaded.

pub(crate) mod from_records;
pub(crate) mod upload_labels;
