//! What is asked for over an open socket is counted.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use api::{ApiOptions, RateOptions, Scope};

use super::{
    client::{Client, Wish},
    open, serving,
};

#[tokio::test]
async fn each_key_asked_for_over_a_socket_counts_against_the_limit_of_whose_it_is() {
    let options = ApiOptions {
        rates: RateOptions {
            per_key: NonZeroU32::new(3),
            per_address: None,
        },
        ..open()
    };
    let (app, _, address) = serving(options).await;
    let begun = Instant::now();
    let is_late = || begun.elapsed() >= Duration::from_secs(60 / 3);
    let open = async |number| {
        let key = format!("Bearer {}", app.key(&[Scope::Read], number).await);
        let headers = &[("authorization", &*key)];
        let (head, client) = Client::ask(address, Wish { query: "", headers }).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        client
    };
    let (mut one, mut other) = (open(8).await, open(9).await);
    one.sub(&["board", "edges", "scoreboard", "fixtures"]).await;
    let mut told = Vec::new();
    while told.len() < 4 {
        let frame = one.next().await;
        match &frame["t"] {
            kind if kind == "hb" => {}
            kind if kind == "err" => told.push(format!("{}: {}", frame["k"], frame["code"])),
            kind => told.push(format!("{}: {kind}", frame["k"])),
        }
    }
    told.sort(); // What is refused need not wait for answers that are made.
    let expected = [
        "\"board\": \"snap\"",
        "\"edges\": \"snap\"",
        "\"fixtures\": \"too-many-requests\"",
        "\"scoreboard\": \"snap\"",
    ];
    assert!(told == expected || is_late(), "{told:?}");
    // What is there already for others is counted as well, and so is what is asked for anew.
    one.sub(&["board"]).await;
    let refused = one.next_of("err").await;
    let detail = refused["detail"].to_string();
    assert!(
        detail.contains("this API key may send 3 requests a minute") || is_late(),
        "{detail}"
    );
    other.sub(&["board"]).await;
    assert_eq!(other.next_of("snap").await["k"], "board");
}
