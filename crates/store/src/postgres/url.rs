//! The URL of a database, read before the driver reads it: the driver passes over parameters that it
//! does not know, and says and logs what it cannot read, which may be a part of a password.

use sqlx::postgres::PgConnectOptions;

use crate::StoreError;

/// Parameters that the driver knows, beside `options[…]`.
const PARAMETERS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// What `sslmode` may be.
const SSL_MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

const BEHIND_THE_HOST: &str = "has @ or # behind its host; of a user and a password write ? as %3F, \
     # as %23, @ as %40, : as %3A and / as %2F";
const SEVERAL_HOSTS: &str =
    "names several hosts; name one, such as an address that a failover moves";
const PORT: &str = "has a port that is no number up to 65535; a user and a password end with @, an \
     IPv6 address stands in [ ]";

/// Reads a URL.
pub(super) fn parse(url: &str) -> Result<PgConnectOptions, StoreError> {
    check(url)?;
    let unreadable = |_| StoreError::Url(redacted(url));
    // The driver would look the brackets up as part of a name.
    let Some(address) = ipv6(authority(url).1) else {
        return url.parse().map_err(unreadable);
    };
    let mark = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{mark}hostaddr={address}");
    url.parse().map_err(unreadable)
}

/// Says which part of a URL is wrong, and never what it says there.
pub(crate) fn check(url: &str) -> Result<(), StoreError> {
    let (_, place, after) = authority(url);
    if let Some(what) = misplaced(place, after) {
        return Err(StoreError::UrlPart(what.to_owned()));
    }
    let query = after.split_once('?').map_or("", |(_, query)| query);
    let mut names = query.split('&').filter_map(|it| it.split('=').next());
    let known = |it: &&str| it.is_empty() || it.starts_with("options[") || PARAMETERS.contains(it);
    if let Some(name) = names.find(|it| !known(it)) {
        let what = format!("has the parameter {name:?}, which is not known");
        return Err(StoreError::UrlPart(what));
    }
    let mut pairs = query.split('&').filter_map(|it| it.split_once('='));
    let mode = pairs.find(|(name, _)| matches!(*name, "sslmode" | "ssl-mode"));
    match mode {
        Some((name, mode)) if !SSL_MODES.contains(&mode.to_lowercase().as_str()) => {
            let known = SSL_MODES.join(", ");
            let what = format!("has {name}={mode}, which is none of {known}");
            Err(StoreError::UrlPart(what))
        }
        _ => Ok(()),
    }
}

/// Why it is not known where user and password end.
fn misplaced(place: &str, after: &str) -> Option<&'static str> {
    if after.contains(['@', '#']) {
        return Some(BEHIND_THE_HOST);
    }
    let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
    if host.contains(',') {
        return Some(SEVERAL_HOSTS);
    }
    let name_end = host.rfind(']').map_or(0, |it| it + 1);
    let port = host[name_end..].split_once(':').map(|(_, port)| port);
    let is_port = |it: &str| it.is_empty() || it.parse::<u16>().is_ok();
    port.is_some_and(|it| !is_port(it)).then_some(PORT)
}

/// A URL without its password, for people to read.
pub fn redacted(url: &str) -> String {
    let (scheme, place, after) = authority(url);
    if scheme.is_empty() {
        return "(not a URL)".to_owned();
    }
    if misplaced(place, after).is_some() {
        return format!("{scheme}://…");
    }
    let place = match place.rsplit_once('@') {
        Some((user, host)) => {
            let name = user.split_once(':').map_or(user, |(name, _)| name);
            format!("{name}@{host}")
        }
        None => place.to_owned(),
    };
    let (path, query) = after.split_once('?').unwrap_or((after, ""));
    let harmless = query.split('&').filter(|it| {
        let name = it.split('=').next().unwrap_or_default();
        !it.is_empty() && !name.contains("pass") && !name.contains("key")
    });
    let query = harmless.collect::<Vec<_>>().join("&");
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{scheme}://{place}{path}{mark}{query}")
}

/// Scheme, then user and host, then what is behind them.
fn authority(url: &str) -> (&str, &str, &str) {
    let Some((scheme, rest)) = url.split_once("://") else {
        return ("", "", url);
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    (scheme, &rest[..end], &rest[end..])
}

/// The address between brackets.
fn ipv6(place: &str) -> Option<&str> {
    let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
    let (address, _) = host.strip_prefix('[')?.split_once(']')?;
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str, why: &str) {
        let error = check(url).unwrap_err().to_string();
        assert!(error.contains(why), "{url}: {error}");
        let shown = format!("{error} {}", redacted(url));
        assert!(!shown.contains("SECRET"), "{url}: {shown}");
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_by_its_part_and_without_the_password() {
        for mark in ["?", "#", "/"] {
            refused(
                &format!("postgres://u:ab{mark}SECRET@h/db"),
                "write ? as %3F",
            );
            refused(
                &format!("postgres://u:SECRET@cd{mark}SECRET@h/db"),
                "write ? as %3F",
            );
            refused(
                &format!("postgres://u:ab{mark}SECRET=@h/db"),
                "write ? as %3F",
            );
        }
        refused("postgres://u:SECRET/db", "a port that is no number");
        refused("postgres://u:SECRET@h:70000/db", "a port that is no number");
        refused("postgres://u:SECRET@::1:5432/db", "stands in [ ]");
        refused("postgres://u:SECRET@a:1,b:2/db", "several hosts");
        refused("postgres://u:SECRET@h/db?sslmod=verify-full", "\"sslmod\"");
        refused(
            "postgres://u:SECRET@h/db?sslmode=foo",
            "sslmode=foo, which is none of disable",
        );
        refused(
            "postgres://u:SECRET@h/db?user=v&keepalives",
            "\"keepalives\"",
        );
    }

    #[test]
    fn a_url_that_is_right_means_what_it_says() {
        for url in [
            "postgres:///db?host=/run/postgresql",
            "postgresql://u@h/db?sslmode=require&options[jit]=off",
            "postgres://u:a@b:c@h:/db",
        ] {
            check(url).unwrap();
        }
        let host = |url: &str| parse(url).unwrap().get_host().to_owned();
        assert_eq!(host("postgres://u:p%3F%40@h/db"), "h");
        assert_eq!(host("postgres://u:p@[::1]:18210/db"), "::1");
        assert_eq!(
            host("postgres://[2001:db8::7]/db?sslmode=require"),
            "2001:db8::7"
        );
        assert_eq!(
            parse("postgres://u:p@[::1]:18210/db").unwrap().get_port(),
            18210
        );
    }
}
