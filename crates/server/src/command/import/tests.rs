use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;

use engine::FixedClock;
use serde_json::Value;
use store::{SqliteOptions, SqliteStore};

use super::*;

const HEADER: &str = "Div,Date,HomeTeam,AwayTeam,FTHG,FTAG,B365H,B365D,B365A";
const GOOD: &str = "E0,12/08/2023,Arsenal,Luton,2,1,1.2,6,15";

struct World {
    folder: tempfile::TempDir,
    context: ImportContext,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::default();
        let store = SqliteStore::open(folder.path().join("test.db"), &options);
        let clock = FixedClock("2026-01-01T00:00:00Z".parse().unwrap());
        let config_dir = folder.path().join("config");
        std::fs::create_dir(&config_dir).unwrap();
        let context = ImportContext {
            store: Arc::new(store.await.unwrap()),
            clock: Arc::new(clock),
            config_dir: Some(config_dir),
            rows: Arc::default(),
            fetch: FetchOptions {
                attempts_max: 1,
                ..FetchOptions::default()
            },
        };
        Self { folder, context }
    }

    fn write(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    async fn run(&self, args: ImportArgs) -> Result<(ImportStatus, String)> {
        let mut out = Vec::new();
        let status = run(&args, &self.context, &mut out).await?;
        let text = String::from_utf8(out).unwrap();
        Ok((
            status,
            text.replace(&self.folder.path().display().to_string(), ""),
        ))
    }

    async fn import(&self, location: &str) -> (ImportStatus, String) {
        self.run(args(&[location])).await.unwrap()
    }
}

fn args(locations: &[&str]) -> ImportArgs {
    ImportArgs {
        locations: locations.iter().map(|it| (*it).to_owned()).collect(),
        ..ImportArgs::default()
    }
}

/// The report without its times.
fn timeless(report: &str) -> String {
    let lines = report.lines().filter(|line| !line.starts_with("  time"));
    lines.map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn the_report_tells_what_was_done_and_set_aside() {
    let world = World::new().await;
    world
        .import(&world.write("E0.csv", &format!("{HEADER}\n{GOOD}\n")))
        .await;
    let file = world.write(
        "E0.csv",
        &format!("{HEADER}\n{GOOD}\nE0,soon,A,B,,,,,\nE0,12/08/2023,\"A,B,,,,,\nE0,19/08/2023,Zebras,Lutton,,,,,\n"),
    );
    let (status, report) = world.import(&file).await;
    assert_eq!(
        (status, status.exit_code()),
        (ImportStatus::RowsRejected, 3)
    );
    assert!(report.contains("rows/s") && report.contains("prices/s"));
    assert_eq!(
        timeless(&report),
        "/E0.csv (football-data)\n  rows      4 read, 2 set aside\n  fixtures  1 added, 0 changed, 1 \
         unchanged\n  prices    0 added, 0 changed, 0 quotes set aside\n  set aside\n    /E0.csv:3: Date: \"soon\" is \
         not a date this source writes\n    /E0.csv:4: a quotation mark is out of place\n  new \
         names 2 never seen before\n    Lutton (E0); like Luton\n    Zebras (E0)\n"
    );
}

#[tokio::test]
async fn long_lists_are_cut_and_renamed_teams_told() {
    let world = World::new().await;
    let bad = "E0,soon,A,B,,,,,\n".repeat(25);
    let file = world.write(
        "E0.csv",
        &format!("{HEADER}\n{bad}E0,12/08/2023,Hull City,Derby County,,,,,\n"),
    );
    let (_, report) = world.import(&file).await;
    assert!(
        report.contains("    and 5 rows more; --json lists them\n"),
        "{report}"
    );
    assert!(report.contains("Hull City (E0), now Hull\n"), "{report}");
}

#[tokio::test]
async fn several_files_are_summed_up_and_a_refused_one_stops_no_other() {
    let world = World::new().await;
    world.write("data/a.csv", "<html>not found</html>");
    world.write("data/b.csv", &format!("{HEADER}\n{GOOD}\n"));
    let (status, report) = world
        .import(&world.folder.path().join("data").display().to_string())
        .await;
    assert_eq!((status, status.exit_code()), (ImportStatus::Refused, 2));
    assert!(
        report.starts_with("/data/a.csv: refused: it is a web page, not data\n"),
        "{report}"
    );
    assert!(
        report.ends_with(
            "2 files, 1 refused: 1 rows read, 0 set aside, 1 fixtures and 3 prices added, 0 quotes \
             set aside\n"
        ),
        "{report}"
    );
}

#[tokio::test]
async fn the_summary_comes_as_json_too() {
    let world = World::new().await;
    let file = world.write("E0.csv", &format!("{HEADER}\n{GOOD}\n"));
    let mut args = args(&[&file, &file]);
    args.json = true;
    let (status, report) = world.run(args).await.unwrap();
    assert_eq!((status, status.exit_code()), (ImportStatus::Done, 0));
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["status"], "done");
    assert_eq!(report["files"][0]["outcome"], "imported");
    assert_eq!(report["files"][0]["connector"], "football-data");
    assert_eq!(report["files"][0]["prices_added"], 3);
    assert_eq!(report["files"][1]["fixtures_unchanged"], 1);
}

const MAPPING: &str = "source = \"elsewhere\"\n[fixture]\ncompetition = { constant = \"E0\" }\n\
                       season = { style = \"split_year\" }\ndate = \"d\"\ndate_formats = \
                       [\"%Y-%m-%d\"]\nhome = \"h\"\naway = \"a\"\n";

#[tokio::test]
async fn a_mapping_is_found_beside_its_file_or_named() {
    let world = World::new().await;
    let file = world.write("games.csv", "d,h,a\n2023-08-12,Arsenal,Luton\n");
    assert_eq!(world.import(&file).await.0, ImportStatus::Refused);
    let elsewhere = world.write("mappings/m.toml", MAPPING);
    let mut named = args(&[&file]);
    named.mapping = Some(PathBuf::from(elsewhere));
    named.source = Some(Connector::Csv);
    assert_eq!(world.run(named).await.unwrap().0, ImportStatus::Done);
    world.write("games.mapping.toml", MAPPING);
    let (status, report) = world.import(&file).await;
    assert_eq!(status, ImportStatus::Done);
    assert!(report.starts_with("/games.csv (elsewhere)"), "{report}");
    let mut missing = args(&[&file]);
    missing.mapping = Some(PathBuf::from("/no/such/mapping.toml"));
    let problem = world.run(missing).await.unwrap_err();
    assert!(problem.to_string().contains("cannot be read"));
}

#[tokio::test]
async fn the_users_own_tables_lie_beside_the_configuration() {
    let world = World::new().await;
    world.write(
        "config/aliases.csv",
        "sport,country,source,name,team\nfootball,GB-ENG,,Luton,Hatters\n",
    );
    let file = world.write("E0.csv", &format!("{HEADER}\n{GOOD}\n"));
    let (_, report) = world.import(&file).await;
    assert!(report.contains("Luton (E0), now Hatters"), "{report}");
    world.write("config/competitions.toml", "nonsense");
    let problem = world.run(args(&[&file])).await.unwrap_err();
    assert!(
        problem
            .to_string()
            .contains("the extra table of competitions"),
        "{problem}"
    );
}

#[tokio::test]
async fn strict_names_make_no_teams() {
    let world = World::new().await;
    let file = world.write("E0.csv", &format!("{HEADER}\n{GOOD}\n"));
    let mut strict = args(&[&file]);
    strict.strict_names = true;
    let (status, report) = world.run(strict).await.unwrap();
    assert_eq!(status, ImportStatus::RowsRejected);
    assert!(
        report.contains("HomeTeam: no team is known as \"Arsenal\""),
        "{report}"
    );
}

/// Answers in turn; each request's head decides nothing but whether it is conditional.
fn serve(answers: Vec<(&'static str, String)>) -> (String, std::thread::JoinHandle<Vec<bool>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/E0.csv", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let mut conditional = Vec::new();
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = false;
            for line in BufReader::new(&stream).lines().map_while(Result::ok) {
                asked |= line.to_lowercase().starts_with("if-none-match");
                if line.is_empty() {
                    break;
                }
            }
            conditional.push(asked);
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status}\r\nconnection: close\r\netag: \"v1\"\r\ncontent-length: \
                 {length}\r\n\r\n{body}"
            )
            .unwrap();
        }
        conditional
    });
    (url, thread)
}

#[tokio::test]
async fn a_url_is_remembered_only_once_it_was_imported() {
    let world = World::new().await;
    let file = format!("{HEADER}\n{GOOD}\n");
    let (url, server) = serve(vec![
        ("200 OK", "<html>soon</html>".to_owned()),
        ("200 OK", file.clone()),
        ("304 Not Modified", String::new()),
        ("200 OK", file),
        ("404 Not Found", String::new()),
    ]);
    assert_eq!(world.import(&url).await.0, ImportStatus::Refused);
    assert_eq!(world.import(&url).await.0, ImportStatus::Done);
    let (status, report) = world.import(&url).await;
    assert_eq!(status, ImportStatus::Done);
    assert_eq!(
        report,
        format!("{url}: not changed since it was fetched last\n")
    );
    let mut forced = args(&[&url]);
    forced.force = true;
    assert_eq!(world.run(forced).await.unwrap().0, ImportStatus::Done);
    let (status, report) = world.import(&url).await;
    assert_eq!(status, ImportStatus::Refused);
    assert!(
        report.contains("the source answers 404 Not Found"),
        "{report}"
    );
    assert_eq!(server.join().unwrap(), [false, false, true, false, true]);
}

#[tokio::test]
async fn what_cannot_be_found_fails_before_anything_is_read() {
    let world = World::new().await;
    assert!(world.run(args(&["/no/such/file.csv"])).await.is_err());
    assert!(!Path::new("/no/such").exists());
}

#[test]
fn sources_are_named_as_documented() {
    assert_eq!(parse_source("football-data"), Ok(Connector::FootballData));
    assert!(
        parse_source("tea-leaves")
            .unwrap_err()
            .contains("openfootball")
    );
}

#[test]
fn chance_lies_between_zero_and_one() {
    assert!(
        (0..1000)
            .map(|_| chance())
            .all(|it| (0.0..=1.0).contains(&it))
    );
}
