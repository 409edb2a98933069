//! Why a forecast is what it is, as data.

/// Something that moves a forecast, and how far.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// What it is, such as `home advantage`.
    pub label: String,
    /// How far it moves the log-odds of a home win against an away win; positive favours home.
    pub effect: f64,
    /// The numbers behind it, for people.
    pub detail: String,
}
