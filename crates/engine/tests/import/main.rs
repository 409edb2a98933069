//! Import, from bytes to rows and from rows to the store.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod fuzz;
mod names;
mod real_data;
mod refusals;
mod rejections;
mod show;
mod sources;
mod store;
mod tables;

use engine::import::{
    Catalogue, Connector, ImportError, Mapping, Reading, RejectedRow, Row, read_rows,
};

/// Reads `content` as the file `location`.
fn read_as(
    content: &[u8],
    location: &str,
    connector: Option<Connector>,
    mapping: Option<&Mapping>,
) -> Result<Vec<Result<Row, RejectedRow>>, ImportError> {
    let catalogue = Catalogue::load(None, None).unwrap();
    let reading = Reading {
        location,
        connector,
        mapping,
        catalogue: &catalogue,
    };
    let mut rows = Vec::new();
    read_rows(content, &reading, |row| {
        rows.push(row);
        true
    })?;
    Ok(rows)
}

/// Reads `content`, the source told by the content itself.
fn read(content: &str) -> Vec<Result<Row, RejectedRow>> {
    read_as(content.as_bytes(), "test.csv", None, None).unwrap()
}
