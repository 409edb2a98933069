//! The builders build what they say.

use std::collections::HashSet;

use domain::FixtureStatus;
use store::{FixtureQuery, GameQuery, Store};
use testkit::{LeagueOptions, SplitMix, fill, league, store};

#[tokio::test]
async fn a_league_fills_a_store() {
    let (store, _folder) = store().await;
    let league = league(&LeagueOptions {
        rounds_open: 2,
        ..LeagueOptions::default()
    });
    let (teams, fixtures) = fill(&store, &league).await;
    assert_eq!(teams.len(), 8);
    assert_eq!(fixtures.len(), 2 * 8 * 7);
    let games = store.games(&GameQuery::default()).await.unwrap();
    let open = games.iter().filter(|it| it.score.is_none()).count();
    assert_eq!(open, 2 * 4);
    assert!(
        games
            .iter()
            .all(|it| it.pregame.h2h.is_some() && it.pregame.totals.is_some())
    );
    let query = FixtureQuery {
        status: Some(FixtureStatus::Scheduled),
        limit: 100,
        ..FixtureQuery::default()
    };
    assert_eq!(store.fixtures(&query).await.unwrap().len(), 8);
}

#[test]
fn every_team_meets_every_other_once_at_home_in_a_season() {
    for teams in [2, 4, 6, 8, 20] {
        let league = league(&LeagueOptions {
            teams,
            seasons: 1,
            ..LeagueOptions::default()
        });
        let ids: Vec<_> = (1..).map(domain::TeamId).take(teams).collect();
        let records = league.records(&ids);
        let pairs: HashSet<_> = records.iter().map(|it| (it.home, it.away)).collect();
        assert_eq!(records.len(), teams * (teams - 1));
        assert_eq!(pairs.len(), records.len());
        assert!(records.iter().all(|it| it.home != it.away));
        let days: HashSet<_> = records
            .iter()
            .flat_map(|it| [(it.kickoff, it.home), (it.kickoff, it.away)])
            .collect();
        assert_eq!(days.len(), 2 * records.len());
        assert!(records.iter().all(|it| it.kickoff < league.recorded_at));
    }
}

#[test]
fn the_same_seed_makes_the_same_league_and_another_seed_another() {
    let ids: Vec<_> = (1..=8).map(domain::TeamId).collect();
    let made = |seed| {
        let options = LeagueOptions {
            seed,
            ..LeagueOptions::default()
        };
        league(&options).records(&ids)
    };
    assert_eq!(made(7), made(7));
    assert_ne!(made(7), made(8));
}

#[test]
fn chance_has_the_moments_it_should() {
    let mut random = SplitMix::new(3);
    let draws = 20_000;
    let mean = |sum: f64| sum / f64::from(draws);
    let uniform = mean((0..draws).map(|_| random.uniform()).sum());
    assert!((uniform - 0.5).abs() < 0.01, "{uniform}");
    let poisson = mean((0..draws).map(|_| f64::from(random.poisson(1.4))).sum());
    assert!((poisson - 1.4).abs() < 0.03, "{poisson}");
}

#[test]
fn a_redis_is_paused_killed_and_started_again() {
    let Some(mut redis) = testkit::Redis::start() else {
        return;
    };
    assert_eq!(redis.run(&["SET", "k", "v"]).text(), "OK");
    assert_eq!(redis.run(&["GET", "k"]).text(), "v");
    assert_eq!(redis.run(&["LPUSH", "l", "a", "b"]).number(), 2);
    assert!(matches!(
        redis.run(&["LRANGE", "l", "0", "-1"]),
        testkit::Reply::List(items) if items.len() == 2
    ));
    assert!(matches!(
        redis.try_run(&["NONSENSE"]),
        Ok(testkit::Reply::Error(_))
    ));
    redis.pause();
    assert!(redis.try_run(&["PING"]).is_err());
    redis.resume();
    assert_eq!(redis.run(&["GET", "k"]).text(), "v");
    redis.restart();
    assert_eq!(redis.run(&["GET", "k"]), testkit::Reply::Nil);
    assert!(redis.folder().is_dir());
}
