use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use crate::{home::Home, shared::until};

/// A server that runs.
pub(crate) struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn start(home: &Home, environment: &[(&str, &str)]) -> Self {
        Self::start_to(home, environment, Stdio::null())
    }

    /// Starts one whose log can be read once it has ended.
    pub(crate) fn start_logged(
        home: &Home,
        environment: &[(&str, &str)],
    ) -> (Self, std::thread::JoinHandle<String>) {
        let mut server = Self::start_to(home, environment, Stdio::piped());
        let mut log = server.child.stderr.take().unwrap();
        let read = move || {
            let mut text = String::new();
            log.read_to_string(&mut text).unwrap();
            text
        };
        (server, std::thread::spawn(read))
    }

    pub(crate) fn start_to(home: &Home, environment: &[(&str, &str)], log: Stdio) -> Self {
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.envs(environment.iter().copied()).stderr(log);
        Self::of(command)
    }

    /// What a command starts.
    fn of(mut command: Command) -> Self {
        command.stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line
            .split("http://")
            .nth(1)
            .unwrap()
            .split_whitespace()
            .next()
            .unwrap();
        Self {
            address: address.to_owned(),
            child,
            out,
        }
    }

    /// The key that a first run prints.
    pub(crate) fn first_key(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim().rsplit(' ').next().unwrap().to_owned()
    }

    pub(crate) fn ask(&self, request: &str) -> String {
        let mut client = TcpStream::connect(&self.address).unwrap();
        client.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn get(&self, path: &str) -> String {
        let host = &self.address;
        self.ask(&format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
        ))
    }

    pub(crate) fn until_ready(&self) {
        let patience = Instant::now() + Duration::from_secs(20);
        while !self.get("/health/ready").starts_with("HTTP/1.1 200") {
            assert!(Instant::now() < patience, "never ready");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    pub(crate) fn end(mut self) -> ExitStatus {
        let patience = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < patience, "never ends");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn the_first_run_prints_a_key_that_writes_and_later_runs_print_none() {
    let home = Home::new();
    let mut server = Server::start(&home, &[]);
    let key = server.first_key();
    assert!(key.starts_with("se_"), "{key}");
    server.until_ready();
    let body = r#"{"data": [{"fixture_id": 1, "score": {"home": 1, "away": 0}}]}"#;
    let host = &server.address;
    let answer = server.ask(&format!(
        "POST /v1/results HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\nx-api-key: {key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ));
    assert!(answer.contains("fixture 1 is not known"), "{answer}");
    server.signal("TERM");
    assert!(server.end().success());
    let mut server = Server::start(&home, &[]);
    server.until_ready();
    server.signal("INT");
    let mut rest = String::new();
    server.out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert!(server.end().success());
}

#[test]
fn a_server_told_to_stop_finishes_what_is_at_work_and_a_second_signal_ends_it_at_once() {
    let home = Home::new();
    let server = Server::start(&home, &[("SPORTS_EDGE_LIMITS__DRAIN_SECONDS_MAX", "60")]);
    server.until_ready();
    let mut client = TcpStream::connect(&server.address).unwrap();
    client
        .write_all(b"GET /health/live HTTP/1.1\r\nhost: local")
        .unwrap();
    std::thread::sleep(Duration::from_millis(100));
    server.signal("TERM");
    std::thread::sleep(Duration::from_millis(200));
    client
        .write_all(b"host\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(server.end().success());

    let server = Server::start(&home, &[("SPORTS_EDGE_LIMITS__DRAIN_SECONDS_MAX", "60")]);
    server.until_ready();
    let mut client = TcpStream::connect(&server.address).unwrap();
    client.write_all(b"GET /health/live HTTP/1.1\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    server.signal("TERM");
    std::thread::sleep(Duration::from_millis(200));
    server.signal("TERM");
    assert_eq!(server.end().code(), Some(1));
}

#[test]
fn a_server_told_to_stop_says_so_and_serves_on_for_as_long_as_is_set() {
    let home = Home::new();
    let hour = [("SPORTS_EDGE_LIMITS__DRAIN_DELAY_SECONDS", "3600")];
    let server = Server::start(&home, &hour);
    server.until_ready();
    server.signal("TERM");
    until("it is not ready", || {
        let answer = server.get("/health/ready");
        answer.starts_with("HTTP/1.1 503") && answer.contains("the server is stopping")
    });
    let answer = server.get("/v1/competitions");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    server.signal("TERM");
    assert_eq!(
        server.end().code(),
        Some(1),
        "the second one ends it at once"
    );
    let server = Server::start(&home, &hour);
    server.until_ready();
    server.signal("INT");
    assert!(server.end().success(), "a terminal does not wait");
}

#[test]
fn a_line_of_the_log_says_where_a_request_came_from_and_with_which_key() {
    let home = Home::new();
    let proxies = [("SPORTS_EDGE_LIMITS__TRUSTED_PROXIES", "127.0.0.0/8")];
    let (mut server, log) = Server::start_logged(&home, &proxies);
    let key = server.first_key();
    let prefix = key.split('_').nth(1).unwrap();
    let host = server.address.clone();
    let refused = server.ask(&format!(
        "POST /v1/cache/purge HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
         x-api-key: {key}\r\nx-forwarded-for: 203.0.113.7\r\ncontent-length: 0\r\n\r\n"
    ));
    assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
    server.signal("TERM");
    assert!(server.end().success());
    let log = log.join().unwrap();
    let line = log
        .lines()
        .find(|it| it.contains("/v1/cache/purge"))
        .unwrap();
    assert!(line.contains(r#""client":"203.0.113.7""#), "{line}");
    assert!(line.contains(&format!(r#""key":"{prefix}""#)), "{line}");
    assert!(!log.contains(&key), "{log}");
}

/// Whether a process ignores SIGHUP.
fn ignores_hangup(process: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let mask = status.lines().find_map(|it| it.strip_prefix("SigIgn:"));
    u64::from_str_radix(mask.unwrap().trim(), 16).unwrap() & 1 == 1
}

#[test]
fn a_terminal_that_is_closed_stops_a_server_as_any_signal_does_except_under_nohup() {
    let home = Home::new();
    let shell = home.command(&[]);
    let program = shell.get_program().to_owned();
    let words = "trap '' HUP; exec \"$0\" serve --listen 127.0.0.1:0";
    let mut under = Command::new("/bin/sh");
    under.args(["-c", words]).arg(program).env_clear();
    under.envs(
        shell
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    under.current_dir(home.path("")).stderr(Stdio::null());
    let server = Server::of(under);
    server.until_ready();
    assert!(ignores_hangup(&server.child.id().to_string()));
    server.signal("TERM");
    assert!(server.end().success());

    if ignores_hangup("self") {
        return; // What this test began would inherit that.
    }
    let server = Server::start(&home, &[]);
    server.until_ready();
    server.signal("HUP");
    assert!(server.end().success());
}

#[test]
fn a_server_answers_foreign_hosts_with_a_problem_the_board_with_a_page_and_a_doctor() {
    let home = Home::new();
    let server = Server::start(&home, &[("SPORTS_EDGE_LOG__FORMAT", "human")]);
    server.until_ready();
    let foreign = "GET /v1/teams HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
    assert!(server.ask(foreign).starts_with("HTTP/1.1 421"));
    assert!(server.get("/").contains("<!doctype html>"));
    let doctor = home.run_with(&["doctor"], &[("SPORTS_EDGE_LISTEN", &server.address)]);
    assert!(
        doctor
            .out
            .contains(&format!("ok   a server answers on {}", server.address))
    );
    server.signal("TERM");
    assert!(server.end().success());
}

#[test]
fn an_address_others_reach_is_refused_without_a_key() {
    let home = Home::new();
    let refused = home.run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(refused.code, 1);
    for words in [
        "by its setting listen and there is no API key",
        "sports-edge key create",
        "SPORTS_EDGE_READS_PUBLIC=true",
        "or set listen to an address of 127.0.0.1",
    ] {
        assert!(refused.err.contains(words), "{words}: {refused:?}");
    }
    let proxied = [("SPORTS_EDGE_ALLOWED_HOSTS", "odds.example")];
    let refused = home.run_with(&["serve", "--listen", "127.0.0.1:0"], &proxied);
    assert_eq!(refused.code, 1);
    assert!(
        refused.err.contains("by its setting allowed_hosts and")
            && refused.err.contains("or leave allowed_hosts empty"),
        "{refused:?}"
    );
    let served = [("SPORTS_EDGE_GRPC_LISTEN", "0.0.0.0:0"), proxied[0]];
    let refused = home.run_with(&["serve", "--listen", "127.0.0.1:0"], &served);
    let words = "by its setting grpc_listen and allowed_hosts and";
    assert!(refused.err.contains(words), "{refused:?}");
}

#[test]
fn a_taken_address_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = Home::new().run(&["serve", "--listen", &address]);
    assert_eq!(refused.code, 1);
    assert!(
        refused
            .err
            .contains(&format!("{address} cannot be listened on")),
        "{refused:?}"
    );
}

#[test]
fn metrics_tell_of_the_process_and_of_what_was_asked() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let metrics = free.local_addr().unwrap().to_string();
    drop(free);
    let home = Home::new();
    home.import();
    let mut server = Server::start(&home, &[("SPORTS_EDGE_METRICS_LISTEN", &metrics)]);
    server.until_ready();
    for _ in 0..3 {
        assert!(server.get("/v1/teams").starts_with("HTTP/1.1 200"));
    }
    let api = std::mem::replace(&mut server.address, metrics);
    let text = server.get("/metrics");
    for line in [
        "sports_edge_http_requests_total{method=\"GET\",route=\"/v1/teams\",status=\"200\"} 3",
        "sports_edge_http_request_duration_seconds_count{method=\"GET\",route=\"/v1/teams\"} 3",
        "sports_edge_http_requests_in_flight 0",
        "sports_edge_http_requests_in_flight_max 256",
        "sports_edge_cache_bytes_max 67108864",
        "sports_edge_ready 1",
        "sports_edge_database_up 1",
        "# TYPE process_cpu_seconds_total counter",
        "# TYPE nv_inference_request_success counter",
        "# TYPE sports_edge_newest_result_timestamp_seconds gauge",
        concat!(
            "sports_edge_build_info{version=\"",
            env!("CARGO_PKG_VERSION"),
            "\"} 1"
        ),
    ] {
        assert!(text.lines().any(|it| it == line), "{line}: {text}");
    }
    for folder in ["data", "models"] {
        let free = format!("sports_edge_disk_free_bytes{{folder=\"{folder}\"}} ");
        assert!(text.contains(&free), "{text}");
    }
    assert!(!text.contains("sports_edge_trained"), "nothing was: {text}");
    let name = "process_resident_memory_bytes ";
    let resident = text.lines().find_map(|it| it.strip_prefix(name));
    assert!(resident.unwrap().parse::<f64>().unwrap() > 1e6);
    server.address = api;
    server.signal("TERM");
    assert!(server.end().success());
}

#[test]
fn the_hottest_answers_are_made_before_the_next_start_is_ready() {
    let home = Home::new();
    home.import();
    let mut server = Server::start(&home, &[]);
    server.first_key();
    server.until_ready();
    for _ in 0..3 {
        assert!(server.get("/v1/teams?limit=7").starts_with("HTTP/1.1 200"));
    }
    server.signal("TERM");
    assert!(server.end().success());
    let file = home.path(".local/share/sports-edge/hottest-answers.json");
    let remembered = std::fs::read_to_string(&file).unwrap();
    assert!(remembered.contains("/v1/teams?limit=7"), "{remembered}");

    for (answers, tier) in [("200", "cache;desc=memory"), ("0", "cache;desc=loader")] {
        let environment = [("SPORTS_EDGE_CACHE__WARM_ANSWERS_MAX", answers)];
        let server = Server::start(&home, &environment);
        server.until_ready();
        let answer = server.get("/v1/teams?limit=7");
        assert!(answer.contains(tier), "{answers}: {answer}");
        server.signal("TERM");
        assert!(server.end().success());
    }
    std::fs::write(&file, "nonsense").unwrap();
    let server = Server::start(&home, &[]);
    server.until_ready();
}
