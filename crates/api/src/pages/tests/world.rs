//! A router on a throw-away store, with a made-up league where a test needs one.

use std::{fs, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header, request::Builder},
};
use engine::{
    Engine, EngineOptions, FixedClock,
    serving::{Eviction, ModelServer, ServerOptions},
};
use tempfile::TempDir;
use testkit::LeagueOptions;
use tower::ServiceExt;

use crate::{
    ApiOptions, ApiState, Hosts, ReadAccess,
    pages::{Pages, assets::Assets, shell::Style},
};

/// A server and what it stands on.
pub(in crate::pages) struct World {
    engine: Arc<Engine>,
    pub(in crate::pages) state: ApiState,
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

    /// A server with models of these names in its folder, each with one version.
    pub(in crate::pages) async fn serving(names: &[&str]) -> Self {
        let (store, folder) = testkit::store().await;
        let models = folder.path().join("models");
        for name in names {
            let version = models.join(name).join("1");
            fs::create_dir_all(&version).unwrap();
            let golden = "../trees/tests/golden/lightgbm/binary.txt";
            fs::copy(golden, version.join("model.txt")).unwrap();
        }
        let models = ModelServer::open(serving_options(models)).await.unwrap();
        let clock = Arc::new(FixedClock(testkit::time("2024-05-18T12:00:00Z")));
        let engine = Engine::new(Arc::new(store), clock, EngineOptions::default());
        let engine = Arc::new(engine.with_serving(models));
        engine.load().await.unwrap();
        Self::of(engine, folder, ReadAccess::Open)
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
        Self::of(engine, folder, read_access)
    }

    fn of(engine: Arc<Engine>, folder: TempDir, read_access: ReadAccess) -> Self {
        let options = ApiOptions {
            read_access,
            hosts: match read_access {
                ReadAccess::Open => Hosts::LoopbackAnd(Vec::new()),
                ReadAccess::Keyed => Hosts::Any,
            },
            ..ApiOptions::default()
        };
        let state = ApiState::new(Arc::clone(&engine), options);
        let router = crate::router(state.clone());
        Self {
            engine,
            state,
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
            kept: Arc::clone(&self.state.kept),
            live: Arc::clone(&self.state.live),
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

fn serving_options(folder: std::path::PathBuf) -> ServerOptions {
    ServerOptions {
        folder,
        poll_every: None,
        budget_bytes: 1 << 30,
        eviction: Eviction::Lru,
        loads_max: 1,
        load_wait_max: Duration::from_secs(5),
        load_backoff: Duration::from_secs(1),
        load_backoff_max: Duration::from_secs(60),
        requests_max: 64,
        threads: 1,
        direct_max: Duration::from_micros(50),
        upload_bytes_max: 1 << 20,
        results_bytes_max: 1 << 20,
    }
}
