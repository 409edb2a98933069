//! Elo ratings of football teams, and what a difference of ratings is worth in results and goals.
//!
//! All competitions of a pool share one scale, so a promoted team brings its rating along.

mod mapping;
mod table;

pub(crate) use mapping::EloFit;
pub(crate) use table::{EloRecord, EloSettings, EloTable};
