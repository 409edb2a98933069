//! What fired, told to real receivers by an engine on a real store.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::{
    AlertCondition, AlertId, AlertOutcome, AlertScope, Direction, Market, Outcome, RawRule,
};
use engine::{
    AlertCaller, AlertChange, AlertCommand, AlertStanding, AlertView, Clock, DeliveryState, Engine,
    EngineError, EngineOptions, FiringView,
};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use store::Store;
use testkit::{LeagueOptions, league};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

use super::*;

/// Longer than anything takes, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A clock that stands until it is moved.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

impl Hand {
    fn forward(&self, by: SignedDuration) {
        self.0.fetch_add(by.as_secs(), Ordering::SeqCst);
    }
}

struct World {
    engine: Arc<Engine>,
    clock: Arc<Hand>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let (store, folder) = testkit::store().await;
        testkit::fill(&store, &league(&LeagueOptions::default())).await;
        let clock = Arc::new(Hand(AtomicI64::new(1_700_000_000)));
        let store: Arc<dyn Store> = Arc::new(store);
        let engine = Engine::new(store, Arc::clone(&clock) as _, EngineOptions::default());
        let options = WebhookOptions {
            allowed: vec!["127.0.0.0/8".parse().unwrap()],
            total_timeout: PATIENCE,
            ..WebhookOptions::default()
        };
        let engine = engine.with_courier(Arc::new(Webhooks::new(options)));
        Self {
            engine: Arc::new(engine),
            clock,
            _folder: folder,
        }
    }

    async fn alert(&self, url: &str) -> Result<AlertView, EngineError> {
        let command = AlertCommand {
            name: "watch".to_owned(),
            rule: RawRule {
                condition: AlertCondition::Probability {
                    market: Market::H2H,
                    outcome: AlertOutcome::Of(Outcome::Home),
                    level: 0.5,
                    direction: Direction::Up,
                },
                scope: AlertScope::All,
                hysteresis: None,
                quiet_minutes: None,
            },
            paused: false,
            webhook: Some(url.to_owned()),
            request: None,
        };
        self.engine.put_alert(&caller(), command).await
    }

    async fn test(&self, id: AlertId) {
        self.engine.test_alert(&caller(), id).await.unwrap();
    }

    /// The newest firing of a rule, once it is as wanted.
    async fn once(&self, id: AlertId, wanted: impl Fn(&FiringView) -> bool) -> FiringView {
        let looking = async {
            loop {
                let fired = self.engine.firings(Some(id), (None, 1)).await.unwrap();
                if let Some(found) = fired.into_iter().find(&wanted) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, looking).await.expect("it comes to be")
    }
}

fn caller() -> AlertCaller {
    AlertCaller {
        principal: "se_a".to_owned(),
        operates: false,
    }
}

fn delivered(it: &FiringView) -> bool {
    it.record.delivery == Some(DeliveryState::Delivered)
}

/// Hands over each request with the socket that waits for its answer.
async fn receiver() -> (String, mpsc::UnboundedReceiver<(String, TcpStream)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/in", listener.local_addr().unwrap());
    let (send, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut asked = String::new();
            while !asked.ends_with("}}") {
                let mut bytes = [0; 4_096];
                match socket.read(&mut bytes).await {
                    Ok(count) if count > 0 => {
                        asked.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
                    }
                    _ => break,
                }
            }
            if send.send((asked, socket)).is_err() {
                return;
            }
        }
    });
    (url, requests)
}

async fn next(requests: &mut mpsc::UnboundedReceiver<(String, TcpStream)>) -> (String, TcpStream) {
    let request = timeout(PATIENCE, requests.recv()).await;
    request.expect("a request comes").unwrap()
}

async fn answer(mut socket: TcpStream, status: u16) {
    let words = format!("HTTP/1.1 {status} Word\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    socket.write_all(words.as_bytes()).await.unwrap();
}

fn header<'a>(asked: &'a str, name: &str) -> &'a str {
    let line = asked
        .lines()
        .find(|it| it.starts_with(&format!("{name}: ")));
    line.unwrap().split_once(": ").unwrap().1
}

/// What a receiver that follows the scheme works out for itself.
fn signature(secret: &str, asked: &str) -> String {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let key = secret.strip_prefix("whsec_").unwrap();
    let mut key = BASE64_STANDARD.decode(key).unwrap();
    key.resize(64, 0);
    let body = asked.split_once("\r\n\r\n").unwrap().1;
    let id = header(asked, "webhook-id");
    let signed = format!("{id}.{}.{body}", header(asked, "webhook-timestamp"));
    let inner: Vec<u8> = key
        .iter()
        .map(|it| it ^ 0x36)
        .chain(signed.bytes())
        .collect();
    let outer: Vec<u8> = key
        .iter()
        .map(|it| it ^ 0x5c)
        .chain(Sha256::digest(&inner))
        .collect();
    format!("v1,{}", BASE64_STANDARD.encode(Sha256::digest(&outer)))
}

#[tokio::test]
async fn a_firing_is_signed_and_told_again_until_it_is_taken() {
    let world = World::new().await;
    let (url, mut requests) = receiver().await;
    let made = world.alert(&url).await.unwrap();
    let (id, secret) = (made.record.id, made.secret.unwrap());
    assert_eq!(
        world.engine.alert(id).await.unwrap().secret,
        None,
        "it is shown once"
    );
    let telling = tokio::spawn(Arc::clone(&world.engine).keep_telling());
    world.test(id).await;
    let (asked, socket) = next(&mut requests).await;
    assert!(asked.starts_with("POST /in HTTP/1.1\r\n"), "{asked}");
    assert_eq!(
        header(&asked, "webhook-signature"),
        signature(&secret, &asked)
    );
    assert_eq!(header(&asked, "webhook-timestamp"), "1700000000");
    assert!(asked.contains(r#""type":"alert.test""#), "{asked}");
    answer(socket, 500).await;
    let tried = world.once(id, |it| !it.record.attempts.is_empty()).await;
    let attempt = &tried.record.attempts[0];
    assert_eq!((attempt.attempt, attempt.status), (1, Some(500)));
    assert_eq!(attempt.fault.as_deref(), Some("answered 500"));
    let Some(DeliveryState::Due(due)) = tried.record.delivery else {
        panic!("it is tried again: {tried:?}");
    };
    let wait = due.duration_since(world.engine.now());
    assert!((4..=6).contains(&wait.as_secs()), "{wait}");
    world.clock.forward(SignedDuration::from_secs(7));
    let (again, socket) = next(&mut requests).await;
    assert_eq!(header(&again, "webhook-id"), header(&asked, "webhook-id"));
    assert_eq!(header(&again, "webhook-timestamp"), "1700000007");
    assert_eq!(
        header(&again, "webhook-signature"),
        signature(&secret, &again)
    );
    answer(socket, 204).await;
    let told = world.once(id, delivered).await;
    assert_eq!(told.record.attempts[1].status, Some(204));
    let figures = world.engine.alert_figures();
    assert_eq!(
        (figures.retried, figures.delivered, figures.given_up),
        (1, 1, 0)
    );
    telling.abort();
}

#[tokio::test]
async fn one_that_hangs_delays_nobody_else_and_what_was_under_way_is_told_after_a_kill() {
    let world = World::new().await;
    let (slow_url, mut slow) = receiver().await;
    let (url, mut quick) = receiver().await;
    let hangs = world.alert(&slow_url).await.unwrap().record.id;
    let other = world.alert(&url).await.unwrap().record.id;
    let telling = tokio::spawn(Arc::clone(&world.engine).keep_telling());
    world.test(hangs).await;
    let (first, held) = next(&mut slow).await;
    world.test(other).await;
    answer(next(&mut quick).await.1, 200).await;
    world.once(other, delivered).await;
    // As a kill: nobody is there any more to note that the connection was cut.
    telling.abort();
    assert!(telling.await.unwrap_err().is_cancelled());
    drop(held);
    // Another server, or this one after a kill, takes it once the lease is over.
    world.clock.forward(SignedDuration::from_secs(61));
    let telling = tokio::spawn(Arc::clone(&world.engine).keep_telling());
    let (again, socket) = next(&mut slow).await;
    assert_eq!(header(&again, "webhook-id"), header(&first, "webhook-id"));
    answer(socket, 200).await;
    let told = world.once(hangs, delivered).await;
    assert_eq!(told.record.attempts.last().unwrap().attempt, 2);
    telling.abort();
}

#[tokio::test]
async fn a_receiver_that_is_gone_pauses_its_alert_until_it_is_resumed() {
    let world = World::new().await;
    let (url, mut requests) = receiver().await;
    let id = world.alert(&url).await.unwrap().record.id;
    let telling = tokio::spawn(Arc::clone(&world.engine).keep_telling());
    world.test(id).await;
    answer(next(&mut requests).await.1, 410).await;
    let gone = |it: &FiringView| it.record.delivery == Some(DeliveryState::Gone);
    world.once(id, gone).await;
    let view = world.engine.alert(id).await.unwrap();
    assert_eq!(view.standing, AlertStanding::Gone);
    let (elsewhere, mut requests) = receiver().await;
    let change = AlertChange {
        paused: Some(false),
        webhook: Some(Some(elsewhere)),
        new_secret: true,
        ..AlertChange::default()
    };
    let changed = world
        .engine
        .change_alert(&caller(), id, &change)
        .await
        .unwrap();
    assert_eq!(changed.standing, AlertStanding::Active);
    let secret = changed.secret.unwrap();
    world.test(id).await;
    let (asked, socket) = next(&mut requests).await;
    assert_eq!(
        header(&asked, "webhook-signature"),
        signature(&secret, &asked)
    );
    answer(socket, 200).await;
    world.once(id, delivered).await;
    telling.abort();
}

#[tokio::test]
async fn a_private_address_is_refused_when_an_alert_is_made_or_changed() {
    let world = World::new().await;
    let field = |error: EngineError| match error {
        EngineError::BadAlert(fault) => fault.field,
        other => panic!("{other}"),
    };
    let private = world.alert("http://10.0.0.1/in").await.unwrap_err();
    assert_eq!(field(private), "webhook");
    let id = world
        .alert("http://127.0.0.1:9/in")
        .await
        .unwrap()
        .record
        .id;
    let change = AlertChange {
        webhook: Some(Some("http://192.168.0.1/".to_owned())),
        ..AlertChange::default()
    };
    let engine = &world.engine;
    let refused = engine
        .change_alert(&caller(), id, &change)
        .await
        .unwrap_err();
    assert_eq!(field(refused), "webhook");
    let without = AlertChange {
        webhook: Some(None),
        ..AlertChange::default()
    };
    let view = engine.change_alert(&caller(), id, &without).await.unwrap();
    assert_eq!((view.receiver(), view.secret), (None, None));
}
