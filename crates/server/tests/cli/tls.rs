//! Commands that talk to a server behind TLS, whoever made its certificate.

use testkit::TlsDoor;

use crate::{
    home::{Ended, Home},
    serve::Server,
};

const MODEL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../trees/tests/golden/lightgbm/huber.txt"
);

/// How to read what is polled; what there is fits it nowhere.
const MAPPING: &str = "fixture = '/id'
[game]
competition = { constant = 'E0' }
season = { constant = '2026/27' }
kickoff = '/start'
home = '/home'
away = '/away'
[[event]]
kind = { constant = 'score' }
home = '/goals/0'
away = '/goals/1'
";

/// A server, and the door before it.
struct Behind {
    home: Home,
    server: Server,
    key: String,
    door: TlsDoor,
}

impl Behind {
    fn start() -> Option<Self> {
        let home = Home::new();
        let mut server = Server::start(&home, &[]);
        let key = server.first_key();
        server.until_ready();
        let door = TlsDoor::open("localhost", server.address.parse().unwrap())?;
        Some(Self {
            home,
            server,
            key,
            door,
        })
    }

    fn url(&self, host: &str) -> String {
        format!("https://{host}:{}", self.door.port())
    }

    fn run(&self, args: &[&str], environment: &[(&str, &str)]) -> Ended {
        let key = [("SPORTS_EDGE_KEY", self.key.as_str())];
        self.home.run_with(args, &[&key, environment].concat())
    }
}

#[test]
fn every_verb_speaks_tls_to_a_server_whose_authority_is_named() {
    let Some(behind) = Behind::start() else {
        return;
    };
    let authority = behind.door.authority();
    let (url, authority) = (behind.url("localhost"), authority.to_str().unwrap());
    let by_flag = ["--server", &url, "--ca-file", authority];
    let pushed = behind.run(
        &[&["model", "push", "goals", MODEL][..], &by_flag].concat(),
        &[],
    );
    assert_eq!(pushed.code, 0, "{pushed:?}");
    for (verb, code, words) in [
        (&["model", "list"][..], 0, "goals"),
        (&["cache", "stats"], 1, "scope"),
        (&["alert", "list"], 0, "no alert"),
        (&["live", "feed"], 0, "0 lines"),
    ] {
        let args = [verb, &["--server", &url]].concat();
        let ended = behind.run(&args, &[("SPORTS_EDGE_CA_FILE", authority)]);
        let told = format!("{}{}", ended.out, ended.err);
        assert_eq!(ended.code, code, "{verb:?}: {told}");
        assert!(told.contains(words), "{verb:?}: {told}");
        assert!(!told.contains("not believed"), "{verb:?}: {told}");
    }
    let by_system = [("SSL_CERT_FILE", authority)];
    let ended = behind.run(&["model", "list", "--server", &url], &by_system);
    assert!(ended.out.contains("goals"), "{ended:?}");
    // What is fetched is believed by the same authorities; it is no data, and was read all the same.
    let data = format!("{url}/v1/competitions");
    for (named, told) in [
        (
            ("SPORTS_EDGE_CA_FILE", authority),
            "neither matches nor rounds",
        ),
        (("SSL_CERT_FILE", authority), "neither matches nor rounds"),
        (("SPORTS_EDGE_X", ""), "name that with SPORTS_EDGE_CA_FILE"),
    ] {
        let ended = behind.run(&["import", &data], &[named]);
        let says = format!("{}{}", ended.out, ended.err);
        assert!(ended.code != 0 && says.contains(told), "{named:?}: {says}");
    }
    let mapping = behind.home.path("scores.toml");
    std::fs::write(&mapping, MAPPING).unwrap();
    let mapping = mapping.to_str().unwrap();
    let poll = ["live", "poll", &data, "--once", "--mapping", mapping];
    for (more, is_believed) in [(&by_flag[..], true), (&by_flag[..2], false)] {
        let ended = behind.run(&[&poll[..], more].concat(), &[]);
        let doubted = ended.err.contains("not believed");
        assert_ne!(doubted, is_believed, "{ended:?}");
    }
    drop(behind.server);
}

#[test]
fn a_server_whose_certificate_does_not_hold_is_told_nothing() {
    let Some(behind) = Behind::start() else {
        return;
    };
    let authority = behind.door.authority();
    let authority = authority.to_str().unwrap();
    let empty = behind.home.path("empty.pem");
    std::fs::write(&empty, "nothing").unwrap();
    let (good, other) = (behind.url("localhost"), behind.url("127.0.0.1"));
    for (url, more, words) in [
        (&good, vec![], "an authority that is not known here"),
        (&good, vec![], "--ca-file or SPORTS_EDGE_CA_FILE"),
        (&other, vec!["--ca-file", authority], "does not hold"),
        (
            &good,
            vec!["--ca-file", "/nowhere"],
            "the CA file /nowhere: cannot be read",
        ),
        (
            &good,
            vec!["--ca-file", empty.to_str().unwrap()],
            "holds no certificate",
        ),
    ] {
        let args = [&["model", "list", "--server", url][..], &more].concat();
        let ended = behind.run(&args, &[]);
        assert_eq!(ended.code, 1, "{args:?}: {ended:?}");
        assert!(ended.err.contains(words), "{args:?}: {ended:?}");
    }
    // What the environment names in the system's place is made up for by nobody else.
    let folder = empty.parent().unwrap().to_str().unwrap();
    let (empty, data) = (empty.to_str().unwrap(), format!("{good}/data.csv"));
    for (name, path, words) in [
        (
            "SSL_CERT_FILE",
            "/nowhere",
            "/nowhere of SSL_CERT_FILE: cannot be read",
        ),
        (
            "SSL_CERT_FILE",
            empty,
            "empty.pem of SSL_CERT_FILE: holds no certificate",
        ),
        (
            "SSL_CERT_DIR",
            "/nowhere",
            "/nowhere of SSL_CERT_DIR: cannot be read",
        ),
        ("SSL_CERT_DIR", folder, "where no certificate can be read"),
    ] {
        for args in [
            &["model", "list", "--server", &good][..],
            &["import", &data],
        ] {
            let ended = behind.run(args, &[(name, path)]);
            assert_ne!(ended.code, 0, "{args:?}: {ended:?}");
            let says = format!("{}{}", ended.out, ended.err);
            assert!(says.contains(words), "{args:?}: {says}");
        }
    }
}
