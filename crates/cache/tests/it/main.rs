//! The cache from outside, with a real server where it takes one.

mod shared;
