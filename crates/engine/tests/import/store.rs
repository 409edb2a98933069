//! From files into a real store: adding, changing nothing, correcting, refusing.

use std::io::Cursor;
use std::sync::Arc;

use domain::{FixtureStatus, Score};
use engine::FixedClock;
use engine::import::{
    Catalogue, Connector, ImportError, ImportOptions, ImportSummary, Importer, Input,
};
use store::{FixtureQuery, SqliteStore, Store};
use tempfile::TempDir;

/// A store to import into.
pub(crate) struct World {
    pub(crate) store: Arc<SqliteStore>,
    importer: Importer,
    _folder: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Catalogue::load(None, None).unwrap()).await
    }

    pub(crate) async fn with(catalogue: Catalogue) -> Self {
        let (store, folder) = testkit::store().await;
        let store = Arc::new(store);
        let clock = Arc::new(FixedClock(testkit::time("2026-01-01T00:00:00Z")));
        let importer = Importer::new(store.clone(), clock, Arc::new(catalogue));
        Self {
            store,
            importer,
            _folder: folder,
        }
    }

    pub(crate) async fn import(&self, content: &str) -> ImportSummary {
        self.import_with(content, &ImportOptions::default())
            .await
            .unwrap()
    }

    pub(crate) async fn import_with(
        &self,
        content: &str,
        options: &ImportOptions,
    ) -> Result<ImportSummary, ImportError> {
        let input = Input {
            location: "test.csv".to_owned(),
            content: Box::new(Cursor::new(content.to_owned())),
        };
        self.importer.import(input, options, &|_| {}).await
    }

    pub(crate) async fn fixtures(&self) -> Vec<domain::Fixture> {
        let query = FixtureQuery {
            limit: 1000,
            ..FixtureQuery::default()
        };
        self.store.fixtures(&query).await.unwrap()
    }
}

#[tokio::test]
async fn a_quote_that_is_set_aside_is_told_and_its_game_goes_in() {
    let world = World::new().await;
    let file = "Div,Date,HomeTeam,AwayTeam,FTHG,FTAG,B365H,B365D,B365A,WHH,WHD,WHA\n\
                F1,12/08/2023,Lens,Nice,2,1,1.2,6,15,1.2,0.6,15\n";
    let summary = world.import(file).await;
    let counted = [
        summary.rows_read,
        summary.rows_rejected,
        summary.quotes_rejected,
    ];
    assert_eq!((counted, summary.prices_added), ([1, 0, 1], 3));
    let told = serde_json::json!([{"file": "test.csv", "line": 2, "column": "WHD",
        "reason": "0.6 is not a price: decimal odds lie above 1 and at most 10000"}]);
    assert_eq!(
        serde_json::to_value(&summary.rejected_quotes).unwrap(),
        told
    );
    let import = world.store.imports(1).await.unwrap().remove(0);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&import.rejected).unwrap(),
        told
    );
    let [fixture] = &world.fixtures().await[..] else {
        panic!("one game")
    };
    assert_eq!(fixture.score, Some(Score { home: 2, away: 1 }));
}

const HEADER: &str = "Div,Date,Time,HomeTeam,AwayTeam,FTHG,FTAG,B365H,B365D,B365A";

fn counts(summary: &ImportSummary) -> [u64; 7] {
    [
        summary.rows_read,
        summary.rows_rejected,
        summary.fixtures_added,
        summary.fixtures_changed,
        summary.fixtures_unchanged,
        summary.prices_added,
        summary.prices_changed,
    ]
}

#[tokio::test]
async fn importing_twice_changes_nothing() {
    let world = World::new().await;
    let file = format!(
        "{HEADER}\nE0,12/08/2023,12:30,Arsenal,Luton,2,1,1.2,6,15\nE0,soon,,A,B,,,,,\n\
         E0,19/08/2023,15:00,Luton,Arsenal,,,,,\n"
    );
    assert_eq!(counts(&world.import(&file).await), [3, 1, 2, 0, 0, 3, 0]);
    let revision = world.store.data_revision().await.unwrap();
    assert_eq!(counts(&world.import(&file).await), [3, 1, 0, 0, 2, 0, 0]);
    assert_eq!(world.store.data_revision().await.unwrap(), revision);
    let fixtures = world.fixtures().await;
    assert_eq!(fixtures.len(), 2);
    assert_eq!(fixtures[0].score, Some(Score { home: 2, away: 1 }));
    assert_eq!(fixtures[1].status, FixtureStatus::Scheduled);
}

#[tokio::test]
async fn a_corrected_file_corrects_and_keeps_the_trace() {
    let world = World::new().await;
    let row = |goals: &str, price: &str| {
        format!("{HEADER}\nE0,12/08/2023,12:30,Arsenal,Luton,{goals},1,{price},6,15\n")
    };
    world.import(&row("2", "1.2")).await;
    assert_eq!(
        counts(&world.import(&row("3", "1.25")).await),
        [1, 0, 0, 1, 0, 0, 1]
    );
    let fixtures = world.fixtures().await;
    assert_eq!(fixtures[0].score, Some(Score { home: 3, away: 1 }));
    let revisions = world.store.revisions(fixtures[0].id).await.unwrap();
    assert!(!revisions.is_empty(), "what was there before is kept");
    assert_eq!(revisions[0].source.as_str(), "football-data");
}

#[tokio::test]
async fn many_rows_go_in_by_the_batch() {
    let world = World::new().await;
    let mut file = format!("{HEADER}\n");
    for day in 0..4500 {
        let (year, month, day) = (2000 + day / 336, day / 28 % 12 + 1, day % 28 + 1);
        file.push_str(&format!(
            "E1,{day:02}/{month:02}/{year},,Leeds,Derby,1,0,2,3,4\n"
        ));
    }
    let summary = world.import(&file).await;
    assert_eq!(counts(&summary), [4500, 0, 4500, 0, 0, 13_500, 0]);
    assert_eq!(summary.new_names.len(), 2);
}

#[tokio::test]
async fn an_import_is_noted_with_its_digest_and_rows_set_aside() {
    let world = World::new().await;
    let file = format!("{HEADER}\nE0,soon,,A,B,,,,,\n");
    world.import(&file).await;
    let imports = world.store.imports(10).await.unwrap();
    assert_eq!(imports.len(), 1);
    assert_eq!((imports[0].rows_read, imports[0].rows_rejected), (1, 1));
    assert_eq!(imports[0].digest.len(), 64);
    assert!(imports[0].finished_at.is_some());
    let rejected: serde_json::Value = serde_json::from_str(&imports[0].rejected).unwrap();
    assert_eq!(
        rejected[0],
        serde_json::json!({
            "file": "test.csv", "line": 2, "column": "Date",
            "reason": "\"soon\" is not a date this source writes",
        })
    );
}

#[tokio::test]
async fn only_the_first_thousand_rows_set_aside_are_listed() {
    let world = World::new().await;
    let summary = world
        .import(&format!(
            "{HEADER}\n{}",
            "E0,soon,,A,B,,,,,\n".repeat(2_500)
        ))
        .await;
    assert_eq!(summary.rows_rejected, 2_500);
    assert_eq!(summary.rejected.len(), 1_000);
}

#[tokio::test]
async fn a_file_refused_whole_leaves_no_trace() {
    let world = World::new().await;
    for content in [
        "<html>",
        "{\"name\": \"Premier League 2015/16\", \"matches\": [",
    ] {
        let refused = world.import_with(content, &ImportOptions::default()).await;
        assert!(matches!(refused, Err(ImportError::Refused(_))));
    }
    assert_eq!(world.store.imports(10).await.unwrap(), []);
}

#[tokio::test]
async fn a_file_without_rows_is_an_import_of_nothing() {
    let world = World::new().await;
    assert_eq!(counts(&world.import(&format!("{HEADER}\n")).await), [0; 7]);
    assert_eq!(world.store.imports(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_source_may_be_named_instead_of_told() {
    let world = World::new().await;
    let options = ImportOptions {
        connector: Some(Connector::FootballData),
        ..ImportOptions::default()
    };
    let summary = world
        .import_with(&format!("{HEADER}\n"), &options)
        .await
        .unwrap();
    assert_eq!(summary.connector, Connector::FootballData);
    for connector in Connector::ALL {
        assert_eq!(Connector::parse(connector.as_str()), Some(connector));
    }
    assert_eq!(Connector::parse("tea-leaves"), None);
}

#[tokio::test]
async fn a_broken_store_stops_the_import() {
    let world = World::new().await;
    world.store.close().await;
    let failed = world
        .import_with(
            &format!("{HEADER}\n{}", "E0,soon,,A,B,,,,,\n".repeat(9_000)),
            &ImportOptions::default(),
        )
        .await;
    assert!(matches!(failed, Err(ImportError::Store(_))), "{failed:?}");
}

#[tokio::test]
async fn how_a_game_ended_that_is_still_to_come_is_set_aside() {
    let world = World::new().await;
    let head = "competition,season,kickoff,home,away,home_score,away_score";
    let row = |kickoff: &str, home: &str| format!("E0,2025/26,{kickoff},{home},B,1,2");
    // It is midnight of the first of January; of the third row only the day is known.
    let rows = [
        row("2026-01-01T00:00:01Z", "A"),
        row("2025-12-31T23:59:59Z", "C"),
        row("2026-01-01", "D"),
        row("2026-01-03", "E"),
    ];
    let summary = world
        .import(&format!("{head}\n{}\n", rows.join("\n")))
        .await;
    let set_aside = summary.rejected.iter();
    let set_aside: Vec<_> = set_aside
        .map(|it| (it.line, it.reason.to_string()))
        .collect();
    let reason = "the game has not kicked off and has a result";
    assert_eq!(set_aside, [2, 5].map(|line| (line, reason.to_owned())));
    assert_eq!(summary.rows_read, 4);
    assert_eq!(world.fixtures().await.len(), 2);
}

#[tokio::test]
async fn rows_that_contradict_an_earlier_one_or_have_slipped_are_set_aside() {
    let world = World::new().await;
    let game = "E0,12/08/2023,12:30,Arsenal,Luton";
    let file = format!(
        "{HEADER}\n{game},1,0,1.2,6,15\n{game},1,0,1.2,6,15\n{game},2,0,1.2,6,15\n\
         E0,19/08/2023,15:00,Luton,Arsenal,1,1,2,3,4,5\n\
         E0,26/08/2023,15:00,Luton,Everton,1,1,2,3,4,,\n"
    );
    let summary = world.import(&file).await;
    assert_eq!(counts(&summary), [5, 2, 2, 0, 1, 6, 0]);
    let reasons = summary.rejected.iter();
    let reasons: Vec<_> = reasons
        .map(|it| format!("{}: {}", it.line, it.reason))
        .collect();
    assert_eq!(
        reasons,
        [
            "4: the game of line 2 ended 1-0 there and 2-0 here",
            "5: the row has 11 fields where the header has 10"
        ]
    );
    let fixtures = world.fixtures().await;
    assert_eq!(fixtures[0].score, Some(Score { home: 1, away: 0 }));
}
