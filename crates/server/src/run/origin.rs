//! Where a request came from, behind proxies that are believed about it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use hyper::HeaderMap;

use crate::network::Network;

/// What each proxy adds the address to that it was asked from.
const FORWARDED: &str = "x-forwarded-for";

/// Whom a proxy has no address of, one for all of them.
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The address of a client whose connection came from `peer`: the nearest one that is no proxy of
/// the networks given. What is further off was written by that one, and may be anything. Nobody
/// comes from the machine itself by a proxy's word: who would is [`NOBODY`], and so is who it has no
/// address of.
pub(super) fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> IpAddr {
    let is_proxy = |it: IpAddr| proxies.iter().any(|network| network.holds(it));
    if !is_proxy(peer) || !headers.contains_key(FORWARDED) {
        return peer;
    }
    let mut nearest = peer;
    let lines = headers.get_all(FORWARDED).iter().rev();
    let said = lines.flat_map(|it| it.as_bytes().rsplit(|it| *it == b','));
    for before in said.filter(|it| !it.trim_ascii().is_empty()) {
        let Some(before) = read(before) else {
            return NOBODY;
        };
        nearest = before;
        if !is_proxy(nearest) {
            break;
        }
    }
    if nearest.to_canonical().is_loopback() {
        return NOBODY;
    }
    nearest
}

/// An address, which some proxies write with a port.
fn read(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let with_port = || text.parse::<SocketAddr>().map(|it| it.ip());
    text.parse().or_else(|_| with_port()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(peer: &str, lines: &[&'static str], proxies: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED, line.parse().unwrap());
        }
        let proxies: Vec<Network> = proxies.iter().map(|it| it.parse().unwrap()).collect();
        client(peer.parse().unwrap(), &headers, &proxies).to_string()
    }

    #[test]
    fn a_client_is_who_the_last_proxy_that_is_believed_was_asked_by() {
        let own = ["127.0.0.0/8", "10.0.0.0/8"];
        for (peer, lines, proxies, client) in [
            ("192.0.2.7", &["198.51.100.1"][..], &own[..], "192.0.2.7"),
            ("127.0.0.1", &["198.51.100.1"], &[], "127.0.0.1"),
            ("127.0.0.1", &["198.51.100.1"], &own, "198.51.100.1"),
            (
                "127.0.0.1",
                &["192.0.2.9, 198.51.100.1"],
                &own,
                "198.51.100.1",
            ),
            (
                "127.0.0.1",
                &["192.0.2.9", "198.51.100.1,10.0.0.2"],
                &own,
                "198.51.100.1",
            ),
            (
                "::ffff:127.0.0.1",
                &["[2001:db8::1]:4711"],
                &own,
                "2001:db8::1",
            ),
            ("127.0.0.1", &["198.51.100.1:80"], &own, "198.51.100.1"),
            ("127.0.0.1", &[], &own, "127.0.0.1"),
            ("127.0.0.1", &["10.0.0.3"], &own, "10.0.0.3"),
            ("127.0.0.1", &["198.51.100.1, unknown"], &own, "0.0.0.0"),
            ("10.0.0.1", &["127.0.0.1"], &own, "0.0.0.0"),
            ("10.0.0.1", &["::1"], &own, "0.0.0.0"),
            // A proxy on the machine of the one before it is passed over as any other.
            ("10.0.0.1", &["9.9.9.9, 127.0.0.1"], &own, "9.9.9.9"),
            ("127.0.0.1", &["9.9.9.9", "127.0.0.1"], &own, "9.9.9.9"),
            ("127.0.0.1", &["9.9.9.9, ::ffff:127.0.0.1"], &own, "9.9.9.9"),
            ("127.0.0.1", &["10.0.0.3, 127.0.0.1"], &own, "10.0.0.3"),
            ("127.0.0.1", &["127.0.0.1, 10.0.0.3"], &own, "0.0.0.0"),
            ("127.0.0.1", &["127.0.0.1"], &own, "0.0.0.0"),
            ("10.0.0.1", &["9.9.9.9, 127.0.0.1"], &own[1..], "0.0.0.0"),
            ("127.0.0.1", &["198.51.100.1, "], &own, "198.51.100.1"),
            ("127.0.0.1", &["198.51.100.1,,", ""], &own, "198.51.100.1"),
            ("10.0.0.1", &[" ,"], &own, "10.0.0.1"),
            ("127.0.0.1", &[""], &own, "0.0.0.0"),
        ] {
            assert_eq!(found(peer, lines, proxies), client, "{peer} {lines:?}");
        }
    }
}
