//! What an alert waits for, as flags and as the API takes it. The server judges the rest.

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

/// An alert to be made.
#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// Its name
    name: String,
    /// What it watches
    #[arg(long, value_enum)]
    on: On,
    #[command(flatten)]
    condition: ConditionArgs,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    more: MoreArgs,
    /// Begin paused
    #[arg(long)]
    paused: bool,
}

/// What of an alert changes.
#[derive(Debug, Args)]
pub(super) struct ChangeArgs {
    /// Its number
    pub(super) id: i64,
    /// Another name
    #[arg(long)]
    name: Option<String>,
    /// Watch something else; then the whole of what it waits for is due
    #[arg(long, value_enum)]
    on: Option<On>,
    #[command(flatten)]
    condition: ConditionArgs,
    #[command(flatten)]
    scope: ScopeArgs,
    /// Look at every fixture
    #[arg(long, conflicts_with_all = ["fixture", "team", "competition"])]
    everywhere: bool,
    #[command(flatten)]
    more: MoreArgs,
    /// Fire once for a fixture and then no more
    #[arg(long, conflicts_with = "quiet")]
    once: bool,
    /// Tell pages alone
    #[arg(long, conflicts_with = "webhook")]
    no_webhook: bool,
    /// Make another secret, which is shown once
    #[arg(long)]
    new_secret: bool,
    /// Stop looking
    #[arg(long, conflicts_with = "resume")]
    pause: bool,
    /// Look again; what came to be meanwhile is no news
    #[arg(long)]
    resume: bool,
}

/// What is watched.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum On {
    /// The probability of an outcome crosses a level
    Probability,
    /// The largest edge of a fixture without doubts reaches a level
    Edge,
    /// The probability of an outcome moves by so much within so many minutes
    Swing,
}

/// Which way a level is crossed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Direction {
    /// From below
    Up,
    /// From above
    Down,
    /// Either way, as where nothing is said
    Either,
}

/// What an alert waits for.
#[derive(Debug, Args)]
struct ConditionArgs {
    /// `h2h` (where not given), `totals`, `spreads`, `both_teams_to_score` or `correct_score`
    #[arg(long)]
    market: Option<String>,
    /// Line of totals and spreads
    #[arg(long, value_parser = number, allow_negative_numbers = true)]
    line: Option<f64>,
    /// home, draw, away, over, under, yes, no, or team: that the team of --team wins
    #[arg(long)]
    outcome: Option<String>,
    /// The level: a probability, or for an edge what is expected per unit staked
    #[arg(long, value_parser = number)]
    level: Option<f64>,
    /// Which way a probability crosses the level
    #[arg(long, value_enum)]
    direction: Option<Direction>,
    /// By how much a probability swings
    #[arg(long, value_parser = number)]
    by: Option<f64>,
    /// Within how many minutes it does
    #[arg(long, value_name = "MINUTES")]
    within: Option<u16>,
}

/// Which fixtures an alert looks at; all where none is named.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct ScopeArgs {
    /// Only at this fixture
    #[arg(long, value_name = "ID")]
    fixture: Option<i64>,
    /// Only at fixtures of this team
    #[arg(long, value_name = "ID")]
    team: Option<i64>,
    /// Only at fixtures of this competition
    #[arg(long, value_name = "KEY")]
    competition: Option<String>,
}

/// How often it fires, and who is told.
#[derive(Debug, Args)]
struct MoreArgs {
    /// How far a number must go back before the same crossing counts again
    #[arg(long, value_name = "SHARE", value_parser = number)]
    hysteresis: Option<f64>,
    /// Fire again for a fixture after this time; once without it
    #[arg(long, value_name = "MINUTES")]
    quiet: Option<u16>,
    /// A public address that is told by a signed POST
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
}

impl CreateArgs {
    /// The alert as the API takes it.
    pub(super) fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("name".to_owned(), json!(self.name));
        body.insert("condition".to_owned(), condition(self.on, &self.condition));
        body.insert("paused".to_owned(), json!(self.paused));
        if let Some(scope) = self.scope.body() {
            body.insert("scope".to_owned(), scope);
        }
        self.more.put_into(&mut body);
        Value::Object(body)
    }
}

impl ChangeArgs {
    /// Whether what is given changes a part of what the server holds as a whole.
    pub(super) fn reads(&self) -> bool {
        self.on.is_none() && !self.condition.members().is_empty()
    }

    /// The change as the API takes it; `held` is the alert as it is.
    pub(super) fn body(&self, held: &Value) -> anyhow::Result<Value> {
        let mut body = Map::new();
        if let Some(name) = &self.name {
            body.insert("name".to_owned(), json!(name));
        }
        if let Some(on) = self.on {
            body.insert("condition".to_owned(), condition(on, &self.condition));
        } else if self.reads() {
            let members = held["condition"].as_object().into_iter().flatten();
            let kept = members.filter(|it| !it.1.is_null());
            let mut whole: Map<_, _> = kept.map(|it| (it.0.clone(), it.1.clone())).collect();
            let given = self.condition.members();
            let market = given.get("market");
            if market.is_some_and(|it| whole.get("market") != Some(it)) {
                whole.remove("line"); // It is of the market that was.
            }
            whole.extend(given);
            body.insert("condition".to_owned(), Value::Object(whole));
        }
        if let Some(scope) = self.scope.body() {
            body.insert("scope".to_owned(), scope);
        }
        if self.everywhere {
            body.insert("scope".to_owned(), json!({}));
        }
        self.more.put_into(&mut body);
        for (given, member, value) in [
            (self.once, "quiet_minutes", Value::Null),
            (self.no_webhook, "webhook", Value::Null),
            (self.new_secret, "new_secret", json!(true)),
            (self.pause, "paused", json!(true)),
            (self.resume, "paused", json!(false)),
        ] {
            if given {
                body.insert(member.to_owned(), value);
            }
        }
        if body.is_empty() {
            bail!("nothing to change: `sports-edge alert change --help` lists what can be");
        }
        Ok(Value::Object(body))
    }
}

fn condition(on: On, args: &ConditionArgs) -> Value {
    let mut members = args.members();
    members.insert("on".to_owned(), json!(word(&on)));
    Value::Object(members)
}

impl ConditionArgs {
    /// What is given, by the names of the API.
    fn members(&self) -> Map<String, Value> {
        let given = [
            ("market", self.market.as_ref().map(|it| json!(it))),
            ("line", self.line.map(|it| json!(it))),
            ("outcome", self.outcome.as_ref().map(|it| json!(it))),
            ("level", self.level.map(|it| json!(it))),
            ("direction", self.direction.map(|it| json!(word(&it)))),
            ("by", self.by.map(|it| json!(it))),
            ("within_minutes", self.within.map(|it| json!(it))),
        ];
        let given = given.into_iter();
        given
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    }
}

impl ScopeArgs {
    fn body(&self) -> Option<Value> {
        let fixture = self.fixture.map(|it| json!({"fixture_id": it}));
        let team = || self.team.map(|it| json!({"team_id": it}));
        let of = |it: &String| json!({"competition": it});
        fixture
            .or_else(team)
            .or_else(|| self.competition.as_ref().map(of))
    }
}

impl MoreArgs {
    fn put_into(&self, body: &mut Map<String, Value>) {
        for (member, value) in [
            ("hysteresis", self.hysteresis.map(|it| json!(it))),
            ("quiet_minutes", self.quiet.map(|it| json!(it))),
            ("webhook", self.webhook.as_ref().map(|it| json!(it))),
        ] {
            if let Some(value) = value {
                body.insert(member.to_owned(), value);
            }
        }
    }
}

/// The word that a value goes by on the command line, and in the API.
fn word(value: &impl ValueEnum) -> String {
    let word = value.to_possible_value();
    word.map_or_else(String::new, |it| it.get_name().to_owned())
}

/// A number that JSON can say.
fn number(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok();
    let number = number.filter(|it| it.is_finite());
    number.ok_or_else(|| format!("{text:?} is no number"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line<T: Args> {
        #[command(flatten)]
        args: T,
    }

    fn create(line: &str) -> Value {
        let words = ["create"].into_iter().chain(line.split_whitespace());
        Line::<CreateArgs>::parse_from(words).args.body()
    }

    fn change(line: &str) -> Value {
        let words = ["change", "3"].into_iter().chain(line.split_whitespace());
        let held = json!({"condition": {"on": "probability", "market": "totals", "line": 2.5,
            "outcome": "over", "level": 0.5, "direction": "up", "by": null}});
        let args = Line::<ChangeArgs>::parse_from(words).args;
        args.body(&held).unwrap()
    }

    #[test]
    fn flags_are_members_of_the_api() {
        for (line, body) in [
            (
                "Ahead --on probability --outcome home --level 0.6 --direction up --competition E0",
                json!({"name": "Ahead", "paused": false, "scope": {"competition": "E0"}, "condition":
                    {"on": "probability", "outcome": "home", "level": 0.6, "direction": "up"}}),
            ),
            (
                "V --on edge --level 0.03 --quiet 30 --hysteresis 0 --webhook https://a.example --paused",
                json!({"name": "V", "paused": true, "condition": {"on": "edge", "level": 0.03},
                    "quiet_minutes": 30, "hysteresis": 0.0, "webhook": "https://a.example"}),
            ),
            (
                "T --on swing --market spreads --line -0.5 --outcome team --team 7 --by 0.1 --within 9",
                json!({"name": "T", "paused": false, "scope": {"team_id": 7}, "condition": {"on": "swing",
                    "market": "spreads", "line": -0.5, "outcome": "team", "by": 0.1, "within_minutes": 9}}),
            ),
        ] {
            assert_eq!(create(line), body);
        }
    }

    #[test]
    fn what_is_not_given_of_a_condition_stays() {
        for (line, body) in [
            (
                "--level 0.7",
                json!({"condition": {"on": "probability", "market": "totals", "line": 2.5,
                    "outcome": "over", "level": 0.7, "direction": "up"}}),
            ),
            (
                "--market h2h --outcome home",
                json!({"condition": {"on": "probability", "market": "h2h", "outcome": "home",
                    "level": 0.5, "direction": "up"}}),
            ),
            (
                "--market spreads --line -0.5 --outcome home",
                json!({"condition": {"on": "probability", "market": "spreads", "line": -0.5,
                    "outcome": "home", "level": 0.5, "direction": "up"}}),
            ),
            (
                "--market totals --level 0.7",
                json!({"condition": {"on": "probability", "market": "totals", "line": 2.5,
                    "outcome": "over", "level": 0.7, "direction": "up"}}),
            ),
            (
                "--on edge --level 0.1 --everywhere --once",
                json!({"condition": {"on": "edge", "level": 0.1}, "scope": {}, "quiet_minutes": null}),
            ),
            (
                "--name N --fixture 8 --pause --no-webhook --new-secret",
                json!({"name": "N", "scope": {"fixture_id": 8}, "paused": true, "webhook": null,
                    "new_secret": true}),
            ),
            (
                "--resume --quiet 5",
                json!({"paused": false, "quiet_minutes": 5}),
            ),
        ] {
            assert_eq!(change(line), body, "{line}");
        }
    }

    #[test]
    fn a_number_that_json_cannot_say_is_none() {
        assert_eq!(number("0.5"), Ok(0.5));
        for text in ["NaN", "inf", "much", ""] {
            assert_eq!(number(text), Err(format!("{text:?} is no number")));
        }
    }
}
