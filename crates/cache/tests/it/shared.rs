//! The shared tier against a real Redis, behind a proxy where it must do harm.

#[cfg(test)]
mod rig;

mod bus;
mod entries;
mod herd;
mod joined;
mod schedules;
mod services;
mod storm;
mod tls;
mod trouble;
