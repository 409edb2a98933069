//! A server without a socket, on a made-up league.

use std::{sync::Arc, time::Duration};

use api::{ApiOptions, ApiState, KEY_RANDOM_BYTES, NewKey, ReadAccess, Scope, router};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use engine::{
    Engine, EngineOptions, FixedClock,
    serving::{Eviction, ModelServer, ServerOptions},
};
use jiff::Timestamp;
use serde_json::Value;
use store::SqliteStore;
use tempfile::TempDir;
use testkit::{LeagueOptions, league};
use tower::ServiceExt;

/// A server and what it is made of.
pub(crate) struct App {
    pub(crate) router: Router,
    pub(crate) state: ApiState,
    pub(crate) engine: Arc<Engine>,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) now: Timestamp,
    /// Ids of the league's fixtures by kickoff; the last ones are still to be played.
    pub(crate) fixtures: Vec<i64>,
    pub(crate) teams: Vec<i64>,
    /// The folder of models, where there is one.
    pub(crate) models: Option<TempDir>,
    _folder: TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The slug of the problem this is.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        let uri = problem["type"].as_str().unwrap();
        uri.strip_prefix("/docs/problems#").unwrap().to_owned()
    }
}

impl App {
    /// Reads are open, as on loopback.
    pub(crate) async fn open() -> Self {
        let options = ApiOptions {
            read_access: ReadAccess::Open,
            ..ApiOptions::default()
        };
        Self::with(options).await
    }

    pub(crate) async fn with(options: ApiOptions) -> Self {
        Self::made(options, None).await
    }

    /// The same with an empty folder of models.
    pub(crate) async fn serving() -> Self {
        let options = ApiOptions {
            read_access: ReadAccess::Open,
            ..ApiOptions::default()
        };
        Self::made(options, Some(tempfile::tempdir().unwrap())).await
    }

    async fn made(options: ApiOptions, models: Option<TempDir>) -> Self {
        let (store, folder) = testkit::store().await;
        let league = league(&LeagueOptions {
            rounds_open: 2,
            ..LeagueOptions::default()
        });
        let (teams, fixtures) = testkit::fill(&store, &league).await;
        let store = Arc::new(store);
        let now = league.recorded_at;
        let engine = Engine::new(
            store.clone(),
            Arc::new(FixedClock(now)),
            EngineOptions::default(),
        );
        let engine = match &models {
            None => engine,
            Some(folder) => engine.with_serving(server_of_models(folder).await),
        };
        let engine = Arc::new(engine);
        let state = ApiState::new(engine.clone(), options);
        Self {
            router: router(state.clone()),
            state,
            engine,
            store,
            now,
            fixtures: fixtures.into_iter().map(|it| it.0).collect(),
            teams: teams.into_iter().map(|it| it.0).collect(),
            models,
            _folder: folder,
        }
    }

    /// The same with a trained model.
    pub(crate) async fn trained() -> Self {
        let app = Self::open().await;
        app.engine.load().await.unwrap();
        app.engine.train(Arc::new(|_| {})).await.unwrap();
        app
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.to_vec(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(Method::POST).uri(path);
        request = request.header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    pub(crate) async fn ask(
        &self,
        (method, path): (Method, &str),
        body: impl Into<Body>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    /// A `Bearer` value that may change models.
    pub(crate) async fn keeper(&self) -> String {
        format!("Bearer {}", self.key(&[Scope::Models], 7).await)
    }

    /// A key that is there, made where it is not; `mark` makes keys differ.
    pub(crate) async fn key(&self, scopes: &[Scope], mark: u8) -> String {
        let new = NewKey {
            name: "test".into(),
            scopes: scopes.to_vec(),
            created_at: self.now,
        };
        let (key, record) = new.make(&[mark; KEY_RANDOM_BYTES]);
        if self.engine.key(key.prefix()).await.unwrap().is_none() {
            self.engine.put_key(&record).await.unwrap();
        }
        key.reveal().to_owned()
    }

    /// A `Bearer` value that may write.
    pub(crate) async fn writer(&self) -> String {
        format!("Bearer {}", self.key(&[Scope::Write], 1).await)
    }

    /// The number of the last fixture played, on which bookmakers quoted.
    pub(crate) fn played(&self) -> i64 {
        self.fixtures[self.fixtures.len() - 9]
    }

    /// The number of the last fixture, which is still to be played.
    pub(crate) fn upcoming(&self) -> i64 {
        *self.fixtures.last().unwrap()
    }
}

/// A server of models on a folder.
pub(crate) async fn server_of_models(folder: &TempDir) -> Arc<ModelServer> {
    let options = ServerOptions {
        folder: folder.path().to_owned(),
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
    };
    ModelServer::open(options).await.unwrap()
}
