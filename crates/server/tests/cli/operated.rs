//! A server at work, and a command that speaks with it.

use serde_json::Value;

use crate::{
    home::{Ended, Home},
    serve::Server,
};

/// A home, the server on it, and a key with which its command is carried out.
pub(crate) struct Operated {
    pub(crate) home: Home,
    pub(crate) server: Server,
    pub(crate) key: String,
    pub(crate) command: &'static str,
}

impl Operated {
    /// With a new key of a scope.
    pub(crate) fn with_scope(
        command: &'static str,
        (home, server): (Home, Server),
        scope: &str,
    ) -> Self {
        let made = home.run(&["key", "create", "--name", scope, "--scope", scope]);
        let key = made.out.lines().next().unwrap().to_owned();
        Self {
            home,
            server,
            key,
            command,
        }
    }

    pub(crate) fn ended(&self, args: &[&str]) -> Ended {
        let args: Vec<_> = [self.command].iter().chain(args).copied().collect();
        let environment = [
            ("SPORTS_EDGE_LISTEN", self.server.address.as_str()),
            ("SPORTS_EDGE_KEY", self.key.as_str()),
        ];
        self.home.run_with(&args, &environment)
    }

    /// What it says where it succeeds.
    pub(crate) fn done(&self, args: &[&str]) -> String {
        let ended = self.ended(args);
        assert_eq!(ended.code, 0, "{args:?}: {ended:?}");
        ended.out
    }

    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let args: Vec<_> = args.iter().chain(&["--json"]).copied().collect();
        serde_json::from_str(&self.done(&args)).unwrap()
    }
}
