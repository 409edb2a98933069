//! Sports models, and what it takes to trust them.
//!
//! Same inputs, same bits: no clock, no IO, no unseeded chance, and no answer depends on the
//! number of threads. Nothing reads a result or price that was not known at the moment asked of.
