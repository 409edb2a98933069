//! Forecasts of games under way, from the forecast before the game and what has happened since.
//!
//! Before the game the forecast is the one that was served; at the end it is what happened; in
//! between it moves with every event and continuously with the clock. Nothing here reads a clock.

mod chain;
mod football;
mod parameters;
mod play;
mod points;
mod report;
mod state;

pub use football::{FootballPlay, NextGoal};
pub use parameters::{
    Course, FootballParameters, Half, PointsParameters, Regress, ScoreEffect, Tied,
};
pub use play::Play;
pub use points::PointsPlay;
pub use report::{InPlayCell, InPlayReport, PlayScored, judge_in_play};
pub use state::{GameState, Phase, PlayLog, cancelled};
