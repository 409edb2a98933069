//! Where a request came from, behind proxies that are believed about it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use hyper::HeaderMap;

use crate::network::Network;

/// What each proxy adds the address to that it was asked from.
const FORWARDED: &str = "x-forwarded-for";

/// The address of a client whose connection came from `peer`: the nearest one that is no proxy of
/// the networks given. What is further off was written by that one, and may be anything. Nobody
/// comes from the machine itself by a proxy's word, and who it has no address of is
/// [`Ipv4Addr::UNSPECIFIED`], one for all of them.
pub(super) fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> IpAddr {
    let is_proxy = |it: IpAddr| proxies.iter().any(|network| network.holds(it));
    let mut nearest = peer;
    let lines = headers.get_all(FORWARDED).iter().rev();
    let mut said = lines.flat_map(|it| it.as_bytes().rsplit(|it| *it == b','));
    while is_proxy(nearest)
        && let Some(before) = said.next()
    {
        let before = read(before).filter(|it| !it.to_canonical().is_loopback());
        nearest = before.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
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
        ] {
            assert_eq!(found(peer, lines, proxies), client, "{peer} {lines:?}");
        }
    }
}
