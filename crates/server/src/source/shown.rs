//! An address as it may be shown: without what lets somebody in.

use sha2::{Digest, Sha256};
use url::Url;

/// Parts of the names of parameters whose values are not shown.
const SECRETS: [&str; 7] = [
    "auth",
    "credential",
    "key",
    "pass",
    "secret",
    "sig",
    "token",
];
/// What stands in place of a secret.
const HIDDEN: &str = "***";

/// The address with its password and the values of parameters that are named like secrets hidden.
pub(super) fn shown(address: &str) -> String {
    let Ok(mut url) = Url::parse(address) else {
        return address.to_owned(); // It will be refused, and who wrote it is to see it as it is.
    };
    let is_secret = |name: &str| {
        let name = name.to_lowercase();
        SECRETS.iter().any(|it| name.contains(it))
    };
    let has_secret = url.query_pairs().any(|(name, _)| is_secret(&name));
    if url.password().is_none() && !has_secret {
        return address.to_owned();
    }
    if url.password().is_some() {
        let _ = url.set_password(Some(HIDDEN)); // It has one already, so it may have one.
    }
    if let Some(query) = url.query().filter(|_| has_secret) {
        let hide = |pair: &str| {
            let name = pair.split('=').next().unwrap_or_default();
            let decoded = url::form_urlencoded::parse(name.as_bytes()).next();
            match decoded {
                Some((decoded, _)) if is_secret(&decoded) => format!("{name}={HIDDEN}"),
                _ => pair.to_owned(),
            }
        };
        let query: Vec<String> = query.split('&').map(hide).collect();
        url.set_query(Some(&query.join("&")));
    }
    url.into()
}

/// The address by which it is remembered what was fetched from it: as it is shown, and told from
/// others that are shown alike.
pub(super) fn remembered(address: &str) -> String {
    let shown = shown(address);
    if shown == address {
        return shown;
    }
    let digest = Sha256::digest(address);
    let digest: String = digest[..8].iter().map(|it| format!("{it:02x}")).collect();
    format!("{shown} ({digest})")
}

#[cfg(test)]
mod tests {
    use super::{remembered, shown};

    #[test]
    fn addresses_are_told_apart_by_what_is_not_shown() {
        let plain = "https://odds.example/E0.csv";
        assert_eq!(remembered(plain), plain);
        let [one, other] = ["a", "b"].map(|it| remembered(&format!("{plain}?key={it}")));
        assert!(one != other && one.starts_with("https://odds.example/E0.csv?key=*** ("));
    }

    #[test]
    fn what_lets_somebody_in_is_hidden_and_nothing_else() {
        for (address, wanted) in [
            (
                "https://odds.example/v4?apiKey=s3cret&regions=eu",
                "https://odds.example/v4?apiKey=***&regions=eu",
            ),
            (
                "https://me:s3cret@odds.example/a.csv",
                "https://me:***@odds.example/a.csv",
            ),
            (
                "https://odds.example/?a=1&api%5Fkey=s3cret&X-Signature=x",
                "https://odds.example/?a=1&api%5Fkey=***&X-Signature=***",
            ),
            (
                "https://odds.example/E0.csv?season=2324&q=a%20b",
                "https://odds.example/E0.csv?season=2324&q=a%20b",
            ),
            ("http://", "http://"),
        ] {
            assert_eq!(shown(address), wanted);
        }
    }
}
