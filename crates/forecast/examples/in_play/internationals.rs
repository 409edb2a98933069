//! Internationals minute by minute, of tournaments whose goals are covered.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use domain::{Game, Score, Sport};
use forecast::{
    FootballParameters, History, Matchup, ModelName, Pool, PoolFit, PoolWalker, ScoreMatrix, Scores,
};
use jiff::{SignedDuration, Timestamp};

use crate::{Moment, data, judge as judge_moments, print, state};

/// Tournaments whose goals are all there, by share of games with goals that add up.
const COVERED: [&str; 10] = [
    "FIFA World Cup qualification",
    "UEFA Euro qualification",
    "UEFA Nations League",
    "FIFA World Cup",
    "African Cup of Nations",
    "Gold Cup",
    "UEFA Euro",
    "Copa América",
    "AFC Asian Cup",
    "Confederations Cup",
];
const MINUTES: [u16; 7] = [0, 15, 30, 45, 60, 75, 85];
/// What is walked, and what is judged.
const WALKED_FROM: &str = "2021-07-01";
const MINUTES_FROM: &str = "2002-07-01";
const JUDGED_FROM: &str = "2021-07-01";

type Goals = HashMap<(String, String, String), Vec<(u16, bool)>>;

/// Goals of both sides by minute (0 to 90) of regular play in covered tournaments before what is
/// judged.
pub(crate) fn minutes(folder: &Path) -> [u32; 91] {
    let goals = goals(folder);
    let mut counts = [0; 91];
    for row in data::rows(&folder.join("intl_results.csv")) {
        let date = row["date"].as_str();
        if covered(&row) && (MINUTES_FROM..JUDGED_FROM).contains(&date) {
            for (minute, _) in goals.get(&key(&row)).into_iter().flatten() {
                if let Some(count) = counts.get_mut(usize::from(*minute)) {
                    *count += 1;
                }
            }
        }
    }
    counts
}

fn covered(row: &data::Row) -> bool {
    COVERED.contains(&row["tournament"].as_str()) && row["goal_minutes_complete"] == "1"
}

fn key(row: &data::Row) -> (String, String, String) {
    let [date, home, away] = ["date", "home_team", "away_team"].map(|it| row[it].clone());
    (date, home, away)
}

fn goals(folder: &Path) -> Goals {
    let mut goals = Goals::new();
    for row in data::rows(&folder.join("intl_goals.csv")) {
        let minute: Option<f64> = row["minute"].parse().ok();
        let Some(minute) = minute.filter(|it| it.is_finite()) else {
            continue;
        };
        let by_home = row["team"] == row["home_team"];
        let minute = format!("{minute:.0}").parse().expect("minutes are small");
        goals.entry(key(&row)).or_default().push((minute, by_home));
    }
    goals
}

/// Judges internationals after the fitted ones, each forecast from results before its week.
pub(crate) fn judge(folder: &Path, parameters: &FootballParameters) {
    let goals = goals(folder);
    let mut data = data::Data::default();
    data.competition("int", Sport::Football);
    let mut judged: BTreeMap<usize, Vec<(u16, bool)>> = BTreeMap::new();
    for row in data::rows(&folder.join("intl_results.csv")) {
        let date = row["date"].as_str();
        let kickoff: Timestamp = format!("{date}T12:00:00Z").parse().expect("a date");
        let names = ["int", &date[..4], &row["home_team"], &row["away_team"]];
        let game = data.game(names, kickoff);
        let side = |column: &str| row[column].parse::<f64>().ok().map(|it| it as u16);
        let score = side("home_score").zip(side("away_score"));
        game.score = score.map(|(home, away)| Score { home, away });
        game.neutral = row["neutral"] == "1";
        let index = usize::try_from(game.fixture.0).expect("counted from one");
        if covered(&row) && date >= WALKED_FROM {
            let own = goals.get(&key(&row)).cloned().unwrap_or_default();
            judged.insert(index, own);
        }
    }
    let history = History::new(data.games);
    let pool = Pool::group(&data.competitions).remove(0);
    let moments = walk(&history, &pool, &judged);
    let moments: Vec<&Moment> = moments.iter().collect();
    let report = judge_moments(&moments, parameters);
    print("internationals from 2021-07 to 2023-06", &report);
}

fn walk(history: &History, pool: &Pool, judged: &BTreeMap<usize, Vec<(u16, bool)>>) -> Vec<Moment> {
    let mut walker = PoolWalker::new(history, pool);
    let mut fitted: Option<(Timestamp, PoolFit)> = None;
    let mut moments = Vec::new();
    let week = SignedDuration::from_hours(7 * 24);
    for game in history.games() {
        let index = usize::try_from(game.fixture.0).expect("counted from one");
        let Some(goals) = judged.get(&index) else {
            continue;
        };
        let cut = game.pregame_at();
        if fitted
            .as_ref()
            .is_none_or(|(at, _)| cut.duration_since(*at) > week)
        {
            fitted = Some((cut, walker.fit(cut)));
        }
        let (_, fit) = fitted.as_ref().expect("fitted just now");
        let prematch = before(fit, game);
        let score = |until: u16| {
            let by = |home: bool| goals.iter().filter(move |it| it.0 <= until && it.1 == home);
            let count = |home| u16::try_from(by(home).count()).expect("few goals");
            Score {
                home: count(true),
                away: count(false),
            }
        };
        moments.extend(MINUTES.map(|minute| Moment {
            prematch: prematch.clone(),
            state: state(score(minute), minute),
            minute,
            end: score(90),
            to_fit: false,
        }));
    }
    moments
}

/// Attack and defence, in step with the mean of their opinion and Elo's.
fn before(fit: &PoolFit, game: &Game) -> ScoreMatrix {
    let forecasts = fit.forecast(&Matchup::from(game));
    let of = |model| {
        forecasts
            .iter()
            .find(|it| it.model == model)
            .expect("always there")
    };
    let (elo, goals) = (of(ModelName::Elo), of(ModelName::DixonColes));
    let pairs = elo.scores.h2h().into_iter().zip(goals.scores.h2h());
    let mean: Vec<f64> = pairs.map(|(a, b)| 0.5 * (a + b)).collect();
    let tilted: Scores = goals.scores.tilted_to(&mean);
    tilted.matrix().expect("football has goals").clone()
}
