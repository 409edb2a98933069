mod telling;

use std::{
    net::IpAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

fn allowing(networks: &[&str]) -> WebhookOptions {
    WebhookOptions {
        allowed: networks.iter().map(|it| it.parse().unwrap()).collect(),
        total_timeout: Duration::from_secs(2),
        ..WebhookOptions::default()
    }
}

/// Leads each look-up of a name to the next of these addresses, then to the last for good.
fn leading(options: WebhookOptions, to: &[&str]) -> Webhooks {
    let to: Vec<IpAddr> = to.iter().map(|it| it.parse().unwrap()).collect();
    let count = AtomicUsize::new(0);
    let lookup = move |_: String, port: u16| -> Found {
        let at = count.fetch_add(1, Ordering::SeqCst).min(to.len() - 1);
        let address = SocketAddr::new(to[at], port);
        Box::pin(async move { Ok(vec![address]) })
    };
    Webhooks::with_lookup(options, Arc::new(lookup))
}

fn parcel(url: &str) -> Parcel {
    Parcel {
        url: url.to_owned(),
        headers: vec![("webhook-id", "msg_1".to_owned())],
        body: r#"{"type":"alert.test"}"#.to_owned(),
    }
}

/// Answers one request with these words; returns what was asked.
async fn answering(words: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut asked = String::new();
        while !asked.ends_with('}') {
            let mut bytes = [0; 1_024];
            let count = socket.read(&mut bytes).await.unwrap();
            asked.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
        socket.write_all(words.as_bytes()).await.unwrap();
        asked
    });
    (port, serving)
}

#[tokio::test]
async fn addresses_that_lead_inside_are_refused() {
    let webhooks = Webhooks::new(WebhookOptions::default());
    for (url, reason) in [
        ("ftp://example.com/", "is no http or https address"),
        ("example.com", "is no http or https address"),
        ("http://exam ple.com/", "is no http or https address"),
        ("https://example.com/#part", "is no http or https address"),
        (
            "http://user:word@example.com/",
            "names a user; send secrets in the path",
        ),
        (
            "http://127.0.0.1/",
            "127.0.0.1 leads to an address that is not public",
        ),
        (
            "http://[::1]:8080/x",
            "[::1] leads to an address that is not public",
        ),
        (
            "http://169.254.169.254/meta",
            "169.254.169.254 leads to an address that is not public",
        ),
        (
            "http://localhost/",
            "localhost leads to an address that is not public",
        ),
        (
            "http://2130706433/",
            "2130706433 leads to an address that is not public",
        ),
        (
            "http://[::ffff:10.0.0.1]/",
            "[::ffff:10.0.0.1] leads to an address that is not public",
        ),
    ] {
        assert_eq!(webhooks.check(url).await.unwrap_err(), reason, "{url}");
        assert_eq!(
            webhooks.carry(parcel(url)).await.unwrap_err(),
            reason,
            "{url}"
        );
    }
    let long = format!("https://example.com/{}", "x".repeat(2_048));
    assert!(webhooks.check(&long).await.unwrap_err().contains("2,048"));
    let nowhere = |_: String, _: u16| -> Found { Box::pin(async { Ok(Vec::new()) }) };
    let nowhere = Webhooks::with_lookup(WebhookOptions::default(), Arc::new(nowhere));
    let unknown = nowhere.check("https://example.com").await.unwrap_err();
    assert_eq!(unknown, "example.com cannot be found");
}

#[tokio::test]
async fn a_network_that_is_allowed_is_reached_and_what_is_sent_arrives() {
    let (port, serving) = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let webhooks = Webhooks::new(allowing(&["127.0.0.0/8"]));
    let url = format!("http://127.0.0.1:{port}/in?x=1");
    webhooks.check(&url).await.unwrap();
    assert_eq!(webhooks.carry(parcel(&url)).await, Ok(204));
    let asked = serving.await.unwrap();
    assert!(asked.starts_with("POST /in?x=1 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("webhook-id: msg_1\r\n"), "{asked}");
    assert!(
        asked.contains("content-type: application/json\r\n"),
        "{asked}"
    );
    assert!(
        asked.ends_with("\r\n\r\n{\"type\":\"alert.test\"}"),
        "{asked}"
    );
}

#[tokio::test]
async fn a_name_that_leads_inside_once_it_was_taken_leads_nowhere() {
    let (port, serving) = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let webhooks = leading(allowing(&[]), &["203.0.114.7", "127.0.0.1"]);
    let url = format!("http://receiver.example:{port}/");
    webhooks.check(&url).await.unwrap();
    let refused = webhooks.carry(parcel(&url)).await.unwrap_err();
    assert!(refused.ends_with("not public"), "{refused}");
    assert!(!serving.is_finished(), "nobody connected");
    serving.abort();
}

#[tokio::test]
async fn what_was_checked_is_what_is_connected_to() {
    let (port, serving) = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    // Had the name been looked up twice, the second answer would have led elsewhere.
    let webhooks = leading(allowing(&["127.0.0.1/32"]), &["127.0.0.1", "127.0.0.99"]);
    let url = format!("http://receiver.example:{port}/");
    assert_eq!(webhooks.carry(parcel(&url)).await, Ok(200));
    let asked = serving.await.unwrap();
    let host = format!("host: receiver.example:{port}\r\n");
    assert!(asked.to_lowercase().contains(&host), "{asked}");
}

#[tokio::test]
async fn redirects_are_told_and_not_followed() {
    let moved = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let (port, serving) = answering(moved).await;
    let webhooks = Webhooks::new(allowing(&["127.0.0.0/8"]));
    let url = format!("http://127.0.0.1:{port}/");
    assert_eq!(webhooks.carry(parcel(&url)).await, Ok(302));
    serving.await.unwrap();
}

#[tokio::test]
async fn who_does_not_answer_or_is_not_there_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let webhooks = Webhooks::new(allowing(&["127.0.0.0/8"]));
    let url = format!("http://127.0.0.1:{port}/");
    let silent = webhooks.carry(parcel(&url)).await;
    assert_eq!(silent, Err("it took too long".to_owned()));
    drop(listener);
    let gone = webhooks.carry(parcel(&url)).await;
    assert_eq!(gone, Err("the connection was refused".to_owned()));
    assert_ne!(webhooks.chance(), webhooks.chance());
}
