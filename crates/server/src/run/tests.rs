use std::{net::SocketAddr, time::Instant};

use engine::EngineOptions;
use store::{SqliteOptions, SqliteStore};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
};

use super::*;
use crate::{Config, SystemClock, config::Inputs};

fn settings(flags: &[(&'static str, &str)]) -> Settings {
    let flag = |(key, value): &(&'static str, &str)| (*key, "--test", (*value).to_owned());
    let mut flags: Vec<_> = flags.iter().map(flag).collect();
    flags.push(("data_dir", "--test", "/nowhere".to_owned()));
    Config::load(&Inputs {
        flags,
        ..Inputs::default()
    })
    .unwrap()
    .settings
}

async fn engine() -> (Arc<Engine>, Arc<SqliteStore>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let store = SqliteStore::open(path, &SqliteOptions::default())
        .await
        .unwrap();
    let store = Arc::new(store);
    let clock = Arc::new(SystemClock);
    (
        Arc::new(Engine::new(store.clone(), clock, EngineOptions::default())),
        store,
        folder,
    )
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut client = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_server_gets_ready_serves_and_stops_when_told() {
    let (engine, _store, _folder) = engine().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<Duration>();
    let settings = settings(&[]);
    let server = tokio::spawn(async move {
        run(&settings, engine, listener, async {
            stopped.await.unwrap()
        })
        .await
    });
    let patience = Instant::now() + Duration::from_secs(10);
    while !get(address, "/health/ready")
        .await
        .starts_with("HTTP/1.1 200")
    {
        assert!(Instant::now() < patience, "never ready");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(
        get(address, "/v1/competitions")
            .await
            .contains("\"data\":[")
    );
    stop.send(Duration::ZERO).unwrap();
    server.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off_when_draining_takes_too_long() {
    let (engine, _store, _folder) = engine().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<Duration>();
    let settings = settings(&[("limits.drain_seconds_max", "1")]);
    let server = tokio::spawn(async move {
        run(&settings, engine, listener, async {
            stopped.await.unwrap()
        })
        .await
    });
    let mut client = TcpStream::connect(address).await.unwrap();
    let half = b"POST /v1/quotes HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n";
    client.write_all(half).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let told = Instant::now();
    stop.send(Duration::ZERO).unwrap();
    server.await.unwrap().unwrap();
    let took = told.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn a_server_that_cannot_load_lives_but_is_never_ready() {
    let (engine, store, _folder) = engine().await;
    store::Store::close(&*store).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<Duration>();
    let settings = settings(&[]);
    let server = tokio::spawn(async move {
        run(&settings, engine, listener, async {
            stopped.await.unwrap()
        })
        .await
    });
    assert!(
        get(address, "/health/live")
            .await
            .starts_with("HTTP/1.1 200")
    );
    assert!(
        get(address, "/health/ready")
            .await
            .starts_with("HTTP/1.1 503")
    );
    stop.send(Duration::ZERO).unwrap();
    server.await.unwrap().unwrap();
}

#[test]
fn reads_are_open_on_loopback_and_elsewhere_only_when_told() {
    let access = |flags: &[(&'static str, &str)]| {
        let options = options(&settings(flags)).unwrap();
        (options.read_access, options.hosts)
    };
    let loopback =
        |hosts: &[&str]| Hosts::LoopbackAnd(hosts.iter().map(|it| (*it).to_owned()).collect());
    assert_eq!(access(&[]), (ReadAccess::Open, loopback(&[])));
    let proxied = ("allowed_hosts", "odds.example");
    assert_eq!(
        access(&[proxied]),
        (ReadAccess::Keyed, loopback(&["odds.example"]))
    );
    let public = ("reads_public", "true");
    assert_eq!(
        access(&[proxied, public]),
        (ReadAccess::Open, loopback(&["odds.example"]))
    );
    let everywhere = ("listen", "0.0.0.0:80");
    assert_eq!(access(&[everywhere]), (ReadAccess::Keyed, Hosts::Any));
    assert_eq!(
        access(&[everywhere, public]),
        (ReadAccess::Open, Hosts::Any)
    );
}

#[tokio::test]
async fn a_head_that_drips_keeps_no_place() {
    let (engine, _store, _folder) = engine().await;
    let state = ApiState::new(engine, ApiOptions::default());
    let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = inner.local_addr().unwrap();
    let listener = BoundedListener::new(inner, 1, Duration::from_millis(600));
    let cores = Cores::start().unwrap();
    let front = api::Front::new(state);
    tokio::spawn(async move {
        http::serve(listener, &cores, (front, &[]), std::future::pending()).await;
    });
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /health/live HTTP/1.1\r\nx-slow: ")
        .await
        .unwrap();
    let (mut answer, mut drip) = slow.into_split();
    let dripping = async {
        // Never silent for as long as it may be.
        while drip.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let mut end = Vec::new();
    let ended = async {
        tokio::select! {
            _ = answer.read_to_end(&mut end) => {}
            () = dripping => {}
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .unwrap();
    let next = tokio::time::timeout(Duration::from_secs(10), get(address, "/health/live"));
    assert!(next.await.unwrap().starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn an_answer_that_comes_before_the_end_of_its_request_is_not_lost() {
    const BODY: usize = 8 << 20;
    let (engine, _store, _folder) = engine().await;
    let state = ApiState::new(engine, ApiOptions::default());
    let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = inner.local_addr().unwrap();
    let listener = BoundedListener::new(inner, 4, SILENCE_MAX);
    let cores = Cores::start().unwrap();
    let front = api::Front::new(state);
    tokio::spawn(async move {
        http::serve(listener, &cores, (front, &[]), std::future::pending()).await;
    });
    // Nobody may write here without a key, and some are let in nowhere.
    for (path, status) in [("/v1/quotes", "401"), ("/nowhere", "404")] {
        let mut client = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {BODY}\r\n\r\n"
        );
        client.write_all(head.as_bytes()).await.unwrap();
        // As a proxy does, which reads the answer once it has sent all.
        for _ in 0..BODY / 65_536 {
            client.write_all(&[b' '; 65_536]).await.unwrap();
        }
        let mut answer = [0; 12];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(
            std::str::from_utf8(&answer).unwrap(),
            format!("HTTP/1.1 {status}")
        );
    }
}
