//! Sessions, rate limits and claims: over all replicas with a server, by themselves without.

use std::time::Duration;

use bytes::Bytes;
use cache::shared::{Claim, Claims, Rate, RateLimit, Sessions, Shared};
use testkit::Redis;

use super::rig::{replica, until};

const HOUR: Duration = Duration::from_secs(3600);

fn rate() -> Rate {
    Rate {
        requests: 5,
        per: Duration::from_secs(10),
    }
}

async fn five_of_six_pass(first: &RateLimit, second: &RateLimit) {
    for left in (0..5).rev() {
        let limit = if left % 2 == 0 { first } else { second };
        let allowance = limit.take("client", 1).await;
        assert!(
            allowance.allowed && allowance.remaining == left,
            "{allowance:?}"
        );
    }
    for limit in [first, second] {
        let allowance = limit.take("client", 1).await;
        assert!(!allowance.allowed && allowance.remaining == 0);
        assert!(allowance.retry_after <= Duration::from_secs(2));
        assert!(allowance.retry_after > Duration::from_secs(1));
    }
    assert!(first.take("another", 5).await.allowed);
    assert!(!first.take("costly", 6).await.allowed);
}

#[tokio::test]
async fn a_rate_holds_over_all_replicas() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    let (b, _) = replica(&redis.url()).await;
    let first = RateLimit::new(Some(a.clone()), "test", rate());
    let second = RateLimit::new(Some(b), "test", rate());
    five_of_six_pass(&first, &second).await;
    // With the server away each replica counts by itself.
    redis.pause();
    assert!(first.take("client", 5).await.allowed);
    until("it is away", || !a.health().up).await;
    assert!(!first.take("client", 5).await.allowed);
    redis.resume();
}

#[tokio::test]
async fn a_rate_holds_without_a_server() {
    let limit = RateLimit::new(None, "test", rate());
    five_of_six_pass(&limit, &limit).await;
    let quick = RateLimit::new(
        None,
        "quick",
        Rate {
            requests: 1,
            per: Duration::from_millis(50),
        },
    );
    assert!(quick.take("client", 1).await.allowed);
    let over = quick.take("client", 1).await;
    assert!(!over.allowed);
    tokio::time::sleep(over.retry_after).await;
    assert!(quick.take("client", 1).await.allowed);
    // It holds on to no more clients than it may.
    for client in 0..70_000 {
        quick.take(&client.to_string(), 1).await;
    }
}

#[tokio::test]
async fn a_session_is_known_to_all_replicas() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    let (b, _) = replica(&redis.url()).await;
    let (first, second) = (Sessions::new(Some(a)), Sessions::new(Some(b)));
    assert_eq!(first.get("s").await, None);
    first.put("s", Bytes::from("who"), HOUR).await;
    assert_eq!(second.get("s").await.unwrap(), "who");
    second.remove("s", HOUR).await;
    assert_eq!(first.get("s").await, None);
    first
        .put("t", Bytes::from("brief"), Duration::from_millis(60))
        .await;
    tokio::time::sleep(Duration::from_millis(80)).await;
    assert_eq!(second.get("t").await, None);
    // What somebody else wrote there is no session.
    redis.run(&[
        "SET",
        "{sports-edge}:session:u",
        "nonsense that is long enough",
    ]);
    assert_eq!(second.get("u").await, None);
}

#[tokio::test]
async fn sessions_outlive_an_absent_server() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    let (b, _) = replica(&redis.url()).await;
    let (first, second) = (
        Sessions::new(Some(a.clone())),
        Sessions::new(Some(b.clone())),
    );
    for name in ["kept", "ended"] {
        first.put(name, Bytes::from(name), HOUR).await;
    }
    redis.pause();
    until("it is away", || !a.health().up).await;
    assert_eq!(first.get("kept").await.unwrap(), "kept");
    first.remove("ended", HOUR).await;
    first.put("new", Bytes::from("new"), HOUR).await;
    assert_eq!(first.get("ended").await, None);
    assert_eq!(first.get("new").await.unwrap(), "new");
    redis.resume();
    until("it is back", || a.health().proven && b.health().proven).await;
    // Before the server is asked it is told.
    assert_eq!(first.get("ended").await, None);
    assert_eq!(second.get("ended").await, None);
    assert_eq!(second.get("new").await.unwrap(), "new");
}

async fn claims_hold(first: &Claims, second: &Claims) {
    let lease = Duration::from_secs(5);
    let Claim::Mine(token) = first.claim("k", lease).await else {
        panic!("nobody had it");
    };
    assert_eq!(second.claim("k", lease).await, Claim::Running);
    first.settle(&token, Bytes::from("done"), HOUR).await;
    for claims in [first, second] {
        assert_eq!(
            claims.claim("k", lease).await,
            Claim::Done(Bytes::from("done"))
        );
    }
    let Claim::Mine(token) = first.claim("l", lease).await else {
        panic!("nobody had it");
    };
    first.abandon(&token).await;
    let Claim::Mine(_) = second.claim("l", Duration::from_millis(50)).await else {
        panic!("it was given up");
    };
    tokio::time::sleep(Duration::from_millis(70)).await;
    assert!(matches!(first.claim("l", lease).await, Claim::Mine(_)));
}

#[tokio::test]
async fn what_is_claimed_is_done_once() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    let (b, _) = replica(&redis.url()).await;
    let (first, second) = (Claims::new(Some(a.clone())), Claims::new(Some(b)));
    claims_hold(&first, &second).await;
    // Made with the server, settled without.
    let Claim::Mine(token) = first.claim("m", HOUR).await else {
        panic!("nobody had it");
    };
    redis.pause();
    until("it is away", || !a.health().up).await;
    first.settle(&token, Bytes::from("done"), HOUR).await;
    assert!(matches!(first.claim("m", HOUR).await, Claim::Done(_)));
    assert!(matches!(first.claim("n", HOUR).await, Claim::Mine(_)));
    assert_eq!(first.claim("n", HOUR).await, Claim::Running);
    redis.resume();
    until("it is back", || a.health().up).await;
    assert_eq!(first.claim("n", HOUR).await, Claim::Running);
}

#[tokio::test]
async fn claims_hold_without_a_server() {
    let none: Option<Shared> = None;
    let claims = Claims::new(none);
    claims_hold(&claims, &claims).await;
}
