//! Every query of both stores on a large database: none reads a whole table where that is not
//! meant.
//!
//! PostgreSQL itself says how each statement was run (`auto_explain`), with plans for the values at
//! hand and with plans for any; of SQLite every statement is collected as it is run and explained.

mod steps;

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};

use store::{PostgresOptions, PostgresStore, SqliteOptions, SqliteStore, Store};
use testkit::{PostgresServer, ServerOptions};

use crate::sample::{fixture, put, quote, recording, result, world};
use steps::steps;

/// Small tables that are read whole again and again, so that they cannot be out of date.
const READ_WHOLE: [&str; 6] = [
    "sources",
    "bookmakers",
    "seasons",
    "competitions",
    "sports_edge",
    "meta",
];

/// Large tables of the test's database; `pair_records` is not, for few teams are each other's guests
/// in it.
const LARGE: [&str; 18] = [
    "fixtures",
    "quotes",
    "superseded_quotes",
    "revisions",
    "events",
    "recordings",
    "outbox",
    "team_aliases",
    "teams",
    "imports",
    "idempotency",
    "api_keys",
    "models",
    "fetch_states",
    "view_marks",
    "standings",
    "market_marks",
    "market_summaries",
];

/// The real rows that the many are copies of.
async fn seed(store: &dyn Store) {
    let ([a, b, ..], _) = world(store).await;
    let mut record = fixture(a, b, "2000-01-01T12:00:00Z");
    record.result = result(1, 0);
    record.quotes = vec![quote("bet365", "2023-09-01T12:00:00Z", [2.0, 3.5, 4.0])];
    let fixtures = put(store, &[record]).await.fixtures;
    let event = steps::event(fixtures[0]);
    store.append_events(&recording(), &[event]).await.unwrap();
}

/// Makes the database large: 100,000 fixtures of 20 competitions and 30 seasons, 500,000 quotes, and as
/// much of the rest as there may be. `{n}` is a table of whole numbers from 1 up to a bound.
const FILL: [&str; 14] = [
    "INSERT INTO competitions (key, name, sport, country, pool, time_zone, single_round)
     SELECT 'league-' || v, '', 'football', '', 'pool', 'UTC', 1 FROM {n 18}",
    "INSERT INTO teams (id, sport, name, country, folded)
     SELECT 100 + v, 'football', 'Team ' || v, '', 'team ' || v FROM {n 8000}",
    "INSERT INTO team_aliases (sport, source, name, team)
     SELECT 'football', 0, 'Alias ' || v, 100 + v FROM {n 8000}",
    "INSERT INTO seasons (id, key) SELECT 10 + v, 'season-' || v FROM {n 30}",
    "INSERT INTO recordings (id, source, import, at, revision)
     SELECT 100 + v, 1, NULL, v, 10 + v FROM {n 20000}",
    "INSERT INTO fixtures (id, competition, season, kickoff, precision, home, away, neutral, status,
         home_score, away_score, recording, touched, price_count, {quoted} stats, game)
     SELECT 10 + v, 1 + v % 20, 11 + v % 30, f.kickoff + v * 7200000000, 1,
         1 + v % 400 + CASE WHEN v % 400 < 8 THEN 0 ELSE 92 END,
         1 + (v * 7 + 1) % 8 + CASE WHEN (v * 7 + 1) % 8 = v % 400 THEN 200 ELSE 0 END, 0, 1, 1, 0,
         101 + v % 20000, 101 + v % 20000, 15, {quotes} f.stats, f.game
     FROM fixtures AS f, {n 100000} WHERE f.id = 1",
    "INSERT INTO quotes (fixture, taken_at, bookmaker, kind, line, stage, price_1, price_2, price_3,
         recording)
     SELECT 11 + v % 100000, q.taken_at + v / 100000, q.bookmaker, q.kind, q.line, q.stage, 2, 3, 4,
         101 + v % 20000
     FROM quotes AS q, {n 500000} WHERE q.fixture = 1",
    "INSERT INTO superseded_quotes (fixture, taken_at, bookmaker, kind, line, stage, price_1,
         price_2, price_3, recording, superseded_by)
     SELECT 10 + v, q.taken_at, q.bookmaker, q.kind, q.line, q.stage, 2, 3, 4, 101, 102
     FROM quotes AS q, {n 20000} WHERE q.fixture = 1",
    "INSERT INTO revisions (fixture, field, old, new, recording)
     SELECT 10 + v, 'status', '0', '1', 101 FROM {n 20000}",
    "INSERT INTO events (fixture, sequence, revision, known_at, recorded_at, source, body)
     SELECT 11 + v % 100000, 1 + v / 100000, 0, v, v, e.source, e.body
     FROM events AS e, {n 200000} WHERE e.fixture = 1",
    "INSERT INTO imports (source, location, digest, started_at, finished_at, rows_read,
         rows_rejected, rejected) SELECT 1, 'x', '', v, v, 0, 0, '[]' FROM {n 8000}",
    "INSERT INTO models (name, version, created_at, data_digest, body, report)
     SELECT 'model-' || v % 2000, CAST(v AS TEXT), v, '', {empty}, {empty} FROM {n 8000}",
    "INSERT INTO api_keys (prefix, hash, name, scopes, created_at)
     SELECT 'key-' || v, {hash}, '', '[]', v FROM {n 8000}",
    "INSERT INTO outbox (seq, kind, key, at) SELECT 1000 + v, 'fixture', '1', v * 100 FROM {n 100000}",
];

const FILL_TOO: [&str; 7] = [
    "INSERT INTO fetch_states (url, fetched_at)
     SELECT 'https://example.com/' || v, v FROM {n 8000}",
    "INSERT INTO idempotency (principal, route, key, fingerprint, at, status, body)
     SELECT 'p', 'r', 'k' || v, {hash}, 1704067200000000, 200, {empty} FROM {n 20000}",
    "UPDATE {counters} SET outbox = 101000, revision = 20010",
    "INSERT INTO view_marks (kind, thing, part, change)
     SELECT DISTINCT 0, competition, season, 100000 FROM fixtures WHERE id > 1",
    "INSERT INTO view_marks (kind, thing, part, change)
     SELECT 1, 1000 + v, 0, 100000 FROM {n 8000}",
    "INSERT INTO market_marks (fixture, change, ready)
     SELECT 10 + v, 100000, CASE WHEN v % 1000 = 0 THEN -1 ELSE 100000 END FROM {n 100000}",
    "INSERT INTO market_summaries (fixture, kind, line, bookmakers, taken_at)
     SELECT 10 + v, 0, 0, 1, v FROM {n 100000}",
];

/// The statements with what differs between the databases put in.
fn filling(numbers: impl Fn(&str) -> String, words: &[(&str, &str)]) -> Vec<String> {
    let fill = FILL.iter().chain(&FILL_TOO);
    let filled = fill.map(|sql| {
        let mut sql = (*sql).to_owned();
        for (word, with) in words {
            sql = sql.replace(word, with);
        }
        if let Some((head, rest)) = sql.split_once("{n ") {
            let (bound, tail) = rest.split_once('}').unwrap();
            sql = format!("{head}{}{tail}", numbers(bound));
        }
        sql
    });
    filled.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_reads_no_large_table_whole_where_that_is_not_meant() {
    let settings = [
        "session_preload_libraries=auto_explain",
        "auto_explain.log_min_duration=0",
        "log_min_messages=log",
        "log_line_prefix=",
        "work_mem=32MB",
    ];
    let options = ServerOptions {
        settings: settings.map(str::to_owned).into(),
        port: None,
    };
    let Some(server) = PostgresServer::start(options) else {
        testkit::skip("PostgreSQL");
        return;
    };
    let url = server.url("postgres");
    let open = async || {
        let options = PostgresOptions {
            connections_max: 2,
            ..PostgresOptions::default()
        };
        PostgresStore::open(&url, &options).await.unwrap()
    };
    let store = open().await;
    seed(&store).await;
    store.close().await;
    let words = [
        ("{quoted}", "quoted_from, quoted_until,"),
        ("{quotes}", "f.quoted_from, f.quoted_until + 5,"),
        ("{empty}", "''::bytea"),
        ("{hash}", "decode(repeat('00', 32), 'hex')"),
        ("{counters}", "sports_edge"),
    ];
    let numbers = |bound: &str| format!("generate_series(1, {bound}) AS v");
    let mut script = "SET auto_explain.log_min_duration = -1;".to_owned();
    script.push_str(&filling(numbers, &words).join(";"));
    server.sql("postgres", &script);
    for sequence in ["fixture_ids", "recording_ids"] {
        let sql = format!("SELECT setval('{sequence}', 1000000)");
        server.sql("postgres", &sql);
    }
    server.sql("postgres", "ALTER TABLE teams ALTER id RESTART WITH 100000");
    server.sql("postgres", "VACUUM ANALYZE");
    let log = server.socket().join("log");
    let mut faults = Vec::new();
    for (pass, plans) in (0..).zip(["force_custom_plan", "force_generic_plan"]) {
        let set = format!("ALTER DATABASE postgres SET plan_cache_mode = {plans}");
        server.sql("postgres", &set);
        let store = open().await;
        for step in steps(&store, pass) {
            let before = fs::read_to_string(&log).unwrap().len();
            step.call.await;
            let said = fs::read_to_string(&log).unwrap();
            let found = sequential(&said[before..], step.meant);
            faults.extend(found.into_iter().map(|it| format!("{}: {it}", step.name)));
        }
        store.close().await;
    }
    let said = fs::read_to_string(&log).unwrap();
    assert!(said.matches("Index Scan").count() > 50, "plans are told");
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// Plans in the log that read a large table whole which is not meant.
fn sequential(log: &str, meant: &[&str]) -> Vec<String> {
    let plans = log.split("LOG:  duration:").skip(1);
    let scans = |plan: &str| {
        let scans = plan.split("Seq Scan on ").skip(1);
        scans.map(table_of).any(|it| is_fault(&it, meant))
    };
    plans.filter(|it| scans(it)).map(str::to_owned).collect()
}

/// The table at the head of a text; a partition's stands for the table's.
fn table_of(text: &str) -> String {
    let name: String = text
        .chars()
        .take_while(|it| it.is_ascii_lowercase() || *it == '_' || it.is_ascii_digit())
        .collect();
    match name.strip_prefix("quotes_") {
        Some(_) => "quotes".to_owned(),
        None => name,
    }
}

fn is_fault(table: &str, meant: &[&str]) -> bool {
    !READ_WHOLE.contains(&table) && LARGE.contains(&table) && !meant.contains(&table)
}

/// Collects the statements that SQLite is given.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<BTreeSet<String>>>);

impl tracing::Subscriber for Collector {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut statement = Statement::default();
        event.record(&mut statement);
        let sql = match statement.whole.trim() {
            "" => statement.summary,
            whole => whole.to_owned(),
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(sql);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

/// A statement as sqlx tells of it: its beginning, and the whole where that is longer.
#[derive(Default)]
struct Statement {
    summary: String,
    whole: String,
}

impl tracing::field::Visit for Statement {
    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.clone_into(&mut self.whole),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn std::fmt::Debug) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_reads_no_large_table_whole_where_that_is_not_meant() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.db");
    let open = async || {
        let store = SqliteStore::open(&path, &SqliteOptions::default()).await;
        store.unwrap()
    };
    let store = open().await;
    seed(&store).await;
    store.close().await;
    // With foreign keys, plans of inserts tell of looks at children that are made only while a
    // violation is outstanding, which here never is.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let options = options.foreign_keys(false);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let words = [
        ("{quoted}", ""),
        ("{quotes}", ""),
        ("{empty}", "x''"),
        ("{hash}", "zeroblob(32)"),
        ("{counters}", "meta"),
    ];
    let numbers = |bound: &str| {
        format!(
            "(WITH RECURSIVE n (v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < {bound})
              SELECT v FROM n)"
        )
    };
    let script = filling(numbers, &words).join(";");
    let script = format!("BEGIN; {script}; COMMIT; ANALYZE");
    let script = sqlx::raw_sql(sqlx::AssertSqlSafe(script));
    script.execute(&pool).await.unwrap();
    let collector = Collector::default();
    tracing::subscriber::set_global_default(collector.clone()).unwrap();
    let store = open().await;
    let mut faults = Vec::new();
    let mut explained = 0;
    for step in steps(&store, 0) {
        collector.0.lock().unwrap().clear();
        step.call.await;
        let statements = collector.0.lock().unwrap().clone();
        for sql in single(&statements).filter(|it| is_query(it)) {
            explained += 1;
            let plan = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
            let plan: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(plan).fetch_all(&pool).await.unwrap();
            // In the order of an index, and cut off.
            let cut = |line: &str| line.contains(" USING INDEX ") && sql.contains("LIMIT");
            let lines = plan.iter().filter_map(|it| it.3.strip_prefix("SCAN "));
            let lines = lines.filter(|it| !cut(it));
            let whole = lines.map(|it| table_in(sql, it));
            let whole: Vec<String> = whole.filter(|it| is_fault(it, step.meant)).collect();
            if !whole.is_empty() {
                faults.push(format!("{}: {whole:?} {sql} {plan:?}", step.name));
            }
        }
    }
    store.close().await;
    assert!(explained > 50, "statements are collected: {explained}");
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// Statements one by one, of those that go to SQLite together.
fn single(statements: &BTreeSet<String>) -> impl Iterator<Item = &str> {
    let each = statements.iter().flat_map(|it| it.split(";\n"));
    each.map(str::trim_start)
}

/// Whether a statement has a plan.
fn is_query(sql: &str) -> bool {
    ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"]
        .iter()
        .any(|it| sql.starts_with(it))
}

/// The table behind the name at the head of a line of a plan.
fn table_in(sql: &str, line: &str) -> String {
    let name = line.split_whitespace().next().unwrap_or_default();
    let alias = format!(" AS {name}");
    let Some(place) = sql.find(&alias) else {
        return name.to_owned();
    };
    let before = sql[..place].rsplit(|it: char| !it.is_ascii_lowercase() && it != '_');
    before.into_iter().next().unwrap_or_default().to_owned()
}
