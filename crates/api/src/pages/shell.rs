//! What surrounds every page: head, header, footer, and the headers it is sent with.

use askama::Template;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
};
use domain::OddsFormat;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    Pages,
    preferences::{Preferences, Theme},
    sign_in::sign_in_address,
};

/// The commands that fill an empty database, as pages show them.
pub const FIRST_STEPS: [&str; 2] = ["sports-edge import E0.csv", "sports-edge train"];

/// The style of every page, made small, and the hashes by which the browser lets it in.
pub(super) struct Style {
    pub(super) text: String,
    /// What the pages of models need besides; the others do not carry it.
    models: String,
    /// The script of pages that follow something.
    early: String,
    policy: HeaderValue,
}

/// What a template needs besides its own content.
pub(super) struct Shell<'a> {
    /// Title of the page.
    pub(super) title: String,
    /// Which page, for the program.
    pub(super) page: &'static str,
    /// Path and query, to come back to.
    pub(super) path: String,
    pub(super) style: &'a str,
    /// Style of this page alone.
    pub(super) more_style: Option<&'a str>,
    models_style: &'a str,
    early: &'a str,
    pub(super) script: Option<&'a str>,
    /// More of the program that is asked for as soon as it runs.
    pub(super) soon: &'a [String],
    pub(super) preferences: Preferences,
    /// What of the address could not be shown, each in a sentence.
    pub(super) notices: Vec<String>,
    /// State as JSON that cannot end its element.
    pub(super) state: String,
}

impl Style {
    pub(super) fn new() -> Self {
        let text = minify(include_str!("../../templates/style.css"));
        let models = minify(include_str!("../../templates/models.css"));
        let early = minify(include_str!("../../templates/early.js"));
        let digests = [&text, &models, &early].map(|it| base64(&Sha256::digest(it.as_bytes())));
        let [digest, more, script] = digests;
        let policy = format!(
            "default-src 'none'; script-src 'self' 'sha256-{script}'; \
             style-src 'self' 'sha256-{digest}' 'sha256-{more}'; \
             img-src 'self' data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
             form-action 'self'; frame-ancestors 'none'"
        );
        let policy = HeaderValue::try_from(policy).expect("the policy is visible ASCII");
        Self {
            text,
            models,
            early,
            policy,
        }
    }

    /// Sends a page, or word that the browser's copy is still good.
    pub(super) fn respond(
        &self,
        template: &impl Template,
        status: StatusCode,
        asked: &HeaderMap,
    ) -> Response<Body> {
        let html = template
            .render()
            .expect("writing to a string does not fail");
        let tag = format!("W/\"{}\"", hex(&Sha256::digest(html.as_bytes())[..12]));
        let known = asked
            .get(header::IF_NONE_MATCH)
            .and_then(|it| it.to_str().ok());
        let fresh = known.is_some_and(|it| it.split(',').any(|one| one.trim() == tag));
        let builder = Response::builder()
            .header(header::ETAG, tag)
            .header(header::CACHE_CONTROL, "private, no-cache")
            .header(header::VARY, "cookie")
            .header(header::CONTENT_SECURITY_POLICY, self.policy.clone())
            .header(header::REFERRER_POLICY, "same-origin")
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        let response = if fresh && status == StatusCode::OK {
            builder.status(StatusCode::NOT_MODIFIED).body(Body::empty())
        } else {
            builder
                .status(status)
                .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
                .body(Body::from(html))
        };
        response.expect("every header is a constant or plain ASCII")
    }
}

impl Pages {
    /// The shell of a page, with the state its program starts from.
    pub(super) fn shell(
        &self,
        page: &'static str,
        title: String,
        path: String,
        preferences: Preferences,
    ) -> Shell<'_> {
        Shell {
            title,
            page,
            path,
            style: &self.style.text,
            more_style: None,
            models_style: &self.style.models,
            early: &self.style.early,
            script: self.assets.entry(),
            soon: &[],
            preferences,
            notices: Vec::new(),
            state: String::new(),
        }
    }

    /// Sends a page, or word that the browser's copy is still good.
    pub(super) fn respond(
        &self,
        template: &impl Template,
        status: StatusCode,
        asked: &HeaderMap,
    ) -> Response<Body> {
        self.style.respond(template, status, asked)
    }
}

impl<'a> Shell<'a> {
    /// The shell of a page without program or state.
    pub(super) fn bare(title: &str, style: &'a Style, preferences: Preferences) -> Self {
        Self {
            title: title.to_owned(),
            page: "problem",
            path: "/".to_owned(),
            style: &style.text,
            more_style: None,
            models_style: &style.models,
            early: &style.early,
            script: None,
            soon: &[],
            preferences,
            notices: Vec::new(),
            state: String::new(),
        }
    }

    /// The shell of a page of models.
    pub(super) fn with_models_style(self) -> Self {
        Self {
            more_style: Some(self.models_style),
            ..self
        }
    }

    /// What opens the socket before the program is there, where it is going to.
    pub(super) fn early(&self) -> Option<&str> {
        (!self.soon.is_empty()).then_some(self.early)
    }

    /// Where to sign in, to come back here.
    pub(super) fn sign_in(&self) -> String {
        sign_in_address(&self.path)
    }

    /// The commands that fill an empty database, a line each.
    pub(super) fn first_steps(&self) -> String {
        FIRST_STEPS.join("\n")
    }

    pub(super) fn themes(&self) -> [Theme; 3] {
        Theme::ALL
    }

    pub(super) fn odds_formats(&self) -> [OddsFormat; 3] {
        OddsFormat::ALL
    }
}

/// JSON that can stand inside a script element: nothing in it can close the element.
pub(super) fn inline_json(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).expect("page state is plain data");
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

/// Drops comments and the space that style sheets do not need.
pub(super) fn minify(css: &str) -> String {
    let mut small = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, after)) = rest.split_once("/*") {
        small.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    small.push_str(rest);
    let mut small = small.split_whitespace().collect::<Vec<_>>().join(" ");
    for sign in ["{", "}", ";", ","] {
        small = small
            .replace(&format!("{sign} "), sign)
            .replace(&format!(" {sign}"), sign);
    }
    small.replace(": ", ":").replace(";}", "}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

/// Base64 (RFC 4648) with padding, as policies write hashes.
pub(super) fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .chain(std::iter::repeat(&0))
            .take(3)
            .fold(0_usize, |word, byte| (word << 8) | usize::from(*byte));
        for index in 0..4 {
            let sign = SIGNS[(word >> (18 - 6 * index)) & 63];
            text.push(if index <= chunk.len() {
                char::from(sign)
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads_as_the_standard_says() {
        let cases = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ];
        for (plain, encoded) in cases {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn a_style_loses_comments_and_space_but_no_meaning() {
        let css = "/* why */\na > b {\n  color: red;\n  margin: 0 auto;\n}\n@media (x: 1) { c { d: e; } }";
        assert_eq!(
            minify(css),
            "a > b{color:red;margin:0 auto}@media (x:1){c{d:e}}"
        );
        assert_eq!(minify("a{}/* never closed"), "a{}");
    }

    #[test]
    fn state_cannot_close_the_element_it_stands_in() {
        let json = inline_json(&"</script><!-- & -->");
        assert!(!json.contains(['<', '>', '&']));
        assert_eq!(
            serde_json::from_str::<String>(&json).unwrap(),
            "</script><!-- & -->"
        );
    }
}
