use std::collections::HashSet;

use domain::{Score, SeasonKey, Sport};
use jiff::SignedDuration;

use super::*;
use crate::synthetic::League;
use crate::{History, Pool, fit_pool};

const SPORTS: [Sport; 3] = [Sport::Football, Sport::AmericanFootball, Sport::Basketball];

#[test]
fn every_feature_has_a_name_of_its_own_and_says_what_it_is() {
    for sport in SPORTS {
        let features = features(sport);
        let names: HashSet<&str> = features.iter().map(|it| it.name).collect();
        assert_eq!(names.len(), features.len());
        assert!(
            features
                .iter()
                .all(|it| !it.unit.is_empty() && !it.about.is_empty())
        );
    }
}

#[test]
fn the_documented_list_of_features_is_the_list() {
    let page = include_str!("../../../../docs/forecasting.md");
    for sport in SPORTS {
        for it in features(sport) {
            let line = format!("| `{}` | {} | {} |", it.name, it.unit, it.about);
            assert!(page.contains(&line), "docs/forecasting.md lacks: {line}");
        }
    }
}

/// The row of the last game of a league, with its names.
fn row(change: impl Fn(&mut Vec<domain::Game>)) -> Vec<(&'static str, f64)> {
    let league = League::default();
    let mut games = league.games();
    change(&mut games);
    let game = games.last().unwrap().clone();
    let history = History::new(games);
    let pools = Pool::group(&league.competitions());
    let has = |it: &&Pool| it.competitions.contains(&game.competition);
    let pool = pools.iter().find(has).unwrap();
    let fit = fit_pool(&history, pool, game.pregame_at());
    let matchup = Matchup::from(&game);
    let base = fit.forecast(&matchup);
    let scene = fit.scene(&matchup, &base, &[0.45, 0.27, 0.28]);
    let names = features(game.sport);
    names
        .iter()
        .map(|it| it.name)
        .zip(scene.row(game.sport))
        .collect()
}

fn value(row: &[(&str, f64)], name: &str) -> f64 {
    row.iter().find(|it| it.0 == name).unwrap().1
}

#[test]
fn numbers_are_what_their_names_say() {
    let row = row(|_| ());
    assert_eq!(value(&row, "rest_home"), 14.0);
    assert_eq!(value(&row, "rest_difference"), 0.0);
    assert_eq!(value(&row, "season_games"), 17.0);
    assert_eq!(value(&row, "known_games_home"), 89.0);
    assert_eq!(value(&row, "meetings"), 9.0);
    assert_eq!(value(&row, "base_home"), 0.45);
    assert!((1.0..5.0).contains(&value(&row, "league_level")));
    assert!((0.0..=1.0).contains(&value(&row, "form_home")));
    let less = value(&row, "elo_lean") - value(&row, "market_lean");
    assert_eq!(value(&row, "elo_less_market"), less);
    assert!(value(&row, "shots_home").is_nan(), "no shots are known");
}

#[test]
fn the_game_itself_is_not_read() {
    let bits = |row: Vec<(&str, f64)>| row.iter().map(|it| it.1.to_bits()).collect::<Vec<_>>();
    let other = row(|games| {
        let last = games.last_mut().unwrap();
        last.score = Some(Score { home: 9, away: 0 });
        last.stats.shots = Some([40, 1]);
        (last.pregame, last.closing) = Default::default();
    });
    assert_eq!(bits(other), bits(row(|_| ())));
}

#[test]
fn a_win_shows_in_form() {
    let mut game = League::default().games().swap_remove(0);
    let mut table = FormTable::default();
    game.score = Some(Score { home: 3, away: 1 });
    game.stats.expected_goals = Some([2.0, 1.0]);
    table.add(&game, game.score.unwrap(), 0, Some(0.5));
    let [home, away] = [table.team(game.home), table.team(game.away)];
    assert_eq!(
        (home.points_fast.value(), away.points_fast.value()),
        (1.0, 0.0)
    );
    assert_eq!((home.goals.own.value(), away.goals.own.value()), (3.0, 1.0));
    assert_eq!(home.surprise_fast.value(), 1.5);
    assert_eq!(away.chance_surprise.value(), -0.5);
    assert_eq!(table.meetings(game.away, game.home).margin.value(), -2.0);
    assert_eq!(table.level(0), 4.0);
    assert!(table.level(7).is_nan());
}

#[test]
fn a_season_is_that_of_the_competition_however_long_it_pauses() {
    let mut game = League::default().games().swap_remove(0);
    let mut table = FormTable::default();
    let mut play = |season: &str, competition, days: i64, home| {
        game.season = SeasonKey::new(season).unwrap();
        game.kickoff += SignedDuration::from_hours(24 * days);
        table.add(&game, Score { home, away: 1 }, competition, None);
        let form = table.team(game.home).clone();
        move |competition, season: &str| {
            let season = SeasonKey::new(season).unwrap();
            let games = form.season_games(competition, &season);
            (games, form.season_points(competition, &season))
        }
    };
    let _ = play("2022/23", 0, 0, 2);
    let resumed = play("2022/23", 0, 50, 0);
    assert_eq!(resumed(0, "2022/23"), (2.0, 0.5), "a World Cup lay between");
    assert!(resumed(0, "2023/24").1.is_nan());
    let beside = play("2022", 1, 1, 0);
    assert_eq!(beside(0, "2022/23"), (2.0, 0.5), "a cup is another table");
    assert_eq!(beside(1, "2022"), (1.0, 0.0));
    let next = play("2023/24", 0, 10, 2);
    assert_eq!(
        (next(0, "2023/24"), next(0, "2022/23").0),
        ((1.0, 1.0), 0.0)
    );
    let late = play("2022/23", 0, -5, 2);
    assert_eq!(late(0, "2023/24"), (1.0, 1.0), "heard of late");
}

#[test]
fn every_topic_has_a_sentence_even_of_strangers() {
    let league = League::default();
    let game = league.games().swap_remove(0);
    let (table, matchup) = (FormTable::default(), Matchup::from(&game));
    let calendar = Calendar::default();
    let scene = Scene::new((&table, &calendar), 0, &matchup, &[], &[0.45, 0.27, 0.28]);
    let mut topics: Vec<Topic> = SPORTS
        .into_iter()
        .flat_map(features)
        .map(|it| it.topic)
        .collect();
    topics.sort();
    topics.dedup();
    assert_eq!(topics.len(), 14);
    let said: Vec<String> = topics
        .iter()
        .map(|it| format!("{}: {}", it.label(), it.sentence(&scene)))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @"
    strength: by results alone a home win is an unknown number times as likely as an away win
    strength by past prices: by past prices a home win is an unknown number times as likely as an away win
    expected scores: home side expected to score an unknown number, visitors an unknown number
    form: home side won an unknown number % of the points lately, visitors an unknown number %
    scoring: home side score an unknown number and concede an unknown number a game, visitors an unknown number and concede an unknown number
    shots: home side have an unknown number shots on target a game, visitors an unknown number
    expected goals: home side create an unknown number expected goals a game, visitors an unknown number
    better than priced: margin beyond what prices expected: home side an unknown number a game, visitors an unknown number
    home and away record: home side an unknown number a game at home, visitors an unknown number away
    rest: home side rested an unknown number days, visitors an unknown number
    season so far: home side have played 0 games this season, visitors 0
    games known: 0 games of the home side are known, 0 of the visitors
    earlier meetings: no earlier meeting is known
    league: home sides win 45 % of this competition's games
    ");
}
