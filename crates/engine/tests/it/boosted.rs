//! Boosted models: given to the server of models by training, asked through it by predictions.

use std::{
    fs,
    path::Path,
    sync::{Arc, atomic::AtomicI64},
    time::{Duration, Instant},
};

use domain::{FixtureId, MatchStats, Score};
use engine::{
    Engine, EngineOptions, FixtureInsight, PredictionView, ReasonView, ResultCommand,
    serving::{Eviction, ModelServer, ServerOptions, VersionRef},
};
use jiff::SignedDuration;
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

    /// Corrects the result of an early game, so that every training from then on differs.
    async fn change_a_result(&self, game: usize) {
        let command = ResultCommand {
            fixture: self.fixtures[game],
            score: Score { home: 9, away: 0 },
            stats: MatchStats::default(),
        };
        let engine = self.bare();
        engine.put_results(vec![command]).await.unwrap();
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

fn reasons(insight: &FixtureInsight) -> &[ReasonView] {
    &insight.prediction.as_ref().unwrap().reasons
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
    let told: Vec<&str> = reasons(&insight)
        .iter()
        .map(|it| it.label.as_str())
        .collect();
    assert!(told.iter().any(|it| it.starts_with("trees: ")), "{told:?}");
    let alone = engine.predict(place.asked()[0], None).await.unwrap();
    assert_eq!(alone.reasons, reasons(&insight));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_trained_is_found_and_broken_versions_come_anew_out_of_the_store() {
    let place = place().await;
    let (running, _server) = place.serving().await;
    assert!(running.predict(place.asked()[0], None).await.is_err());
    let (trainer, _) = place.serving().await;
    trainer.train(Arc::new(|_| {})).await.unwrap();
    let found = place.predictions(&running).await;
    assert!(found.iter().all(boosted), "without waiting for a poll");

    let files = files(place.models.path());
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
    let (mended, _server) = place.serving().await;
    let again = place.predictions(&mended).await;
    assert!(again.iter().all(|it| it.left_out.is_empty()));
    assert_eq!(again, found);
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder.join(NAME))
        .unwrap()
        .map(|it| it.unwrap().path().join("model.trees"))
        .filter(|it| it.is_file())
        .collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_swapped_under_a_running_process_is_left_out_and_one_put_right_answers_again() {
    let place = place().await;
    let (engine, server) = place.serving().await;
    engine.train(Arc::new(|_| {})).await.unwrap();
    let right = place.predictions(&engine).await;
    assert!(right.iter().all(boosted));

    let files = files(place.models.path());
    let whole: Vec<Vec<u8>> = files.iter().map(|it| fs::read(it).unwrap()).collect();
    let count = files.len();
    for (index, file) in files.iter().enumerate() {
        fs::write(file, &whole[(index + 1) % count]).unwrap();
    }
    reloaded(&server).await;
    let swapped = place.predictions(&engine).await;
    assert!(!swapped.iter().any(boosted));

    for (file, bytes) in files.iter().zip(&whole) {
        fs::write(file, bytes).unwrap();
    }
    reloaded(&server).await;
    assert_eq!(place.predictions(&engine).await, right);
}

/// Looks the folder through, and waits until every version in memory is the one on disk.
async fn reloaded(server: &ModelServer) {
    server.refresh().await.unwrap();
    let on_disk = server.contents(NAME).await.unwrap();
    for (version, content) in on_disk {
        let number = VersionRef::Number(version);
        server.load(NAME, &number).await.unwrap();
        // What was in memory answers until the file beside it is read.
        let loaded = || {
            let views = server.versions(Some(NAME)).unwrap();
            views
                .iter()
                .any(|it| it.version == version && it.sha256 == content.to_string())
        };
        let patience = Instant::now() + Duration::from_secs(20);
        while !loaded() {
            assert!(Instant::now() < patience, "version {version} never loads");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_that_neither_of_the_last_two_trainings_refers_to_are_deleted() {
    let place = place().await;
    let (engine, server) = place.serving().await;
    let numbers = || -> Vec<u64> {
        let views = server.versions(Some(NAME)).unwrap();
        views.iter().map(|it| it.version).collect()
    };
    engine.train(Arc::new(|_| {})).await.unwrap();
    let first = numbers();
    // Somebody's own version among them, and one that an operator holds by a label.
    let (own, labelled) = (first.len() as u64 + 1, first[0]);
    let folder = place.models.path().join(NAME).join(own.to_string());
    fs::create_dir(&folder).unwrap();
    fs::copy(&files(place.models.path())[0], folder.join("model.trees")).unwrap();
    server.refresh().await.unwrap();
    server.label(NAME, "kept", Some(labelled)).await.unwrap();

    place.change_a_result(1).await;
    engine.train(Arc::new(|_| {})).await.unwrap();
    let second: Vec<u64> = numbers().into_iter().filter(|it| *it > own).collect();
    assert!(!second.is_empty());
    assert!(
        first.iter().all(|it| numbers().contains(it)),
        "the last but one stays"
    );

    place.change_a_result(2).await;
    engine.train(Arc::new(|_| {})).await.unwrap();
    let left = numbers();
    assert!(second.iter().all(|it| left.contains(it)));
    let gone = first.iter().filter(|it| !left.contains(it)).count();
    assert!(gone > 0, "{first:?} {left:?}");
    assert!(left.contains(&own) && left.contains(&labelled));
    assert!(place.predictions(&engine).await.iter().all(boosted));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_settles_what_the_boosted_model_said_before_it() {
    let place = place().await;
    let (engine, server) = place.serving().await;
    engine.train(Arc::new(|_| {})).await.unwrap();
    let [coming, _] = place.asked();
    let fixture = engine.fixture(coming).await.unwrap().fixture;
    let view = engine.predict(coming, None).await.unwrap();
    let said = view.opinions.iter().find(|it| it.model == "boosted");
    let said = said.unwrap().probabilities.clone();
    let scored = || -> Vec<(u64, Option<f64>)> {
        let views = server.versions(Some(NAME)).unwrap().into_iter();
        let views = views.filter(|it| it.scored > 0);
        views.map(|it| (it.scored, it.log_loss)).collect()
    };
    // What a look back says is not settled, and nothing is before the result.
    let before = fixture
        .kickoff
        .checked_sub(SignedDuration::from_hours(24 * 30));
    let before = before.unwrap().min(engine.now());
    engine.predict(coming, Some(before)).await.unwrap();
    assert_eq!(scored(), []);

    let end = fixture.kickoff.checked_add(SignedDuration::from_hours(2));
    place.clock.set(end.unwrap());
    // Another process writes the result; this one learns of it with the next question.
    let command = ResultCommand {
        fixture: coming,
        score: Score { home: 0, away: 2 },
        stats: MatchStats::default(),
    };
    place.bare().put_results(vec![command]).await.unwrap();
    engine.models().await.unwrap();
    let [(1, Some(loss))] = scored()[..] else {
        panic!("{:?}", scored());
    };
    assert!((loss + said[2].ln()).abs() < 1e-12, "{loss} of {said:?}");
    // It is settled once, and a game that nobody foretold never is.
    place.change_a_result(3).await;
    engine.models().await.unwrap();
    assert_eq!(scored(), [(1, Some(loss))]);
}

/// Another machine, or the same after its folder was lost: what the store remembers is enough.
#[tokio::test]
async fn a_server_without_the_files_gets_them_out_of_the_store() {
    let place = place().await;
    let (engine, _server) = place.serving().await;
    engine.train(Arc::new(|_| {})).await.unwrap();
    let asked = place.predictions(&engine).await;
    assert!(asked.iter().all(|it| it.left_out.is_empty()));

    let empty = TempDir::new().unwrap();
    let elsewhere = place.bare().with_serving(server(empty.path()).await);
    assert_eq!(place.predictions(&elsewhere).await, asked);

    // Its numbers are taken by models of somebody else.
    let taken = TempDir::new().unwrap();
    let versions = fs::read_dir(place.models.path().join(NAME)).unwrap();
    for version in versions.map(|it| it.unwrap().path()) {
        let file = version.join("model.trees");
        if file.exists() {
            let there = taken.path().join(NAME).join(version.file_name().unwrap());
            fs::create_dir_all(&there).unwrap();
            fs::write(there.join("model.trees"), b"not a model").unwrap();
        }
    }
    let elsewhere = place.bare().with_serving(server(taken.path()).await);
    assert_eq!(place.predictions(&elsewhere).await, asked);
}
