//! Rows on their way in by `COPY`, in PostgreSQL's binary format.

use sqlx::postgres::{PgConnection, PgCopyIn};

use super::session::Session;
use crate::StoreError;

/// Bytes sent at a time.
const CHUNK: usize = 256 * 1024;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// A `COPY` at work.
pub(crate) struct Copy<'c> {
    sink: PgCopyIn<&'c mut PgConnection>,
    buffer: Vec<u8>,
}

impl<'c> Copy<'c> {
    /// Begins `sql`, a `COPY … FROM STDIN (FORMAT binary)`.
    pub(crate) async fn begin(session: &'c mut Session, sql: &str) -> Result<Self, StoreError> {
        let sink = session.connection().copy_in_raw(sql).await?;
        let mut buffer = Vec::with_capacity(CHUNK + 4_096);
        buffer.extend(SIGNATURE);
        Ok(Self { sink, buffer })
    }

    /// Begins a row of so many fields.
    pub(crate) fn row(&mut self, fields: i16) {
        self.buffer.extend(fields.to_be_bytes());
    }

    /// Adds a field, as the type's binary form is.
    pub(crate) fn field(&mut self, bytes: &[u8]) {
        let length = i32::try_from(bytes.len()).expect("a field is shorter than two gigabytes");
        self.buffer.extend(length.to_be_bytes());
        self.buffer.extend(bytes);
    }

    /// Adds a field without a value.
    pub(crate) fn null(&mut self) {
        self.buffer.extend((-1_i32).to_be_bytes());
    }

    /// Sends what has gathered, where it is much.
    pub(crate) async fn flush_full(&mut self) -> Result<(), StoreError> {
        if self.buffer.len() >= CHUNK {
            self.sink.send(self.buffer.as_slice()).await?;
            self.buffer.clear();
        }
        Ok(())
    }

    /// Ends it; returns the number of rows.
    pub(crate) async fn finish(mut self) -> Result<u64, StoreError> {
        self.buffer.extend((-1_i16).to_be_bytes());
        self.sink.send(self.buffer.as_slice()).await?;
        Ok(self.sink.finish().await?)
    }
}

/// A `BIGINT`.
pub(crate) fn bigint(value: i64) -> [u8; 8] {
    value.to_be_bytes()
}
