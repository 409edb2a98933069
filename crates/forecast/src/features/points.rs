//! Features of sports of many points: what their base models think, and how often sides play.

use super::{Feature, Topic, difference};
use crate::ModelName::{Margin, MarketImpliedMargin};

pub(super) const FEATURES: &[Feature] = &[
    Feature::new(
        Topic::Ratings,
        "margin_lean",
        "log-odds",
        "a home win against an away win by ratings fitted on margins",
        |it| it.lean(Margin),
    ),
    Feature::new(
        Topic::Ratings,
        "margin_expected",
        "points",
        "the margin expected by ratings fitted on margins",
        |it| difference(it.expected(Margin)),
    ),
    Feature::new(
        Topic::Market,
        "market_lean",
        "log-odds",
        "a home win against an away win by ratings fitted on past prices",
        |it| it.lean(MarketImpliedMargin),
    ),
    Feature::new(
        Topic::Ratings,
        "margin_less_market",
        "log-odds",
        "`margin_lean` less `market_lean`",
        |it| it.lean(Margin) - it.lean(MarketImpliedMargin),
    ),
    Feature::new(
        Topic::Goals,
        "margin_total",
        "points",
        "both sides' points expected by ratings fitted on totals",
        |it| it.expected(Margin).iter().sum(),
    ),
    Feature::new(
        Topic::Rest,
        "games_4_days_home",
        "games",
        "games of the home side in the four days before",
        |it| it.games_within(4.0)[0],
    ),
    Feature::new(
        Topic::Rest,
        "games_4_days_away",
        "games",
        "games of the away side in the four days before",
        |it| it.games_within(4.0)[1],
    ),
];
