//! Files of the program, built by Vite and put into the binary, each beside its compressed forms.

use std::collections::HashMap;

use axum::{
    body::Body,
    extract::Path,
    http::{HeaderMap, Response, StatusCode, header},
};
use rust_embed::RustEmbed;
use serde::Deserialize;

/// What Vite built; nothing where it has not been run, and the pages do without.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Dist;

/// Where Vite writes which file became which.
const MANIFEST: &str = ".vite/manifest.json";
/// The source of the entry in the manifest.
const ENTRY: &str = "src/main.ts";

/// What of the program a page is soon to ask for, by its sources in the manifest: what follows a
/// board, what follows a game.
const BOARD: [&str; 3] = ["src/app.tsx", "src/client.ts", "src/fired.ts"];
const GAME: [&str; 3] = ["src/client.ts", "src/fired.ts", "src/play.ts"];

/// One entry of Vite's manifest.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Built {
    file: String,
    #[serde(default)]
    imports: Vec<String>,
    #[serde(default)]
    dynamic_imports: Vec<String>,
}

type Manifest = HashMap<String, Built>;

/// Which files a page names.
#[derive(Default)]
pub(super) struct Assets {
    entry: Option<String>,
    /// What a board and a game that are followed will ask for, so that a browser asks at once and not
    /// when one file has named the next.
    board: Vec<String>,
    game: Vec<String>,
}

impl Assets {
    /// Reads the manifest, where there is one.
    pub(super) fn load() -> Self {
        let manifest = Dist::get(MANIFEST);
        manifest.map_or_else(Self::default, |it| Self::read(&it.data))
    }

    fn read(manifest: &[u8]) -> Self {
        let Ok(files) = serde_json::from_slice::<Manifest>(manifest) else {
            return Self::default();
        };
        Self {
            entry: files.get(ENTRY).map(|it| format!("/{}", it.file)),
            board: needed(&files, &BOARD),
            game: needed(&files, &GAME),
        }
    }

    /// The path of the program, if it was built.
    pub(super) fn entry(&self) -> Option<&str> {
        self.entry.as_deref()
    }

    /// What a page of a board will ask for: more where it is followed.
    pub(super) fn board(&self, is_followed: bool) -> &[String] {
        if is_followed { &self.board } else { &[] }
    }

    /// What a page of a game will ask for: more where it is followed.
    pub(super) fn game(&self, is_followed: bool) -> &[String] {
        if is_followed { &self.game } else { &[] }
    }
}

/// The paths of sources and of all they name in turn, but for the entry, which pages name anyway.
fn needed(files: &Manifest, sources: &[&str]) -> Vec<String> {
    let mut seen = vec![ENTRY];
    let mut open: Vec<&str> = sources.iter().rev().copied().collect();
    let mut paths = Vec::new();
    while let Some(source) = open.pop() {
        let Some(built) = files.get(source).filter(|_| !seen.contains(&source)) else {
            continue;
        };
        seen.push(source);
        paths.push(format!("/{}", built.file));
        let named = built.imports.iter().chain(&built.dynamic_imports);
        open.extend(named.map(String::as_str));
    }
    paths
}

/// `GET /assets/…`: names carry a hash of their content, so a copy is good forever.
pub(super) async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response<Body> {
    let path = format!("assets/{path}");
    let hidden = path.ends_with(".br") || path.ends_with(".gz");
    let Some(plain) = Dist::get(&path).filter(|_| !hidden) else {
        return answer(
            Response::builder().status(StatusCode::NOT_FOUND),
            Body::empty(),
        );
    };
    let builder = Response::builder()
        .header(header::CONTENT_TYPE, plain.metadata.mimetype())
        .header(header::CACHE_CONTROL, "public, max-age=31536000, immutable")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::VARY, "accept-encoding");
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|it| it.to_str().ok());
    for (coding, suffix) in accepted_codings(accepted.unwrap_or_default()) {
        if let Some(small) = Dist::get(&format!("{path}.{suffix}")) {
            let builder = builder.header(header::CONTENT_ENCODING, coding);
            return answer(builder, Body::from(small.data.into_owned()));
        }
    }
    answer(builder, Body::from(plain.data.into_owned()))
}

/// `GET /favicon.svg`.
pub(super) async fn icon() -> Response<Body> {
    let builder = Response::builder()
        .header(header::CONTENT_TYPE, "image/svg+xml")
        .header(header::CACHE_CONTROL, "public, max-age=86400");
    answer(
        builder,
        Body::from(include_str!("../../templates/favicon.svg")),
    )
}

fn answer(builder: axum::http::response::Builder, body: Body) -> Response<Body> {
    builder
        .body(body)
        .expect("every header is a constant or a known media type")
}

/// The codings we keep that the client takes, smallest first, each with its file suffix.
fn accepted_codings(accept: &str) -> Vec<(&'static str, &'static str)> {
    let takes = |coding: &str| {
        let named = accept.split(',').map(str::trim).find_map(|it| {
            let (name, weight) = it.split_once(';').unwrap_or((it, "q=1"));
            name.trim().eq_ignore_ascii_case(coding).then_some(weight)
        });
        let weight = named.and_then(|it| it.trim().strip_prefix("q="));
        weight.is_some_and(|it| it.parse::<f32>().is_ok_and(|it| it > 0.0))
    };
    [("br", "br"), ("gzip", "gz")]
        .into_iter()
        .filter(|(coding, _)| takes(coding))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_coding_the_client_takes_is_sent() {
        let codings = |accept| -> Vec<&str> {
            accepted_codings(accept)
                .into_iter()
                .map(|(coding, _)| coding)
                .collect()
        };
        assert_eq!(codings("gzip, deflate, br, zstd"), ["br", "gzip"]);
        assert_eq!(codings("GZIP;q=0.5, br;q=0"), ["gzip"]);
        assert_eq!(codings("br; q=0.2"), ["br"]);
        assert!(codings("").is_empty() && codings("identity, br;q=none").is_empty());
    }

    #[test]
    fn the_manifest_names_the_entry_and_what_comes_after_it() {
        let manifest = br#"{
            "src/main.ts": {"file": "assets/main-1.js", "dynamicImports": ["src/client.ts"]},
            "src/client.ts": {"file": "assets/client-1.js", "imports": ["_core-1.js", "src/main.ts"]},
            "_core-1.js": {"file": "assets/core-1.js", "dynamicImports": ["_feed-1.js", "src/gone.ts"]},
            "_feed-1.js": {"file": "assets/feed-1.js", "imports": ["_core-1.js"]},
            "src/play.ts": {"file": "assets/play-1.js", "imports": ["_core-1.js"]}
        }"#;
        let assets = Assets::read(manifest);
        assert_eq!(assets.entry().unwrap(), "/assets/main-1.js");
        let board = [
            "/assets/client-1.js",
            "/assets/core-1.js",
            "/assets/feed-1.js",
        ];
        assert_eq!(assets.board(true), board);
        assert_eq!(
            assets.game(true),
            [&board[..], &["/assets/play-1.js"]].concat()
        );
        assert!(assets.board(false).is_empty() && assets.game(false).is_empty());
        for none in [&b"{}"[..], b"not json"] {
            let assets = Assets::read(none);
            assert!(assets.entry().is_none() && assets.game(true).is_empty());
        }
    }
}
