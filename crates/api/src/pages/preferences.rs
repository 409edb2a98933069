//! How the visitor wants to see things: theme, odds format, time zone; and who is signed in. Kept in
//! cookies, so that the very first byte of a page is already right.

use axum::{
    Form,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{OddsFormat, Price};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;

use crate::{
    auth::{shown, shown_cookie},
    cookie::cookie,
};

/// A year: how long the browser keeps a choice.
const KEEP_SECONDS: u32 = 31_536_000;

/// How the visitor wants to see things.
#[derive(Debug, Clone)]
pub(super) struct Preferences {
    pub(super) theme: Theme,
    pub(super) odds: OddsFormat,
    pub(super) zone: TimeZone,
    /// The public prefix of the key that is signed in.
    pub(super) signed_in: Option<String>,
    /// The cookie that says so.
    pub(super) shown_cookie: String,
}

/// Light, dark, or what the device says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Theme {
    Auto,
    Light,
    Dark,
}

/// The form of the display menu.
#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    theme: String,
    odds: String,
    #[serde(default)]
    back: String,
}

impl Theme {
    pub(super) const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            theme: Theme::Auto,
            odds: OddsFormat::Decimal,
            zone: TimeZone::UTC,
            signed_in: None,
            shown_cookie: String::new(),
        }
    }
}

impl Preferences {
    /// Reads the cookies of a request; anything that makes no sense is as if it were not there.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let of = |name| cookie(headers, name);
        let fallback = Self::default();
        Self {
            theme: of("theme").and_then(Theme::parse).unwrap_or(fallback.theme),
            odds: of("odds")
                .and_then(OddsFormat::parse)
                .unwrap_or(fallback.odds),
            zone: of("tz").and_then(zone).unwrap_or(fallback.zone),
            signed_in: shown(headers).map(str::to_owned),
            shown_cookie: shown_cookie(headers),
        }
    }

    /// A price in the format chosen.
    pub(super) fn price(&self, price: Price) -> String {
        self.odds.write(price)
    }

    /// The name of the time zone.
    /// When a day begins and ends where the visitor is.
    pub(super) fn day(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        let start = |day: Date| {
            let zoned = day.to_zoned_datetime(self.zone.clone());
            zoned.ok().map(|it| it.timestamp())
        };
        Some((start(day)?, start(day.tomorrow().ok()?)?))
    }

    pub(super) fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    pub(super) fn is_theme(&self, theme: &Theme) -> bool {
        self.theme == *theme
    }

    pub(super) fn is_odds(&self, odds: &OddsFormat) -> bool {
        self.odds == *odds
    }
}

/// Keeps what was chosen and goes back to where it was chosen.
pub(super) async fn save(Form(choice): Form<Choice>) -> Response {
    let theme = Theme::parse(&choice.theme).unwrap_or(Theme::Auto);
    let odds = OddsFormat::parse(&choice.odds).unwrap_or(OddsFormat::Decimal);
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    for (name, value) in [("theme", theme.as_str()), ("odds", odds.as_str())] {
        let cookie = format!("{name}={value}; Path=/; Max-Age={KEEP_SECONDS}; SameSite=Lax");
        let cookie = HeaderValue::try_from(cookie).expect("the words are plain ASCII");
        headers.append(header::SET_COOKIE, cookie);
    }
    let back = HeaderValue::try_from(local(&choice.back));
    let back = back.unwrap_or(HeaderValue::from_static("/"));
    headers.insert(header::LOCATION, back);
    response
}

/// A path of this site, or its front page: a form never sends anybody elsewhere.
pub(super) fn local(path: &str) -> &str {
    // Browsers read over tabs and line breaks, and take a backslash for a slash.
    let is_odd = |it: char| it == '\\' || it.is_control();
    let elsewhere = path.starts_with("//") || path.contains(is_odd);
    if path.starts_with('/') && !elsewhere {
        path
    } else {
        "/"
    }
}

fn zone(cookie: &str) -> Option<TimeZone> {
    TimeZone::get(&cookie.replace("%2F", "/")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cookie: &'static str) -> (Theme, OddsFormat, String) {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static(cookie));
        let read = Preferences::read(&headers);
        (read.theme, read.odds, read.zone_name().to_owned())
    }

    #[test]
    fn cookies_say_how_things_are_shown() {
        let all = read("theme=dark; odds=american; tz=Europe%2FLondon; other=1");
        assert_eq!(
            all,
            (
                Theme::Dark,
                OddsFormat::American,
                "Europe/London".to_owned()
            )
        );
    }

    #[test]
    fn cookies_that_make_no_sense_change_nothing() {
        let fallback = (Theme::Auto, OddsFormat::Decimal, "UTC".to_owned());
        assert_eq!(read("theme=pink; odds=; tz=Mars/Base; nothing"), fallback);
        assert_eq!(Preferences::read(&HeaderMap::new()).theme, Theme::Auto);
    }

    #[test]
    fn a_choice_never_leads_to_another_site() {
        for (path, to) in [
            ("/edges?flagged=1", "/edges?flagged=1"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("", "/"),
        ] {
            assert_eq!(local(path), to);
        }
    }
}
