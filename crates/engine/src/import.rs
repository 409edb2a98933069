//! Import: from the bytes of a file to fixtures, results and prices in the store.
//!
//! A connector reads rows on a thread of its own, in bounded memory; a resolver finds the teams
//! behind the names; the store takes a batch at a time. A bad row is set aside with its reason, a
//! file that is not what it claims is refused before anything is written. Nothing here opens
//! files or speaks HTTP: content arrives as a reader.

mod catalogue;
mod error;
mod football_data;
mod known;
mod mapping;
mod moment;
mod names;
mod openfootball;
mod own;
mod pipeline;
mod plan;
mod repeats;
mod row;
mod source;
mod text;

pub(crate) use known::{Candidate, Known};
pub(crate) use plan::{is_plain, parse_season};

pub use catalogue::{Catalogue, load_competitions};
pub use error::{ImportError, Refusal};
pub use mapping::{
    FixtureMapping, Letters, LineMapping, Mapping, NeutralMapping, QuoteMapping, ResultMapping,
    SeasonMapping, SeasonStyle, Stat, ValueMapping,
};
pub use moment::OpeningConvention;
pub use names::NewName;
pub use pipeline::{ImportOptions, ImportSummary, Importer, Input};
pub use row::{Reason, RejectedRow, Row};
pub use source::{Connector, Reading};

use std::io::BufRead;

/// Reads every row of `input` without a store; `each` takes it, and says whether to go on.
pub fn read_rows(
    input: impl BufRead,
    reading: &Reading<'_>,
    each: impl FnMut(Result<Row, RejectedRow>) -> bool,
) -> Result<(), ImportError> {
    source::parse(source::open(input, reading)?, reading, each)
}
