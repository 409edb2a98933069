//! Names of models.

use serde::{Deserialize, Serialize};

/// Every forecaster there is, simplest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelName {
    /// How often each outcome happened so far.
    Climatology,
    /// Ratings moved by each result.
    Elo,
    /// Attack and defence by maximum likelihood, on goals.
    DixonColes,
    /// Attack and defence by maximum likelihood, on goals, shots and expected goals.
    DixonColesShots,
    /// Attack and defence fitted on what past prices implied.
    MarketImplied,
    /// Ratings fitted on past margins and totals.
    Margin,
    /// Ratings fitted on the margins and totals that past prices implied.
    MarketImpliedMargin,
    /// Trees grown on features of both sides, moving the best of the models above.
    Boosted,
    /// The fixture's own prices as they stood early, overround removed.
    MarketEarly,
    /// The fixture's own prices at kickoff, overround removed.
    MarketClose,
    /// Base models that read results only, blended.
    BlendResults,
    /// Base models blended, without the fixture's prices.
    Blend,
    /// Base models blended with the fixture's early prices.
    BlendPriced,
}

impl ModelName {
    /// Every model, in the order of declaration.
    pub const ALL: [Self; 13] = [
        Self::Climatology,
        Self::Elo,
        Self::DixonColes,
        Self::DixonColesShots,
        Self::MarketImplied,
        Self::Margin,
        Self::MarketImpliedMargin,
        Self::Boosted,
        Self::MarketEarly,
        Self::MarketClose,
        Self::BlendResults,
        Self::Blend,
        Self::BlendPriced,
    ];

    /// The key used in files and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Climatology => "climatology",
            Self::Elo => "elo",
            Self::DixonColes => "dixon_coles",
            Self::DixonColesShots => "dixon_coles_shots",
            Self::MarketImplied => "market_implied",
            Self::Margin => "margin",
            Self::MarketImpliedMargin => "market_implied_margin",
            Self::Boosted => "boosted",
            Self::MarketEarly => "market_early",
            Self::MarketClose => "market_close",
            Self::BlendResults => "blend_results",
            Self::Blend => "blend",
            Self::BlendPriced => "blend_priced",
        }
    }

    /// Reads [`ModelName::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

impl std::fmt::Display for ModelName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_and_is_what_serde_writes() {
        for name in ModelName::ALL {
            assert_eq!(ModelName::parse(name.as_str()), Some(name));
            assert_eq!(serde_json::to_value(name).unwrap(), name.to_string());
        }
        assert_eq!(ModelName::parse("oracle"), None);
    }
}
