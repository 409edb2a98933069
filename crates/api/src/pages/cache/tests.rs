use axum::http::StatusCode;

use super::*;
use crate::pages::tests::{empty_world, keyed_world};

#[tokio::test]
async fn an_empty_cache_says_how_it_fills_and_what_is_drawn_later() {
    let page = empty_world().await.get("/cache").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for words in [
        "Nothing is kept yet",
        "sports-edge cache warm /v1/board",
        "Nothing to draw yet: figures are taken every 15 seconds",
        "0.0% of 64.0 MiB",
        "Nothing is dropped before it was shown and confirmed.",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let day = empty_world().await.get("/cache?window=day").await;
    assert!(day.body.contains(r#"value="day" selected"#));
    assert!(day.body.contains("every five minutes"));
}

#[tokio::test]
async fn what_is_kept_is_listed_and_a_purge_previewed() {
    let world = empty_world().await;
    for path in ["/v1/teams?limit=3", "/v1/teams?limit=3", "/v1/competitions"] {
        assert_eq!(world.get(path).await.status, StatusCode::OK);
    }
    let page = world
        .get("/cache?address=%2Fv1%2Fteams%3Flimit%3D3")
        .await
        .body;
    for words in [
        r#"<span class="name">/v1/teams?limit=3</span>"#,
        r#"data-body="{&#34;addresses&#34;:[&#34;/v1/teams?limit=3&#34;]}""#,
        "A purge would drop <strong>1 answer, ",
        "sports-edge cache purge --address &#39;/v1/teams?limit=3&#39;",
        "<li>1 answer.teams</li>",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let all = world.get("/cache?all=1").await.body;
    assert!(all.contains("<strong>2 answers, ") && all.contains("--everything"));
    for (query, words) in [
        ("tag=x:1", "is no tag, such as fixture:8"),
        ("kind=x", "there is no kind"),
        ("address=/", "is no address whose answer is kept"),
    ] {
        let page = world.get(&format!("/cache?{query}")).await.body;
        let (_, fault) = page
            .split_once(r#"<p class="fault" role="alert">"#)
            .unwrap();
        assert!(
            fault.split_once("</p>").unwrap().0.contains(words),
            "{fault}"
        );
    }
    let odd = world.get("/cache?tag=%3Cscript%3E&window=x").await.body;
    assert!(!odd.contains("<script>&") && !odd.contains("value=\"<script>"));
}

#[tokio::test]
async fn what_the_cache_did_is_drawn_by_kind() {
    let world = empty_world().await;
    let pages = world.pages();
    let shell = pages.shell(
        "cache",
        "Cache".to_owned(),
        "/cache".to_owned(),
        Preferences::default(),
    );
    let done = Done {
        hits: 9,
        misses: 1,
        bytes: 2048,
        time_saved: std::time::Duration::from_millis(30),
        ..Done::default()
    };
    let sample = |at: i64| Sample {
        at_s: at * 15,
        span_s: 15,
        kinds: vec![done],
    };
    let told = Told {
        statistics: vec![KindStatistics {
            kind: "answer.board".to_owned(),
            memory_hits: 1_234,
            misses: 10,
            ..KindStatistics::default()
        }],
        hottest: Vec::new(),
        heaviest: Vec::new(),
        memory_bytes: 1 << 20,
        budget_bytes: 4 << 20,
        kinds: vec!["answer.board".to_owned()],
        samples: (0..40).map(sample).collect(),
        window: Window::Hour,
        shared: None,
    };
    let page = page(shell, told, Asked::default(), None).render().unwrap();
    for words in [
        "25.0% of 4.00 MiB",
        "360 of 400 requests",
        "1.20 s",
        "1,234",
        "Percent answered from memory over time. Last: all 90, board 90.",
        "Milliseconds saved a second over time. Last: all 2.0, board 2.0.",
        "KiB of memory over time. Last: all 2, board 2.",
        "This server shares its answers with no other",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[tokio::test]
async fn a_server_that_others_reach_shows_it_to_who_may_operate_it() {
    let world = keyed_world().await;
    let page = world.get("/cache").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert_eq!(page.header("location"), "/sign-in?back=%2Fcache");
}
