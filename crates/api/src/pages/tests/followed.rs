//! What the pages of games and edges follow, and what is left once a game is over.

use super::{state_of, told, world::World};

#[tokio::test]
async fn pages_of_what_may_change_say_what_to_follow() {
    let fixture = async |world: &World| {
        let board = world.get("/").await.body;
        let link = board.split_once(r#"href="/fixtures/"#).unwrap().1;
        let id = link.split('"').next().unwrap();
        let page = world.get(&format!("/fixtures/{id}")).await.body;
        assert!(page.contains(r#"id="play-pause""#));
        (state_of(&page), id.to_owned())
    };
    let world = World::trained().await;
    let (state, id) = fixture(&world).await;
    assert_eq!(state["key"], format!("fixtures/{id}/play"));
    assert_eq!(state["rev"], state["play"]["rev"]);
    assert!(state["play"]["data"]["play"].is_null() && state["rev"].is_string());
    let edges = state_of(
        &world
            .get("/edges?flagged=1&min=2.5&competition=L1")
            .await
            .body,
    );
    let key = "edges?competition=L1&flagged=shown&limit=200&min_edge=0.025";
    assert_eq!(edges["key"], key);
    assert!(edges["rev"].is_string());
    // Where there is no model yet, a page waits for one.
    let (state, id) = fixture(&World::untrained().await).await;
    assert_eq!(state["key"], format!("fixtures/{id}/insight"));
    assert!(state["play"].is_null());
}

#[tokio::test]
async fn of_a_game_that_is_over_the_forecast_before_it_is_shown() {
    let world = World::trained().await;
    let view = told(&world).await;
    let page = world.get(&format!("/fixtures/{}", view.fixture.id)).await;
    let section = |id: &str| {
        let (_, rest) = page.body.split_once(&format!(r#"id="{id}""#)).unwrap();
        rest.split_once("</section>").unwrap().0
    };
    assert!(section("who-wins").contains("Probabilities before the game"));
    for (id, certain) in [("who-wins", " 100.0%"), ("all-markets", "<td>100.0%</td>")] {
        assert!(!section(id).contains(certain), "{id}: {}", section(id));
    }
    assert!(section("who-wins").contains("This happened"));
    assert!(section("play").contains("Finished"));
    // It is what the game began from, as its chart and its predictions say.
    let engine = world.pages().engine;
    let timeline = engine.timeline(view.fixture.id, None).await.unwrap();
    let began = timeline
        .before
        .iter()
        .map(|it| crate::pages::text::percent(*it));
    for share in began {
        assert!(
            section("who-wins").contains(&format!("</abbr> {share}")),
            "{share}"
        );
    }
}
