//! Ratings for sports of many points: what each side adds to margin and total, by least squares
//! on past games, older ones counting less and every rating held towards the mean.

mod fit;
mod implied;
mod table;

pub(crate) use fit::{MarginFit, MarginSettings};
pub(crate) use implied::implied_points;
pub(crate) use table::{MarginRecord, MarginTable};
