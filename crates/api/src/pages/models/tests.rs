use super::*;
use crate::pages::tests::{served, serving_world};

fn overview(told: Vec<Told>, found: usize) -> Overview {
    Overview {
        found,
        all: found,
        told,
        cache: served::cache(),
        folder: "/data/models".to_owned(),
        upload_bytes_max: 1 << 28,
    }
}

async fn html(overview: &Overview, name: &str, number: usize) -> String {
    let world = serving_world(&[]).await;
    let pages = world.pages();
    let shell = pages.shell(
        "models",
        "Models".to_owned(),
        "/models".to_owned(),
        Preferences::default(),
    );
    let page = page(shell, overview, (name.to_owned(), number), None);
    let page = page.render().unwrap();
    let (_, live) = page.split_once(r#"<div id="live">"#).unwrap();
    live.split_once("</main>").unwrap().0.to_owned()
}

#[tokio::test]
async fn a_model_is_a_row_with_what_it_takes_and_what_is_wrong() {
    let page = html(&overview(vec![served::told()], 1), "", 1).await;
    let (_, rows) = page.split_once(r#"<ol class="rows models">"#).unwrap();
    let (row, _) = rows.split_once("</ol>").unwrap();
    insta::assert_snapshot!(row.replace("><", ">\n<"));
    let figures = [
        "6.00 MiB",
        "0.6% of 1.00 GiB",
        "3 versions",
        "1 in use now",
        "124,456 found in memory, 4 not",
        "4.25 ms on average; 1 failed, 2 evicted",
        "1 model.",
    ];
    for words in figures {
        assert!(page.contains(words), "{words}");
    }
}

#[tokio::test]
async fn many_models_come_in_stretches_that_keep_what_was_looked_for() {
    let page = html(
        &overview(vec![served::told()], ROWS_MAX * 2 + 1),
        "go als",
        2,
    )
    .await;
    assert!(
        page.contains(r#"rel="prev" href="/models?name=go+als&#38;page=1""#),
        "{page}"
    );
    assert!(page.contains(r#"rel="next" href="/models?name=go+als&#38;page=3""#));
    assert!(page.contains("1 of 81 models with \u{201c}go als\u{201d} in the name."));
    let none = html(&overview(vec![], 9), "x", 1).await;
    assert!(none.contains("No such model"));
}

#[tokio::test]
async fn without_models_the_page_says_how_to_bring_one() {
    let page = serving_world(&[]).await.get("/models").await;
    assert_eq!(page.status, StatusCode::OK);
    for words in [
        "No models yet",
        "model.txt",
        "sports-edge model push",
        "sports-edge train",
    ] {
        assert!(page.body.contains(words), "{words}");
    }
    assert!(!page.body.contains(r#"id="filters""#));
    let none = crate::pages::tests::empty_world()
        .await
        .get("/models")
        .await;
    assert!(none.body.contains("without a folder of models"));
}

#[tokio::test]
async fn a_model_that_cannot_serve_says_so() {
    let mut told = served::told();
    told.model.serving = None;
    told.model.problem = Some("config.toml: no".to_owned());
    told.versions.truncate(2);
    let problems = told.problems();
    assert_eq!(
        problems,
        [
            "Its settings are not in force: config.toml: no.",
            "No version of it can serve.",
            "Version 1 does not load: golden row 2: 0.5 where 0.25 is wanted.",
        ]
    );
    let row = Row::new(&told);
    assert_eq!((row.serving, row.state), (None, ("failed", "cannot serve")));
    told.model.serving = Some(2);
    assert!(told.problems().iter().any(|it| it.contains("was unloaded")));
    assert_eq!(
        Traffic::new(&told).words,
        "none, version 5 in the shadow of 50%"
    );
}

#[test]
fn every_platform_and_state_has_words() {
    let words = [
        "trees_xgboost",
        "trees_onnx",
        "trees_compact",
        "onnx",
        "",
        "new",
    ]
    .map(platform);
    assert_eq!(
        words,
        [
            "XGBoost trees",
            "ONNX trees",
            "trees, compact form",
            "ONNX network",
            "not read yet",
            "another kind"
        ]
    );
    assert_eq!(state(LoadState::Loading).1, "loading");
    let unused = Cache::new(&CacheFigures::default());
    assert_eq!(
        (unused.hit_share.as_str(), unused.load_note.as_str()),
        ("\u{2013}", "none yet")
    );
}
