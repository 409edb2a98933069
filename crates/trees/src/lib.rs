//! Tree ensembles: reads what LightGBM, XGBoost and ONNX write, scores one row or a million with
//! the same bits, and says what moved a score.
//!
//! Knows numbers only: no IO, no clock, no names of sports. `Ensemble` is what a file says;
//! `Model` is the same made ready to be scored fast.

mod check;
mod compact;
mod contributions;
mod ensemble;
mod error;
mod kernel;
mod link;
mod model;
mod quantise;
mod read;
mod rows;
mod score;

pub use ensemble::{
    Aggregate, Base, Categories, Ensemble, Link, Missing, Node, Precision, Side, Split, Test, Tree,
};
pub use error::{ReadError, ShapeError};
pub use model::{Kernel, Model, SharedBytes};
pub use read::onnx::{Labels, OnnxTrees};
pub use rows::{Number, Rows};
