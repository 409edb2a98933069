//! Pages through the router and a real engine; pieces of pages from views made by hand.

mod followed;
pub(super) mod served;
pub(super) mod views;
mod world;

use axum::http::{StatusCode, header};

use self::world::{World, get};
use crate::wire::ScoreRow;

use super::{board, preferences::Preferences, shell::inline_json, state::BoardState};

/// The board of made-up rows, as `GET /` shows it; the program's tests read both snapshots and
/// hold its own writing against the server's.
#[tokio::test]
async fn the_board_and_its_state_say_the_same() {
    let world = World::empty().await;
    let board = views::board();
    let page = board::html(&world.pages(), &board, Preferences::default());
    let (_, rest) = page.split_once(r#"<div id="board">"#).unwrap();
    let (rows, _) = rest.split_once("</ol></section></div>").unwrap();
    insta::assert_snapshot!(
        "board_rows",
        format!("{rows}</ol></section>").replace("><", ">\n<")
    );
    let state = BoardState::new(&board, &Preferences::default());
    insta::assert_json_snapshot!("board_state", state);
    assert!(page.contains(&inline_json(&state)));
}

#[tokio::test]
async fn a_team_with_a_name_like_markup_is_only_ever_text() {
    let world = World::empty().await;
    let mut board = views::board();
    let name = "<script>alert(1)</script>";
    board.rows[0].fixture.home.name = name.to_owned();
    board.told.answer["data"][0]["fixture"]["home"]["name"] = name.into();
    let page = board::html(&world.pages(), &board, Preferences::default());
    assert!(!page.contains("<script>alert"));
    assert!(page.contains("&#60;script&#62;alert(1)&#60;/script&#62;"));
    assert!(page.contains(r#"\u003cscript\u003ealert(1)\u003c/script\u003e"#));
}

#[tokio::test]
async fn results_are_summed_up_where_model_and_market_had_a_view() {
    let rows = views::board().rows;
    let summary = board::summary(&rows).unwrap();
    assert_eq!(
        summary,
        "Log loss over these 1 results: model 1.204, market 1.309 (lower is better)"
    );
    let scheduled: Vec<ScoreRow> = rows
        .into_iter()
        .filter(|it| it.fixture.score.is_none())
        .collect();
    assert_eq!(board::summary(&scheduled), None);
}

#[tokio::test]
async fn an_empty_database_says_what_to_do_on_every_page() {
    let world = World::empty().await;
    for (path, words) in [
        ("/", "sports-edge import E0.csv\nsports-edge train"),
        ("/edges", "sports-edge train"),
        ("/report", "sports-edge import E0.csv\nsports-edge train"),
        ("/models", "sports-edge train"),
    ] {
        let page = world.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
        assert!(page.body.contains(words), "{path}");
    }
}

#[tokio::test]
async fn a_trained_league_fills_every_page() {
    let world = World::trained().await;
    let board = world.get("/").await.body;
    assert!(board.contains("Coming up") && board.contains(r#"class="view model""#));
    assert!(board.contains(r#"rel="prev""#));
    let link = board.split_once(r#"href="/fixtures/"#).unwrap().1;
    let id = link.split('"').next().unwrap();
    let fixture = world.get(&format!("/fixtures/{id}")).await.body;
    for words in [
        "Who wins",
        "Score by score",
        "Ratings over two years",
        "Head to head",
    ] {
        assert!(fixture.contains(words), "{words}");
    }
    let report = world.get("/report").await.body;
    for words in [
        "Does 30% mean 30%?",
        "Every model",
        "By competition and season",
        "Worst misses",
    ] {
        assert!(report.contains(words), "{words}");
    }
    assert!(
        world
            .get("/report?model=elo")
            .await
            .body
            .contains("<strong>elo</strong>")
    );
    assert_eq!(
        world.get("/edges?flagged=1&sort=age&min=x").await.status,
        StatusCode::OK
    );
    let day = world.get("/?day=2019-09-01&competition=L1").await.body;
    assert!(day.contains(r#"rel="next""#) && day.contains("competition=L1"));
    assert!(
        world
            .get("/?competition=L1&day=1999-01-01")
            .await
            .body
            .contains("Nothing on this board")
    );
}

#[tokio::test]
async fn an_untrained_league_is_shown_without_predictions() {
    let world = World::untrained().await;
    let board = world.get("/").await.body;
    assert!(board.contains("no model has been trained"));
    let link = board.split_once(r#"href="/fixtures/"#).unwrap().1;
    let id = link.split('"').next().unwrap();
    assert!(
        world
            .get(&format!("/fixtures/{id}"))
            .await
            .body
            .contains("There is no prediction")
    );
}

#[tokio::test]
async fn what_is_not_there_is_a_page_that_says_so() {
    let world = World::empty().await;
    for path in ["/fixtures/99", "/fixtures/x", "/nowhere"] {
        let page = world.get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(
            page.body.contains("Back to the board"),
            "{path}: {}",
            page.body
        );
    }
    let file = world.get("/assets/nothing.js").await;
    assert_eq!(file.status, StatusCode::NOT_FOUND);
    assert!(file.header("content-type").contains("json"));
    assert!(world.get("/favicon.svg").await.body.starts_with("<svg"));
}

#[tokio::test]
async fn a_page_names_its_style_by_hash_and_is_not_sent_twice() {
    let world = World::empty().await;
    let page = world.get("/").await;
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("'sha256-"));
    assert!(!policy.contains("unsafe"));
    assert_eq!(page.header("cache-control"), "private, no-cache");
    let tag = page.header("etag").to_owned();
    let again = world
        .send(get("/").header(header::IF_NONE_MATCH, tag))
        .await;
    assert_eq!(
        (again.status, again.body.as_str()),
        (StatusCode::NOT_MODIFIED, "")
    );
}

#[tokio::test]
async fn a_choice_of_display_is_kept_and_shown() {
    let world = World::empty().await;
    let form = axum::http::Request::post("/preferences")
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let saved = world
        .send_body(form, "theme=dark&odds=american&back=%2Fedges")
        .await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    assert_eq!(saved.header("location"), "/edges");
    assert!(saved.header("set-cookie").starts_with("theme=dark; Path=/"));
    let page = world
        .send(get("/").header(header::COOKIE, "theme=dark; odds=american"))
        .await;
    assert!(page.body.contains(r#"data-theme="dark""#));
    assert!(page.body.contains(r#"value="american" checked"#));
}

#[tokio::test]
async fn pages_are_for_those_who_may_read() {
    let world = World::keyed().await;
    let page = world.get("/").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert_eq!(page.header("location"), "/sign-in?back=%2F");
    assert_eq!(world.get("/favicon.svg").await.status, StatusCode::OK);
}

/// A server with nothing in it, for tests of single pages.
pub(super) async fn empty_world() -> World {
    World::empty().await
}

/// The same, which others reach and only holders of keys may read.
pub(super) async fn keyed_world() -> World {
    World::keyed().await
}

/// A server with models of these names in its folder, for tests of single pages.
pub(super) async fn serving_world(names: &[&str]) -> World {
    World::serving(names).await
}

/// What stands in a page's state.
fn state_of(page: &str) -> serde_json::Value {
    let (_, rest) = page.split_once(r#"id="state">"#).unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[tokio::test]
async fn a_board_carries_the_answer_and_the_revision_that_the_feed_goes_on_from() {
    let world = World::trained().await;
    let state = state_of(&world.get("/").await.body);
    assert_eq!(state["key"], "scoreboard?limit=30");
    let (moment, digest) = state["rev"].as_str().unwrap().split_once('.').unwrap();
    assert!(
        moment.parse::<u64>().is_ok() && digest.len() == 12,
        "{state}"
    );
    let told = world.get("/v1/scoreboard?limit=30").await.body;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(state["data"], told);
    assert!(!told["data"].as_array().unwrap().is_empty());
    let again = state_of(&world.get("/").await.body);
    assert_eq!(again["rev"], state["rev"], "nothing has changed");
}

#[tokio::test]
async fn a_day_on_which_nothing_will_change_any_more_is_not_followed() {
    let world = World::trained().await;
    let page = world.get("/?day=2019-09-01&competition=L1").await.body;
    let state = state_of(&page);
    assert_eq!(
        (&state["key"], &state["rev"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    assert!(!page.contains(r#"id="livebar""#));
    let now = world.get("/?competition=L1").await.body;
    assert_eq!(state_of(&now)["key"], "scoreboard?competition=L1&limit=30");
    assert!(now.contains(r#"id="livebar" hidden"#));
}

/// Tells of a game that began at its kickoff: a goal, one taken back, a red card, the end.
async fn told(world: &World) -> engine::FixtureView {
    use domain::{Period, PlayEvent, PlayKind, Side};
    let engine = world.pages().engine;
    let filter = engine::FixtureFilter {
        until: Some(engine.now()),
        newest_first: engine::Newest::First,
        ..engine::FixtureFilter::default()
    };
    let found = engine
        .fixtures(&filter, &engine::PageRequest::default())
        .await;
    let view = found.unwrap().data.remove(0);
    let goal = |side| PlayKind::Scored {
        side,
        points: std::num::NonZeroU8::MIN,
    };
    let happened = [
        (
            0,
            PlayKind::PeriodStart {
                period: Period::new(1).unwrap(),
            },
        ),
        (12, goal(Side::Away)),
        (14, PlayKind::Cancelled { of: 2 }),
        (34, goal(Side::Home)),
        (
            46,
            PlayKind::PeriodEnd {
                period: Period::new(1).unwrap(),
            },
        ),
        (
            62,
            PlayKind::PeriodStart {
                period: Period::new(2).unwrap(),
            },
        ),
        (80, PlayKind::RedCard { side: Side::Home }),
        (110, PlayKind::Finished),
    ];
    let commands = happened
        .into_iter()
        .zip(1..)
        .map(|((minute, kind), sequence)| {
            let at = view
                .fixture
                .kickoff
                .checked_add(jiff::SignedDuration::from_mins(minute))
                .unwrap();
            engine::EventCommand {
                fixture: view.fixture.id,
                event: PlayEvent {
                    sequence,
                    revision: 0,
                    at,
                    clock: None,
                    kind,
                },
                told_at: Some(at),
            }
        });
    let source = domain::SourceKey::new("test").unwrap();
    engine
        .put_events(&source, commands.collect())
        .await
        .unwrap();
    view
}

#[tokio::test]
async fn any_moment_of_a_game_is_shown_as_it_was_known_then_by_its_address_alone() {
    let world = World::trained().await;
    let view = told(&world).await;
    let at = |minute| {
        view.fixture
            .kickoff
            .checked_add(jiff::SignedDuration::from_mins(minute))
            .unwrap()
    };
    let shown = async |query: String| {
        world
            .get(&format!("/fixtures/{}{query}", view.fixture.id))
            .await
            .body
    };
    let start = shown(String::new()).await;
    let home = &view.home.name;
    for words in [
        r#"id="replay-at""#,
        "Link to this moment",
        "0\u{2013}0</span>",
        "1\u{2019}",
    ] {
        let words = words.replace('\u{2019}', "&#39;");
        assert!(start.contains(&words), "{words}");
    }
    assert!(
        !start.contains(r#"class="cursor""#),
        "nothing was asked for"
    );
    let before = shown(format!("?at={}", at(13))).await;
    assert!(
        before.contains("0\u{2013}1</span>"),
        "the goal counted then"
    );
    let after = shown(format!("?at={}", at(36))).await;
    assert!(after.contains("1\u{2013}0</span>") && after.contains(r#"class="cursor""#));
    assert!(after.contains("No more goals") && after.contains("37&#39;"));
    assert_eq!(after.matches(r#"class="past""#).count(), 2);
    let link = format!("/fixtures/{}?at={}#replay", view.fixture.id, at(34));
    assert!(after.contains(&link), "{home}'s goal has a link");
    let by_scrubber = shown(format!("?at={}.75", at(36).as_millisecond())).await;
    assert!(by_scrubber.contains("37&#39;"));
    let end = shown(format!("?at={}", at(10_000))).await;
    assert!(end.contains(r#"<span id="replay-phase">Finished"#));
    let nonsense = shown("?at=yesterday".to_owned()).await;
    assert!(nonsense.contains("1&#39;") && !nonsense.contains(r#"class="cursor""#));
}

#[tokio::test]
async fn latencies_that_clients_tell_are_counted_and_what_is_none_is_refused() {
    let world = World::empty().await;
    let tell = async |body: &'static str| {
        let request = axum::http::Request::post("/v1/live/latency")
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json");
        world.send_body(request, body).await
    };
    let told = tell(r#"{"samples_ms": [4.5, 12, 48]}"#).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.body);
    let told: serde_json::Value = serde_json::from_str(&told.body).unwrap();
    assert_eq!((&told["count"], &told["p50_ms"]), (&3.into(), &15.into()));
    assert_eq!(told["p99_ms"], 50);
    assert!(told["now_ms"].as_f64().unwrap() > 1e12);
    for line in [
        "# TYPE sports_edge_live_latency_seconds histogram",
        r#"sports_edge_live_latency_seconds_bucket{le="0.005"} 1"#,
        r#"sports_edge_live_latency_seconds_bucket{le="+Inf"} 3"#,
        "sports_edge_live_latency_seconds_count 3",
    ] {
        let metrics = world.state.metrics();
        assert!(metrics.lines().any(|it| it == line), "{line}: {metrics}");
    }
    for (body, status, words) in [
        (r#"{"samples_ms": [1, -1]}"#, 422, "/samples_ms/1"),
        (r#"{"samples_ms": [60001]}"#, 422, "no time up to 60000 ms"),
        (r#"{"samples": []}"#, 400, "samples"),
    ] {
        let refused = tell(body).await;
        assert_eq!(refused.status, status, "{body}");
        assert!(refused.body.contains(words), "{}", refused.body);
    }
    let many: &'static str =
        Box::leak(format!(r#"{{"samples_ms": [{}1]}}"#, "1,".repeat(100)).into_boxed_str());
    assert!(tell(many).await.body.contains("has 101 entries"));
}

#[tokio::test]
async fn the_console_follows_the_key_of_its_address() {
    let world = World::empty().await;
    assert!(
        world
            .get("/console")
            .await
            .body
            .contains(r#"data-key="scoreboard?limit=30""#)
    );
    let one = world.get("/console?key=fixtures/8/play").await.body;
    assert!(one.contains(r#"data-key="fixtures/8/play""#) && one.contains("curl -N"));
}

#[tokio::test]
async fn what_an_address_asks_for_in_vain_is_said_on_the_page() {
    let world = World::trained().await;
    for (path, words) in [
        ("/?day=foo", "“foo” is not a day such as 2026-08-15"),
        ("/?competition=ZZ", "“ZZ” is not a competition known here"),
        ("/?competition=a+b", "known here: all are shown"),
        ("/edges?min=abc", "“abc” is not a number of percent"),
        ("/edges?min=inf", "“inf” is not a number of percent"),
        ("/edges?market=corners", "“corners” is not a market"),
        (
            "/edges?market=totals",
            "“totals” is not a market that has edges",
        ),
        ("/edges?sort=up&amp", "“up” is not a column"),
        (
            "/edges?competition=ZZ",
            "“ZZ” is not a competition known here",
        ),
        (
            "/report?model=foo",
            "“foo” is not a model judged on football",
        ),
        ("/report?sport=chess", "“chess” is not a sport judged here"),
        ("/fixtures/1?at=noon", "“noon” is not a moment"),
        ("/models?page=0", "“0” is not the number of a page"),
        (
            "/alerts?fixture=x&of=y",
            "“y” is not the number of an alert",
        ),
        ("/cache?window=week", "“week” is not a window"),
    ] {
        let page = world.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
        assert!(page.body.contains(words), "{path}");
    }
    for path in ["/", "/edges?min=2.5%25&sort=age", "/report?sport=football"] {
        let page = world.get(path).await.body;
        assert!(!page.contains(" is not a"), "{path}");
    }
    let page = world.get("/?day=2024-01-01&day=2024-01-02").await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.body.starts_with("<!doctype html>"), "{}", page.body);
}
