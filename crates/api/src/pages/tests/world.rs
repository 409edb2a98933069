//! A router on a throw-away store, with a made-up league where a test needs one.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header, request::Builder},
};
use engine::{Engine, EngineOptions, FixedClock};
use tempfile::TempDir;
use testkit::LeagueOptions;
use tower::ServiceExt;

use crate::{
    ApiOptions, ApiState, ReadAccess,
    pages::{Pages, assets::Assets, shell::Style},
};

/// A server and what it stands on.
pub(in crate::pages) struct World {
    engine: Arc<Engine>,
    router: Router,
    _folder: TempDir,
}

/// What came back.
pub(in crate::pages) struct Answer {
    pub(in crate::pages) status: StatusCode,
    headers: HeaderMap,
    pub(in crate::pages) body: String,
}

/// A browser's request.
pub(in crate::pages) fn get(path: &str) -> Builder {
    Request::get(path)
        .header(header::HOST, "localhost")
        .header(header::ACCEPT, "text/html,*/*")
}

impl World {
    pub(in crate::pages) async fn empty() -> Self {
        Self::build(None, ReadAccess::Open).await
    }

    pub(in crate::pages) async fn keyed() -> Self {
        Self::build(None, ReadAccess::Keyed).await
    }

    /// A league with two rounds to come and no model.
    pub(in crate::pages) async fn untrained() -> Self {
        let options = LeagueOptions {
            seed: 7,
            key: "L1".to_owned(),
            teams: 8,
            seasons: 3,
            rounds_open: 2,
        };
        Self::build(Some(options), ReadAccess::Open).await
    }

    pub(in crate::pages) async fn trained() -> Self {
        let world = Self::untrained().await;
        world.engine.train(Arc::new(|_| {})).await.unwrap();
        world.engine.load().await.unwrap();
        world
    }

    async fn build(options: Option<LeagueOptions>, read_access: ReadAccess) -> Self {
        let (store, folder) = testkit::store().await;
        let mut now = testkit::time("2024-05-18T12:00:00Z");
        if let Some(options) = options {
            let league = testkit::league(&options);
            testkit::fill(&store, &league).await;
            now = league.recorded_at;
        }
        let clock = Arc::new(FixedClock(now));
        let engine = Engine::new(Arc::new(store), clock, EngineOptions::default());
        let engine = Arc::new(engine);
        engine.load().await.unwrap();
        let options = ApiOptions {
            read_access,
            ..ApiOptions::default()
        };
        let router = crate::router(ApiState::new(Arc::clone(&engine), options));
        Self {
            engine,
            router,
            _folder: folder,
        }
    }

    /// What pages are made with.
    pub(in crate::pages) fn pages(&self) -> Pages {
        Pages {
            engine: Arc::clone(&self.engine),
            assets: Arc::new(Assets::load()),
            style: Arc::new(Style::new()),
        }
    }

    pub(in crate::pages) async fn get(&self, path: &str) -> Answer {
        self.send(get(path)).await
    }

    pub(in crate::pages) async fn send(&self, request: Builder) -> Answer {
        self.send_body(request, "").await
    }

    pub(in crate::pages) async fn send_body(&self, request: Builder, body: &'static str) -> Answer {
        let request = request.body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 24).await.unwrap();
        let body = String::from_utf8(bytes.to_vec()).unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }
}

impl Answer {
    pub(in crate::pages) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }
}
