use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::*;

/// A server that gives its answers in turn, then stops; it keeps the heads of the requests.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
    thread: JoinHandle<()>,
}

impl Server {
    fn start(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/E0.csv", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let thread = std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                seen.lock().unwrap().push(head(&stream));
                // A client that has read enough hangs up.
                let _ = stream.write_all(&answer);
            }
        });
        Self {
            url,
            requests,
            thread,
        }
    }

    /// The requests, once every answer has been given.
    fn finish(self) -> Vec<String> {
        self.thread.join().unwrap();
        std::mem::take(&mut *self.requests.lock().unwrap())
    }
}

fn head(stream: &TcpStream) -> String {
    let mut head = String::new();
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap();
        if line.is_empty() {
            break;
        }
        head.push_str(&line.to_lowercase());
        head.push('\n');
    }
    head
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn options() -> FetchOptions {
    FetchOptions {
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_millis(500),
        total_timeout: Duration::from_secs(5),
        attempts_max: 3,
        pause_first: Duration::from_millis(1),
        bytes_max: 1000,
        ..FetchOptions::default()
    }
}

fn fetch(url: &str, known: Option<&FetchState>) -> Result<Fetched> {
    Fetcher::new(options())?.fetch(url, known, || 0.5)
}

fn text(fetched: Fetched) -> (String, Option<String>, Option<String>) {
    match fetched {
        Fetched::Unchanged => panic!("not fetched"),
        Fetched::Fresh {
            mut file,
            etag,
            last_modified,
            ..
        } => {
            use std::io::Seek;
            file.rewind().unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            (text, etag, last_modified)
        }
    }
}

fn problem(result: Result<Fetched>) -> String {
    format!("{:#}", result.unwrap_err())
}

#[test]
fn content_comes_with_what_to_remember_of_it() {
    let headers = "etag: \"v1\"\r\nlast-modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n";
    let server = Server::start(vec![answer("200 OK", headers, "Div,Date\n")]);
    let (text, etag, last_modified) = text(fetch(&server.url, None).unwrap());
    assert_eq!(text, "Div,Date\n");
    assert_eq!(etag.as_deref(), Some("\"v1\""));
    assert_eq!(
        last_modified.as_deref(),
        Some("Mon, 01 Jan 2024 00:00:00 GMT")
    );
    let requests = server.finish();
    assert!(requests[0].contains("user-agent: sports-edge/"));
    assert!(!requests[0].contains("if-none-match"));
}

#[test]
fn a_header_that_is_given_goes_along_wherever_the_server_leads() {
    let server = Server::start(vec![leads("/b"), answer("200 OK", "", "here")]);
    let mut secret = HeaderValue::from_static("s3cret");
    secret.set_sensitive(true);
    let options = FetchOptions {
        header: Some((HeaderName::from_static("x-key"), secret)),
        ..options()
    };
    assert!(!format!("{options:?}").contains("s3cret"));
    let fetched = Fetcher::new(options)
        .unwrap()
        .fetch(&server.url, None, || 0.5);
    assert_eq!(text(fetched.unwrap()).0, "here");
    let asked = server.finish();
    assert!(
        asked.iter().all(|it| it.contains("x-key: s3cret")),
        "{asked:?}"
    );
}

#[test]
fn known_content_is_asked_for_only_where_it_changed() {
    let server = Server::start(vec![answer("304 Not Modified", "", "")]);
    let known = FetchState {
        url: server.url.clone(),
        etag: Some("\"v1\"".to_owned()),
        last_modified: Some("Mon, 01 Jan 2024 00:00:00 GMT".to_owned()),
        fetched_at: jiff::Timestamp::UNIX_EPOCH,
    };
    let fetched = fetch(&server.url, Some(&known)).unwrap();
    assert!(matches!(fetched, Fetched::Unchanged));
    let requests = server.finish();
    assert!(requests[0].contains("if-none-match: \"v1\""));
    assert!(requests[0].contains("if-modified-since: mon, 01 jan 2024"));
}

#[test]
fn passing_failures_are_tried_again() {
    let server = Server::start(vec![
        answer("503 Service Unavailable", "retry-after: 0\r\n", ""),
        answer("429 Too Many Requests", "retry-after: soon\r\n", ""),
        answer("200 OK", "", "here"),
    ]);
    assert_eq!(text(fetch(&server.url, None).unwrap()).0, "here");
    assert_eq!(server.finish().len(), 3);
}

#[test]
fn an_answer_that_breaks_off_is_asked_for_again() {
    let mut cut = answer("200 OK", "", "here and more");
    cut.truncate(cut.len() - 5);
    let server = Server::start(vec![cut, answer("200 OK", "", "here and more")]);
    assert_eq!(text(fetch(&server.url, None).unwrap()).0, "here and more");
    server.finish();
}

#[test]
fn a_server_that_keeps_failing_is_given_up() {
    let failing = || answer("500 Internal Server Error", "", "");
    let server = Server::start(vec![failing(), failing(), failing()]);
    let problem = problem(fetch(&server.url, None));
    assert_eq!(
        problem,
        "given up after 3 attempts: the source answers 500 Internal Server Error"
    );
    server.finish();
}

#[test]
fn a_lasting_failure_is_not_tried_again() {
    let server = Server::start(vec![answer("404 Not Found", "", "")]);
    assert_eq!(
        problem(fetch(&server.url, None)),
        "the source answers 404 Not Found"
    );
    assert_eq!(server.finish().len(), 1);
    assert!(problem(fetch("http://[::bad", None)).starts_with("the address cannot be read"));
}

#[test]
fn silence_ends_in_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let options = FetchOptions {
        read_timeout: Duration::from_millis(50),
        attempts_max: 2,
        ..options()
    };
    let failed = Fetcher::new(options).unwrap().fetch(&url, None, || 0.0);
    assert_eq!(
        problem(failed),
        "given up after 2 attempts: nothing came from the source for 50 ms"
    );
    drop(listener);
}

#[test]
fn answers_too_large_are_refused_whether_they_say_so_or_not() {
    let large = "x".repeat(1001);
    let mut untold = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
    untold.extend(large.as_bytes());
    let server = Server::start(vec![answer("200 OK", "", &large), untold]);
    for _ in 0..2 {
        assert_eq!(
            problem(fetch(&server.url, None)),
            "the answer is larger than 1000 bytes"
        );
    }
    server.finish();
}

#[test]
fn nobody_there_is_a_passing_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    assert!(problem(fetch(&url, None)).starts_with("given up after 3 attempts"));
}

fn leads(location: &str) -> Vec<u8> {
    answer("302 Found", &format!("location: {location}\r\n"), "")
}

#[test]
fn a_server_leads_to_its_own_places_and_so_often() {
    let server = Server::start(vec![leads("/b?c"), answer("200 OK", "", "here")]);
    assert_eq!(text(fetch(&server.url, None).unwrap()).0, "here");
    assert!(server.finish()[1].starts_with("get /b?c "));
    let server = Server::start(vec![leads("/again"); 6]);
    assert_eq!(
        problem(fetch(&server.url, None)),
        "the source leads on after 5 redirects"
    );
    assert_eq!(server.finish().len(), 6);
}

#[test]
fn a_server_leads_to_no_other_and_nothing_is_asked_there() {
    let inside = TcpListener::bind("127.0.0.1:0").unwrap();
    inside.set_nonblocking(true).unwrap();
    let secret = format!("http://{}/secret", inside.local_addr().unwrap());
    let server = Server::start(vec![leads(&secret)]);
    let refused = problem(fetch(&server.url, None));
    assert!(refused.contains(&secret), "{refused}");
    server.finish();
    let asked = inside.accept().map(|_| ()).map_err(|it| it.kind());
    assert_eq!(asked, Err(io::ErrorKind::WouldBlock));
}
