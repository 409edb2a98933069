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
        (&good, vec!["--ca-file", "/nowhere"], "cannot be read"),
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
}
