use std::time::Duration;

use domain::{CompetitionKey, SeasonKey, TeamId};
use engine::EngineError;

use crate::world::untrained;

#[tokio::test]
async fn what_is_not_known_is_named() {
    let world = untrained().await;
    let (engine, key) = (&world.engine, &world.league.competition.key);
    let nowhere = CompetitionKey::new("XX").unwrap();
    let error = engine.standings(&nowhere, None).await.unwrap_err();
    assert!(matches!(error, EngineError::UnknownCompetition(it) if it == nowhere));
    let never = SeasonKey::new("1888").unwrap();
    let error = engine.standings(key, Some(&never)).await.unwrap_err();
    let text = "competition L1 has no fixture in the season 1888";
    assert_eq!(error.to_string(), text);
    let nobody = TeamId(9_999);
    let form = engine.form(nobody, 5).await.unwrap_err();
    let meetings = engine.team_meetings([world.teams[0], nobody], 5).await;
    for error in [form, meetings.unwrap_err()] {
        assert!(matches!(error, EngineError::UnknownTeam(it) if it == nobody));
    }
}

#[tokio::test]
async fn teams_level_in_everything_stand_by_name_and_share_a_place() {
    let world = untrained().await;
    let key = &world.league.competition.key;
    let table = world.engine.standings(key, None).await.unwrap();
    assert_eq!(table.rows.len(), 8);
    for pair in table.rows.windows(2) {
        let [(first, above), (second, below)] = pair else {
            unreachable!("windows of two")
        };
        if above.position == below.position {
            assert!(first.name < second.name);
        } else {
            assert!(above.record.total().points() >= below.record.total().points());
        }
    }
}

#[tokio::test]
async fn views_are_kept_for_as_long_as_somebody_polls() {
    let world = untrained().await;
    let engine = &world.engine;
    assert_eq!(engine.views_behind(), []);
    let told = async {
        loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let behind = engine.views_behind();
            if let Some(it) = behind.iter().find(|it| it.view == "markets") {
                break (behind.len(), it.age.is_zero(), it.stale == 0);
            }
        }
    };
    tokio::select! {
        () = engine.keep_views() => panic!("it never ends by itself"),
        (views, is_new, is_made) = told => {
            assert_eq!(views, 3);
            // As it was found, before the refresh or after it.
            assert_eq!(is_new, is_made);
        }
    }
}
