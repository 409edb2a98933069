//! Attack and defence of every team by maximum likelihood (Dixon and Coles 1997), older games
//! counting less, teams of few games shrunk to what newcomers are worth.
//!
//! Fits are always cold: nothing but the games added decides the answer.

mod fit;
mod likelihood;
mod plain;
mod table;

pub(crate) use fit::{GoalFit, GoalSettings};
pub(crate) use likelihood::Penalty;
pub use plain::{DixonColesFit, WeightedResult, fit_dixon_coles};
pub(crate) use table::{GoalRecord, GoalTable, days_since_epoch};
