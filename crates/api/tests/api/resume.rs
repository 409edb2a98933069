//! A reader that follows a game moves between servers of one store, and finds one started anew.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use api::{ApiOptions, ApiState, ReadAccess, Scope, router};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use engine::{Clock, Engine, EngineOptions};
use jiff::Timestamp;
use serde_json::{Value, json};
use store::SqliteStore;
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::{app::App, live::applied};

/// A clock that a test moves.
struct Hands(AtomicI64);

impl Hands {
    fn wait(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Servers of one store, and a game under way.
struct World {
    app: App,
    clock: Arc<Hands>,
    game: i64,
    told: u64,
}

/// One of these servers. It hears of what others write only when it has to.
struct Server {
    router: Router,
    state: ApiState,
}

/// What a reader holds of each key, as a client of the protocol keeps it.
#[derive(Default)]
struct Reader {
    held: BTreeMap<String, (String, Value)>,
}

impl World {
    async fn new() -> Self {
        let app = App::trained().await;
        let now = app.now.as_millisecond();
        let clock = Arc::new(Hands(AtomicI64::new(now - now.rem_euclid(5_000) + 1_000)));
        let mut world = Self {
            app,
            clock,
            game: 0,
            told: 0,
        };
        let server = world.server().await;
        let kickoff = Timestamp::from_millisecond(now - 600_000).unwrap();
        let entry = json!({
            "competition": "T0", "season": "2030/31", "kickoff": kickoff.to_string(),
            "home": "Team 01", "away": "Team 02",
        });
        let written = server.post(&world, "/v1/fixtures", entry).await;
        world.game = written["data"][0]["fixture_id"].as_i64().unwrap();
        world
            .tell(&server, json!({"kind": "period_start", "period": 1}))
            .await;
        world
    }

    /// Another server, or the same one started anew.
    async fn server(&self) -> Server {
        let store: Arc<SqliteStore> = self.app.store.clone();
        let engine = Engine::new(store, self.clock.clone(), EngineOptions::default());
        let engine = Arc::new(engine);
        engine.load().await.unwrap();
        engine.follow().await.unwrap();
        let options = ApiOptions {
            read_access: ReadAccess::Open,
            ..ApiOptions::default()
        };
        let state = ApiState::new(Arc::clone(&engine), options);
        let live = state.clone();
        tokio::spawn(async move { live.keep_live().await });
        Server {
            router: router(state.clone()),
            state,
        }
    }

    /// Tells a server of the game, a second after what was told before.
    async fn tell(&mut self, server: &Server, mut what: Value) {
        self.clock.wait(1_000);
        self.told += 1;
        what["fixture_id"] = json!(self.game);
        what["sequence"] = json!(self.told);
        what["at"] = json!(self.clock.now().to_string());
        server.post(self, "/v1/events", what).await;
    }

    async fn goal(&mut self, server: &Server) {
        self.tell(server, json!({"kind": "scored", "side": "home"}))
            .await;
    }

    fn play(&self) -> String {
        format!("fixtures/{}/play", self.game)
    }
}

impl Server {
    async fn post(&self, world: &World, path: &str, entry: Value) -> Value {
        let key = world.app.key(&[Scope::Write], 1).await;
        let request = Request::post(path)
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, "application/json");
        let body = json!({ "data": [entry] }).to_string();
        self.answer(request.body(body.into()).unwrap()).await
    }

    async fn status(&self, path: &str) -> StatusCode {
        let request = Request::get(path).body(Body::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap().status()
    }

    async fn get(&self, path: &str) -> Value {
        self.answer(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    async fn answer(&self, request: Request<Body>) -> Value {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert_eq!(status, StatusCode::OK, "{body}");
        serde_json::from_str(&body).unwrap()
    }
}

impl Reader {
    /// Asks a server for what there is of keys beyond what is held; returns the kinds of frames.
    async fn ask(&mut self, server: &Server, keys: &[&str]) -> Vec<String> {
        self.wait(server, keys, 0).await
    }

    /// Waits for what comes next of a key; returns its kind.
    async fn news(&mut self, server: &Server, key: &str) -> String {
        let mut told = self.wait(server, &[key], 30_000).await;
        told.retain(|it| it != "same");
        told.join(" ")
    }

    async fn wait(&mut self, server: &Server, keys: &[&str], wait_ms: u32) -> Vec<String> {
        let held = |key: &&str| {
            self.held
                .get(*key)
                .map_or("-", |it| it.0.as_str())
                .to_owned()
        };
        let since: Vec<String> = keys.iter().map(held).collect();
        let query: Vec<String> = keys.iter().map(|it| format!("k={it}")).collect();
        let (query, since) = (query.join("&"), since.join(","));
        let address = format!("/v1/live?{query}&since={since}&wait_ms={wait_ms}");
        let answer = server.get(&address).await;
        let frames = answer["frames"].as_array().unwrap();
        frames.iter().for_each(|it| self.take(it));
        frames
            .iter()
            .map(|it| it["t"].as_str().unwrap().to_owned())
            .collect()
    }

    fn take(&mut self, frame: &Value) {
        let key = frame["k"].as_str().unwrap().to_owned();
        let Some(id) = frame["id"].as_str().map(str::to_owned) else {
            return;
        };
        let held = self.held.remove(&key);
        let moment = |id: &str| id.split_once('.').unwrap().0.parse::<u64>().unwrap();
        if let Some((before, _)) = &held {
            let is_same = frame["t"] == "same" && *before == id;
            assert!(is_same || moment(&id) > moment(before), "{before} {frame}");
        }
        let state = match (frame["t"].as_str().unwrap(), held) {
            ("snap", _) => frame["d"].clone(),
            ("same", Some((_, state))) => state,
            ("d", Some((before, state))) => {
                assert_eq!(frame["b"], before);
                applied(state, frame)
            }
            _ => panic!("{frame}"),
        };
        self.held.insert(key, (id, state));
    }

    fn state(&self, key: &str) -> &Value {
        &self.held[key].1
    }
}

#[tokio::test]
async fn a_reader_moves_between_servers_without_the_whole_state_and_never_back() {
    let mut world = World::new().await;
    let (one, two) = (world.server().await, world.server().await);
    let key = world.play();
    let mut reader = Reader::default();
    assert_eq!(reader.ask(&one, &[&key]).await, ["snap"]);
    let mut other = Reader::default();
    assert_eq!(other.ask(&two, &[&key]).await, ["snap"]);
    assert_eq!(reader.held, other.held, "the same revision at both");
    assert_eq!(reader.ask(&two, &[&key]).await, ["same"]);

    // The first is told of a goal, the second has not heard of it.
    world.goal(&one).await;
    assert_eq!(reader.news(&one, &key).await, "d");
    let score = |reader: &Reader| reader.state(&key)["play"]["score"]["home"].as_i64();
    assert_eq!(score(&reader), Some(1));
    assert_eq!(reader.ask(&two, &[&key]).await, ["same"], "it catches up");
    assert_eq!(other.ask(&two, &[&key]).await, ["d"]);
    assert_eq!(reader.held, other.held);

    // Who comes from before a goal goes on over it, in both directions.
    world.goal(&two).await;
    assert_eq!(other.news(&two, &key).await, "d");
    assert_eq!(other.ask(&one, &[&key]).await, ["same"]);
    assert_eq!(reader.ask(&one, &[&key]).await, ["d"]);
    assert_eq!(score(&reader), Some(2));
    assert_eq!(*reader.state(&key), one.get(&format!("/v1/{key}")).await);
    assert_eq!(reader.held, other.held);

    // Time alone makes the same states at both.
    world.clock.wait(7_000);
    assert_eq!(reader.news(&one, &key).await, "d");
    assert_eq!(other.news(&two, &key).await, "d");
    assert_eq!(reader.held, other.held);
    two.state.start_draining();
    let metrics = [&one, &two].map(|it| it.state.metrics());
    for metrics in metrics {
        assert!(
            metrics.contains("sports_edge_live_gaps_total 0"),
            "{metrics}"
        );
    }
}

#[tokio::test]
async fn a_server_started_anew_goes_on_from_what_readers_hold() {
    let mut world = World::new().await;
    let (play, list) = (world.play(), "scoreboard");
    let first = world.server().await;
    let (mut idle, mut away) = (Reader::default(), Reader::default());
    for reader in [&mut idle, &mut away] {
        assert_eq!(reader.ask(&first, &[&play, list]).await, ["snap", "snap"]);
    }
    world.goal(&first).await;
    assert_eq!(idle.news(&first, &play).await, "d");
    assert_eq!(idle.news(&first, list).await, "d");
    drop(first);

    // A second later it is there again, before the clock of the game was looked at anew.
    world.clock.wait(1_000);
    let second = world.server().await;
    assert_eq!(idle.ask(&second, &[&play, list]).await, ["same", "same"]);
    // It makes the states once more that the other one holds, of the game and of the list.
    let told = away.ask(&second, &[&play, list]).await;
    assert_eq!(told, ["d", "d"]);
    // What is alike may be told as of an earlier moment.
    let mut rows = [second.get("/v1/scoreboard").await, away.state(list).clone()];
    for it in rows
        .iter_mut()
        .flat_map(|it| it["data"].as_array_mut().unwrap())
    {
        it.as_object_mut().unwrap().remove("as_of");
    }
    assert_eq!(rows[0], rows[1]);
    assert_eq!(
        away.state(&play)["play"]["score"],
        json!({"home": 1, "away": 0})
    );
    assert_eq!(*away.state(&play), second.get(&format!("/v1/{play}")).await);
    world.clock.wait(60_000);
    let third = world.server().await;
    world.goal(&third).await;
    for reader in [&mut idle, &mut away] {
        let told = reader.ask(&third, &[&play]).await;
        assert_eq!(told, ["d"]);
        assert_eq!(
            *reader.state(&play),
            third.get(&format!("/v1/{play}")).await
        );
    }
    assert_eq!(idle.held[&play], away.held[&play]);

    // What is of a future that this store does not have is not believed.
    let ahead = world.clock.now().as_millisecond() + 61_000;
    let address = format!("/v1/live?k={play}&since={ahead}.1");
    let frames = third.get(&address).await["frames"].clone();
    assert_eq!(
        (&frames[0]["why"], &frames[1]["t"]),
        (&json!("ahead"), &json!("snap"))
    );
}

#[tokio::test]
async fn of_many_who_hold_what_cannot_be_made_once_more_one_has_it_tried() {
    let world = World::new().await;
    let server = Arc::new(world.server().await);
    let since = |since: String| {
        let server = Arc::clone(&server);
        async move {
            let address = format!("/v1/live?k=scoreboard&since={since}");
            server.get(&address).await["frames"].clone()
        }
    };
    let recalls = |count: usize| {
        let metrics = server.state.metrics();
        let line = format!("sports_edge_live_recalls_total {count}\n");
        assert!(metrics.contains(&line), "{metrics}");
    };
    let now = world.clock.now().as_millisecond();
    let made_up = format!("{}.1", now - 500);
    let readers: JoinSet<Value> = (0..300).map(|_| since(made_up.clone())).collect();
    for frames in readers.join_all().await {
        assert_eq!(frames[1]["t"], "snap", "{frames}");
    }
    recalls(1);
    let old = since(format!("{}.1", now - 3_600_001)).await;
    assert_eq!(old[1]["t"], "snap");
    recalls(1);
    since(format!("{}.1", now - 3_600_000)).await;
    recalls(2);
    world.clock.wait(60_000);
    since(made_up).await;
    recalls(3);
}

#[tokio::test]
async fn a_ticket_counts_at_another_server_once_and_not_when_its_key_is_revoked() {
    let world = World::new().await;
    let (one, two) = (world.server().await, world.server().await);
    let key = world.app.key(&[Scope::Read], 9).await;
    let ticket = async || {
        let request = Request::post("/v1/live/tickets");
        let request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        let answer = one.answer(request.body(Body::empty()).unwrap()).await;
        let ticket = answer["ticket"].as_str().unwrap().to_owned();
        format!("/v1/live?k={}&ticket={ticket}", world.play())
    };
    let address = ticket().await;
    assert_eq!(two.status(&address).await, StatusCode::OK);
    assert_eq!(two.status(&address).await, StatusCode::UNAUTHORIZED, "once");
    let late = ticket().await;
    world.clock.wait(30_000);
    assert_eq!(two.status(&late).await, StatusCode::UNAUTHORIZED, "soon");
    let revoked = ticket().await;
    let keys = world.app.engine.keys().await.unwrap();
    let mut prefixes = keys.into_iter().map(|it| it.prefix);
    let prefix = prefixes.find(|it| key.contains(it.as_str())).unwrap();
    world.app.engine.revoke_key(&prefix).await.unwrap();
    // What another server revoked is heard of by following, or not held for longer than this.
    tokio::time::sleep(engine::KEY_BELIEVED).await;
    assert_eq!(two.status(&revoked).await, StatusCode::UNAUTHORIZED);
}
