//! Two databases behind one Redis with one prefix.

use serde_json::json;
use testkit::Redis;

use crate::{
    home::Home,
    serve::Server,
    shared::{get, is, post, until},
};

#[test]
fn servers_of_two_databases_take_nothing_from_each_other_by_one_redis() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let url = format!("redis://{}/", redis.address());
    let environment = [
        ("SPORTS_EDGE_REDIS__URL", url.as_str()),
        // The machine that tests run on is busy.
        ("SPORTS_EDGE_REDIS__COMMAND_MS_MAX", "400"),
    ];
    let (home, other) = (Home::new(), Home::new());
    home.import();
    let saved = home.path("saved");
    let saved = saved.to_str().unwrap();
    assert_eq!(home.run(&["db", "backup", saved]).code, 0);
    assert_eq!(other.run(&["db", "restore", saved]).code, 0);
    let mut a = Server::start(&home, &environment);
    let key = a.first_key();
    let b = Server::start(&other, &environment);
    for server in [&a, &b] {
        server.until_ready();
        until("it is up", || is(server, "up"));
    }
    let body = json!({"data": [{"fixture_id": 1, "bookmaker": "mine", "market": "h2h",
        "outcomes": [{"outcome": "home", "price": 2.5}]}]});
    post(&a, &key, "/v1/quotes", &body);
    let paths = (1..=50).map(|it| format!("/v1/teams?limit={it}"));
    for path in paths.chain(["/v1/fixtures/1/quotes".to_owned()]) {
        let made = get(&a, &path);
        assert!(!made.came_from("shared"), "{path}");
        std::thread::sleep(std::time::Duration::from_millis(20)); // It is shared behind the answer.
        let answer = get(&b, &path);
        assert!(!answer.came_from("shared"), "{path}: {}", answer.body);
        let both = [made, answer].map(|it| it.body.to_string().contains("\"mine\""));
        assert_eq!(both, [path.ends_with("quotes"), false], "{path}");
    }
}
