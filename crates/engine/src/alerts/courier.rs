//! Who carries what fired to receivers. How it gets there is for others to know.

use async_trait::async_trait;

/// Reaches receivers by their addresses.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Whether an address is one that may be told something; what is wrong with it otherwise.
    async fn check(&self, url: &str) -> Result<(), String>;

    /// Takes a parcel to its address, which is checked again; returns the status that was answered,
    /// or what went wrong.
    async fn carry(&self, parcel: Parcel) -> Result<u16, String>;

    /// Bytes that nobody can guess.
    fn chance(&self) -> [u8; 32];
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// Where.
    pub url: String,
    /// The headers that say what it is and who sent it, by the Standard Webhooks scheme.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: String,
}
