//! What features belong to, and the numbers behind it in a sentence.

use super::Scene;
use crate::ModelName;

/// What features are about, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Topic {
    Ratings,
    Market,
    Goals,
    Form,
    Scoring,
    Shots,
    Chances,
    Surprise,
    Venue,
    Rest,
    Season,
    Experience,
    Meetings,
    League,
}

impl Topic {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Ratings => "strength",
            Self::Market => "strength by past prices",
            Self::Goals => "expected scores",
            Self::Form => "form",
            Self::Scoring => "scoring",
            Self::Shots => "shots",
            Self::Chances => "expected goals",
            Self::Surprise => "better than priced",
            Self::Venue => "home and away record",
            Self::Rest => "rest",
            Self::Season => "season so far",
            Self::Experience => "games known",
            Self::Meetings => "earlier meetings",
            Self::League => "league",
        }
    }

    /// The numbers behind it; what is not known is said to be so.
    #[expect(clippy::too_many_lines, reason = "one sentence per topic")]
    pub(crate) fn sentence(self, scene: &Scene<'_>) -> String {
        let both = |values: [f64; 2], digits: usize| values.map(|it| number(it, digits));
        let [home, away] = scene.sides;
        match self {
            Self::Ratings => {
                let models = [ModelName::DixonColesShots, ModelName::Margin];
                let lean = models
                    .into_iter()
                    .map(|it| scene.lean(it))
                    .find(|it| it.is_finite());
                let odds = number(libm::exp(lean.unwrap_or(f64::NAN)), 2);
                format!("by results alone a home win is {odds} times as likely as an away win")
            }
            Self::Market => {
                let models = [ModelName::MarketImplied, ModelName::MarketImpliedMargin];
                let lean = models
                    .into_iter()
                    .map(|it| scene.lean(it))
                    .find(|it| it.is_finite());
                let odds = number(libm::exp(lean.unwrap_or(f64::NAN)), 2);
                format!("by past prices a home win is {odds} times as likely as an away win")
            }
            Self::Goals => {
                let models = [ModelName::DixonColesShots, ModelName::Margin];
                let expected = models
                    .into_iter()
                    .map(|it| scene.expected(it))
                    .find(|it| it[0].is_finite());
                let [home, away] = both(expected.unwrap_or([f64::NAN; 2]), 1);
                format!("home side expected to score {home}, visitors {away}")
            }
            Self::Form => {
                let share = |it: f64| number(100.0 * it, 0);
                let [home, away] = [home, away].map(|it| share(it.points_fast.value()));
                format!("home side won {home} % of the points lately, visitors {away} %")
            }
            Self::Scoring => {
                let pair = |it: &super::TeamForm| {
                    let [own, against] = both([it.goals.own.value(), it.goals.against.value()], 1);
                    format!("{own} and concede {against}")
                };
                let (home, away) = (pair(home), pair(away));
                format!("home side score {home} a game, visitors {away}")
            }
            Self::Shots => {
                let [home, away] = both([home, away].map(|it| it.on_target.own.value()), 1);
                format!("home side have {home} shots on target a game, visitors {away}")
            }
            Self::Chances => {
                let [home, away] = both([home, away].map(|it| it.expected_goals.own.value()), 2);
                format!("home side create {home} expected goals a game, visitors {away}")
            }
            Self::Surprise => {
                let [home, away] = [home, away].map(|it| signed(it.surprise_slow.value()));
                format!(
                    "margin beyond what prices expected: home side {home} a game, visitors {away}"
                )
            }
            Self::Venue => {
                let margin = |it: &super::form::Pair| signed(it.own.value() - it.against.value());
                let (home, away) = (margin(&home.venues[0]), margin(&away.venues[1]));
                format!("home side {home} a game at home, visitors {away} away")
            }
            Self::Rest => {
                let [home, away] = both(scene.rest(), 0);
                format!("home side rested {home} days, visitors {away}")
            }
            Self::Season => {
                let [home, away] = both(scene.season_games(), 0);
                format!("home side have played {home} games this season, visitors {away}")
            }
            Self::Experience => {
                format!(
                    "{} games of the home side are known, {} of the visitors",
                    home.games, away.games
                )
            }
            Self::Meetings => match scene.meetings.games {
                0 => "no earlier meeting is known".to_owned(),
                games => {
                    let margin = signed(scene.meetings.margin.value());
                    format!("home side {margin} a game in {games} earlier meetings")
                }
            },
            Self::League => {
                let share = number(100.0 * scene.rate[0], 0);
                format!("home sides win {share} % of this competition's games")
            }
        }
    }
}

fn number(value: f64, digits: usize) -> String {
    if value.is_nan() {
        "an unknown number".to_owned()
    } else {
        format!("{value:.digits$}")
    }
}

fn signed(value: f64) -> String {
    if value.is_nan() {
        "an unknown number".to_owned()
    } else {
        format!("{value:+.1}")
    }
}
