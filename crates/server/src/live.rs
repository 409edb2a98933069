//! What brings events and prices to the platform: lines are read, sent in order and in batches, and
//! sent again until they are taken; what the platform refuses is set aside with the reason.

mod door;
mod line;
mod mapping;
mod sender;

pub(crate) use door::{Door, Refusal};
pub(crate) use line::{LINE_BYTES_MAX, Line, Numbered, time as line_time};
pub(crate) use mapping::{GameName, Mapping, Read, Reading, Unread};
pub(crate) use sender::{Aside, Sender, Tally, Terms};
