//! A server that is spoken to by TLS: whom it must prove to be, and by whose word.

use std::time::Duration;

use cache::shared::{Shared, SharedOptions};
use testkit::TlsRedis;

use super::rig::{change, look, options, store, until};

/// A replica that trusts `authority`, or whoever the system trusts.
fn join(url: &str, authority: Option<&[u8]>) -> Shared {
    let options = SharedOptions {
        root_certificates: authority.map(<[u8]>::to_vec),
        // The machine that tests run on is busy, and a handshake takes turns.
        connect_timeout: Duration::from_secs(5),
        ..options(url)
    };
    Shared::connect(options).unwrap()
}

/// Waits until it was turned away, and says why.
async fn turned_away(shared: &Shared) -> String {
    let why = || shared.health().trouble;
    until("it was turned away", || why().is_some()).await;
    assert!(!shared.health().up);
    why().unwrap()
}

#[tokio::test]
async fn a_server_with_a_certificate_of_the_authority_given_is_trusted() {
    let Some(server) = TlsRedis::start("localhost") else {
        return;
    };
    let url = server.url("localhost");
    let [a, b] = [(); 2].map(|()| join(&url, Some(server.authority())));
    for shared in [&a, &b] {
        let ready = shared.ready(Duration::from_secs(10)).await;
        assert!(ready, "{:?}", shared.health());
    }
    store(&a, "key", "value", &[1]).await;
    assert_eq!(look(&b, "key").await.as_deref(), Some("value"));
    b.invalidate(&change(&[1])).await.unwrap();
    assert_eq!(look(&a, "key").await, None);
}

#[tokio::test]
async fn a_server_that_only_an_unknown_authority_vouches_for_is_refused() {
    let Some(server) = TlsRedis::start("localhost") else {
        return;
    };
    let url = server.url("localhost");
    let other = TlsRedis::start("localhost").unwrap();
    for authority in [None, Some(other.authority())] {
        let why = turned_away(&join(&url, authority)).await;
        assert!(why.contains("invalid peer certificate"), "{why}");
    }
    assert_eq!(server.redis().run(&["DBSIZE"]).number(), 0);
}

#[tokio::test]
async fn a_server_that_proves_to_be_another_is_refused() {
    let Some(server) = TlsRedis::start("elsewhere.example") else {
        return;
    };
    let shared = join(&server.url("localhost"), Some(server.authority()));
    let why = turned_away(&shared).await;
    assert!(why.contains("not valid for name"), "{why}");
    assert_eq!(server.redis().run(&["DBSIZE"]).number(), 0);
}
