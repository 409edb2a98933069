//! Boosted models: given to the server of models by training, asked through it by predictions.

use std::{
    fs,
    path::Path,
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use domain::FixtureId;
use engine::{
    Engine, EngineOptions, PredictionView,
    serving::{Eviction, ModelServer, ServerOptions},
};
use store::Store;
use tempfile::TempDir;
use testkit::{LeagueOptions, league};

use crate::world::Hand;

const NAME: &str = "football-boosted";

/// A store long enough for boosted models, and a folder for them.
struct Place {
    store: Arc<dyn Store>,
    clock: Arc<Hand>,
    fixtures: Vec<FixtureId>,
    models: TempDir,
    _folder: TempDir,
}

async fn place() -> Place {
    let league = league(&LeagueOptions {
        seed: 11,
        key: "L1".to_owned(),
        teams: 16,
        seasons: 5,
        rounds_open: 2,
    });
    let (store, folder) = testkit::store().await;
    let store: Arc<dyn Store> = Arc::new(store);
    let (_, fixtures) = testkit::fill(&*store, &league).await;
    Place {
        store,
        clock: Arc::new(Hand::new(AtomicI64::new(
            league.recorded_at.as_microsecond(),
        ))),
        fixtures,
        models: TempDir::new().unwrap(),
        _folder: folder,
    }
}

async fn server(folder: &Path) -> Arc<ModelServer> {
    ModelServer::open(ServerOptions {
        folder: folder.to_owned(),
        poll_every: None,
        budget_bytes: 64 << 20,
        eviction: Eviction::Lru,
        loads_max: 2,
        load_wait_max: Duration::from_secs(5),
        load_backoff: Duration::from_secs(1),
        load_backoff_max: Duration::from_secs(1),
        requests_max: 100,
        threads: 1,
        direct_max: Duration::from_micros(50),
        upload_bytes_max: 1 << 20,
        results_bytes_max: 0,
    })
    .await
    .unwrap()
}

impl Place {
    fn bare(&self) -> Engine {
        let clock = Arc::clone(&self.clock) as _;
        Engine::new(Arc::clone(&self.store), clock, EngineOptions::default())
    }

    async fn serving(&self) -> (Engine, Arc<ModelServer>) {
        let server = server(self.models.path()).await;
        (self.bare().with_serving(Arc::clone(&server)), server)
    }

    /// The next game and the last one played.
    fn asked(&self) -> [FixtureId; 2] {
        let count = self.fixtures.len();
        [self.fixtures[count - 1], self.fixtures[count - 17]]
    }

    async fn predictions(&self, engine: &Engine) -> Vec<PredictionView> {
        let mut views = Vec::new();
        for id in self.asked() {
            let mut view = engine.predict(id, None).await.unwrap();
            view.version = String::new();
            views.push(view);
        }
        views
    }
}

fn boosted(view: &PredictionView) -> bool {
    view.opinions.iter().any(|it| it.model == "boosted")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_trained_is_kept_as_versions_and_served_with_the_bits_it_has_in_memory() {
    let place = place().await;
    let bare = place.bare();
    bare.train(Arc::new(|_| {})).await.unwrap();
    let in_memory = place.predictions(&bare).await;
    assert!(in_memory.iter().all(boosted));

    let (engine, server) = place.serving().await;
    engine.train(Arc::new(|_| {})).await.unwrap();
    assert_eq!(place.predictions(&engine).await, in_memory);
    let versions = server.versions(Some(NAME)).unwrap();
    assert!(versions.len() > 2);
    for version in &versions {
        let report: serde_json::Value =
            serde_json::from_str(version.report.as_ref().unwrap()).unwrap();
        assert_eq!(report["sport"], "football");
        assert_eq!(report["features"][0]["name"], "base_home");
        assert_eq!(report["settings"]["seed"], 1);
        assert!(report["rows"].as_u64().unwrap() >= 800);
        assert_eq!(report["data_digest"].as_str().unwrap().len(), 64);
    }
    let statistics = server.statistics(Some(NAME)).unwrap();
    assert!(statistics.iter().map(|it| it.inference_count).sum::<u64>() >= 2);

    // The same games give the same files: no version is made twice.
    engine.train(Arc::new(|_| {})).await.unwrap();
    assert_eq!(server.versions(Some(NAME)).unwrap().len(), versions.len());

    let insight = engine.insight(place.asked()[0], None).await.unwrap();
    let told: Vec<&str> = insight.reasons.iter().map(|it| it.label.as_str()).collect();
    assert!(told.iter().any(|it| it.starts_with("trees: ")), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_trained_is_found_and_a_broken_version_is_left_out() {
    let place = place().await;
    let (running, _server) = place.serving().await;
    assert!(running.predict(place.asked()[0], None).await.is_err());
    let (trainer, _) = place.serving().await;
    trainer.train(Arc::new(|_| {})).await.unwrap();
    let found = place.predictions(&running).await;
    assert!(found.iter().all(boosted), "without waiting for a poll");

    let folder = place.models.path().join(NAME);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|it| it.unwrap().path().join("model.trees"))
        .filter(|it| it.is_file())
        .collect();
    files.sort();
    let other = fs::read(&files[0]).unwrap();
    for (index, file) in files.iter().enumerate() {
        // One is another model, the rest are no models.
        fs::write(
            file,
            if index == 1 {
                other.as_slice()
            } else {
                b"gone"
            },
        )
        .unwrap();
    }
    let (broken, _) = place.serving().await;
    let without = place.predictions(&broken).await;
    assert!(!without.iter().any(boosted));
    assert!(without.iter().zip(&found).all(|(a, b)| a.model == b.model));
    let insight = broken.insight(place.asked()[0], None).await.unwrap();
    assert!(
        !insight
            .reasons
            .iter()
            .any(|it| it.label.starts_with("trees: "))
    );
}
