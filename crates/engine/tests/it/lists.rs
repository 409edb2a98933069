use domain::{FixtureStatus, Sport};
use engine::{EngineError, FixtureFilter, Newest, PageRequest, TeamFilter};

use crate::world::untrained;

#[tokio::test]
async fn competitions_count_what_they_hold() {
    let world = untrained().await;
    let competitions = world.engine.competitions().await.unwrap();
    assert_eq!(competitions.len(), 1);
    let view = &competitions[0];
    assert_eq!(view.fixtures, world.fixtures.len() as u64);
    assert_eq!(
        view.fixtures - view.finished,
        world.to_come().await.len() as u64
    );
    assert!(view.prices > view.fixtures * 6);
}

#[tokio::test]
async fn pages_of_fixtures_fit_together_in_both_directions() {
    let world = untrained().await;
    for newest_first in [Newest::Last, Newest::First] {
        let filter = FixtureFilter {
            newest_first,
            ..FixtureFilter::default()
        };
        let mut page = PageRequest {
            cursor: None,
            limit: 17,
        };
        let mut seen = Vec::new();
        loop {
            let next = world.engine.fixtures(&filter, &page).await.unwrap();
            seen.extend(
                next.data
                    .into_iter()
                    .map(|it| (it.fixture.kickoff, it.fixture.id)),
            );
            page.cursor = next.next_cursor;
            if page.cursor.is_none() {
                break;
            }
        }
        let mut sorted = seen.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if newest_first == Newest::First {
            sorted.reverse();
        }
        assert_eq!(seen, sorted);
        assert_eq!(seen.len(), world.fixtures.len());
    }
}

#[tokio::test]
async fn a_cursor_that_was_not_given_out_is_refused() {
    let world = untrained().await;
    for cursor in ["", "0011", "not a cursor"] {
        let page = PageRequest {
            cursor: Some(cursor.to_owned()),
            limit: 5,
        };
        let fixtures = world
            .engine
            .fixtures(&FixtureFilter::default(), &page)
            .await;
        assert!(
            matches!(fixtures, Err(EngineError::BadCursor(_))),
            "{cursor}"
        );
        let teams = world.engine.teams(&TeamFilter::default(), &page).await;
        assert!(matches!(teams, Err(EngineError::BadCursor(_))), "{cursor}");
    }
}

#[tokio::test]
async fn teams_are_found_by_name_sport_and_page() {
    let world = untrained().await;
    let first = PageRequest {
        cursor: None,
        limit: 5,
    };
    let page = world
        .engine
        .teams(&TeamFilter::default(), &first)
        .await
        .unwrap();
    assert_eq!(page.data.len(), 5);
    let rest = PageRequest {
        cursor: page.next_cursor,
        limit: 5,
    };
    let rest = world
        .engine
        .teams(&TeamFilter::default(), &rest)
        .await
        .unwrap();
    assert_eq!(rest.data.len(), 3);
    assert_eq!(rest.next_cursor, None);
    let search = TeamFilter {
        search: Some("TEAM 03".to_owned()),
        ..TeamFilter::default()
    };
    let found = world
        .engine
        .teams(&search, &PageRequest::default())
        .await
        .unwrap()
        .data;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id, world.teams[2]);
    let nba = TeamFilter {
        sport: Some(Sport::Basketball),
        ..TeamFilter::default()
    };
    assert!(
        world
            .engine
            .teams(&nba, &PageRequest::default())
            .await
            .unwrap()
            .data
            .is_empty()
    );
}

#[tokio::test]
async fn fixtures_are_found_by_status_and_team() {
    let world = untrained().await;
    let open = FixtureFilter {
        status: Some(FixtureStatus::Scheduled),
        ..FixtureFilter::default()
    };
    let open = world
        .engine
        .fixtures(&open, &PageRequest::default())
        .await
        .unwrap()
        .data;
    assert_eq!(open, world.to_come().await);
    let team = world.teams[0];
    let of_team = FixtureFilter {
        team: Some(team),
        ..FixtureFilter::default()
    };
    let of_team = world
        .engine
        .fixtures(&of_team, &PageRequest::default())
        .await
        .unwrap()
        .data;
    assert!(
        of_team
            .iter()
            .all(|it| it.home.id == team || it.away.id == team)
    );
    assert_eq!(of_team.len(), world.fixtures.len() / 4);
}

#[tokio::test]
async fn quotes_name_bookmaker_market_and_outcomes() {
    let world = untrained().await;
    let quotes = world.engine.quotes(world.fixtures[0]).await.unwrap();
    assert!(quotes.len() >= 6);
    assert!(quotes.is_sorted_by_key(|it| it.taken_at));
    assert!(
        quotes
            .iter()
            .all(|it| !it.prices.is_empty() && !it.superseded)
    );
}
