use std::{
    fs,
    net::TcpListener,
    process::{Command, Stdio},
};

use crate::home::Home;

#[test]
fn help_tells_every_verb_the_way_in_and_the_exit_codes() {
    let help = Home::new().run(&["--help"]);
    assert_eq!(help.code, 0);
    for word in [
        "serve",
        "import",
        "train",
        "backtest",
        "key",
        "config",
        "doctor",
        "Exit codes",
        "SPORTS_EDGE_",
    ] {
        assert!(help.out.contains(word), "{word}");
    }
    for verb in [
        "serve", "import", "train", "backtest", "predict", "key", "config", "db", "doctor",
    ] {
        let help = Home::new().run(&[verb, "--help"]);
        assert!(help.code == 0 && help.out.contains("Usage"), "{verb}");
    }
    assert_eq!(Home::new().run(&["fly"]).code, 2);
    assert_eq!(Home::new().run(&[]).code, 2);
}

#[test]
fn config_prints_what_is_in_force_and_from_where() {
    let home = Home::new();
    fs::write(home.path("sports-edge.toml"), "[log]\nlevel = 'debug'").unwrap();
    let environment = [
        ("SPORTS_EDGE_LISTEN", "127.0.0.1:9"),
        ("SPORTS_EDGE_LISTN", "127.0.0.1:9"),
    ];
    let config = home.run_with(&["config", "--data-dir", "/elsewhere"], &environment);
    assert_eq!(config.code, 0, "{config:?}");
    for (setting, source) in [
        (
            "listen = \"127.0.0.1:9\"",
            "# environment SPORTS_EDGE_LISTEN",
        ),
        ("data_dir = \"/elsewhere\"", "# flag --data-dir"),
        ("log.level = \"debug\"", "# file "),
        ("reads_public = false", "# default"),
    ] {
        let line = config.out.lines().find(|it| it.starts_with(setting));
        assert!(
            line.is_some_and(|it| it.contains(source)),
            "{setting}: {}",
            config.out
        );
    }
    assert!(
        config
            .out
            .contains("SPORTS_EDGE_LISTN in the environment names no setting")
    );
    let defaults = home.run(&["config", "--defaults"]).out;
    assert_eq!(defaults, include_str!("../../config.default.toml"));
}

#[test]
fn a_wrong_setting_ends_with_its_name_and_source() {
    let ended = Home::new().run_with(&["config"], &[("SPORTS_EDGE_LISTEN", "nowhere")]);
    assert_eq!(ended.code, 2);
    assert!(
        ended
            .err
            .contains("listen (environment SPORTS_EDGE_LISTEN)"),
        "{ended:?}"
    );
    let ended = Home::new().run_with(&["doctor"], &[("SPORTS_EDGE_LOG__LEVEL", "a=b=c")]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("log.level"), "{ended:?}");
}

#[test]
fn a_mistyped_database_is_refused_without_its_password_and_makes_no_file() {
    let home = Home::new();
    for url in [
        "mysql://me:secret-word@host/name",
        "postgress://me:secret-word@host/name",
    ] {
        for args in [
            &["key", "list"][..],
            &["config"],
            &["db", "copy", "--to", url],
        ] {
            let ended = match args.last() {
                Some(last) if *last == url => home.run(args),
                _ => home.run_with(args, &[("SPORTS_EDGE_DATABASE__URL", url)]),
            };
            assert_eq!(ended.code, 2, "{ended:?}");
            assert!(
                ended.err.contains("is no URL of a PostgreSQL database"),
                "{ended:?}"
            );
            assert!(!ended.err.contains("secret-word"), "{ended:?}");
        }
    }
    assert_eq!(fs::read_dir(home.path("")).unwrap().count(), 0);
    let shown = home.run_with(
        &["config"],
        &[(
            "SPORTS_EDGE_DATABASE__URL",
            " Postgres://me:secret-word@host/name ",
        )],
    );
    assert!(
        shown.out.contains("\"postgres://me@host/name\""),
        "{shown:?}"
    );
}

#[test]
fn openapi_prints_the_document() {
    let printed = Home::new().run(&["openapi"]);
    assert_eq!((printed.code, printed.out), (0, api::openapi_json()));
}

#[test]
fn doctor_says_what_to_fix_until_there_is_nothing_left() {
    let home = Home::new();
    let listen = [("SPORTS_EDGE_LISTEN", "127.0.0.1:0")];
    let empty = home.run_with(&["doctor"], &listen);
    assert_eq!(empty.code, 3, "{empty:?}");
    assert!(empty.out.contains("there is no database") && empty.out.contains("sports-edge import"));
    for verb in [
        &["key", "list"][..],
        &["train"],
        &["predict", "1"],
        &["backtest"],
    ] {
        let ended = home.run(verb);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(ended.err.contains("there is no database at"), "{ended:?}");
    }
    assert_eq!(home.run(&["db", "migrate"]).code, 0);
    let bare = home.run_with(&["doctor"], &listen);
    assert!(
        bare.out.contains("the database has no fixtures"),
        "{bare:?}"
    );
    home.import();
    let untrained = home.run_with(&["doctor"], &listen);
    assert_eq!(untrained.code, 3);
    assert!(
        untrained.out.contains("ok   the database is sound"),
        "{untrained:?}"
    );
    assert!(
        untrained.out.contains("run `sports-edge train`"),
        "{untrained:?}"
    );
}

#[test]
fn doctor_finds_a_foreign_file_a_taken_port_and_a_mistyped_variable() {
    let home = Home::new();
    fs::create_dir_all(home.path("data")).unwrap();
    fs::write(
        home.path("data/sports-edge.db"),
        "not a database, though long enough",
    )
    .unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let environment = [
        ("SPORTS_EDGE_DATA_DIR", "data"),
        ("SPORTS_EDGE_LISTEN", address.as_str()),
        ("SPORTS_EDGE_LISEN", "x"),
    ];
    let found = home.run_with(&["doctor"], &environment);
    assert_eq!(found.code, 3);
    for words in [
        "cannot be opened",
        "is taken by another program",
        "SPORTS_EDGE_LISEN",
    ] {
        assert!(found.out.contains(words), "{words}: {}", found.out);
    }
    let environment = [("SPORTS_EDGE_LISTEN", "203.0.113.1:80")];
    let found = home.run_with(&["doctor"], &environment);
    assert!(
        found.out.contains("203.0.113.1:80 cannot be listened on"),
        "{found:?}"
    );
}

#[test]
fn from_import_over_training_to_a_prediction_and_a_backtest() {
    let home = Home::new();
    home.import();
    let unknown = home.run(&["backtest", "--competition", "E0,XX"]);
    assert_eq!(unknown.code, 1);
    assert!(
        unknown.err.contains("competition XX is not known"),
        "{unknown:?}"
    );
    assert_eq!(home.run(&["backtest", "--competition", "a b"]).code, 2);
    assert_eq!(home.run(&["backtest", "--from", "yesterday"]).code, 2);
    let early = home.run(&["predict", "1"]);
    assert!(
        early.code == 1 && early.err.contains("sports-edge train"),
        "{early:?}"
    );
    let trained = home.run(&["train"]);
    assert_eq!(trained.code, 0, "{trained:?}");
    assert!(trained.out.starts_with("trained version "), "{trained:?}");
    let lines = trained
        .err
        .lines()
        .filter(|it| it.contains("progress stage="));
    assert!(lines.count() > 1, "{trained:?}");
    let predicted = home.run(&["predict", "20"]);
    assert_eq!(predicted.code, 0, "{predicted:?}");
    assert!(predicted.out.contains("\nh2h\n  home "), "{predicted:?}");
    let page = home.path("report.html");
    let backtest = home.run(&[
        "backtest",
        "--competition",
        "E0",
        "--json",
        "--html",
        page.to_str().unwrap(),
    ]);
    assert_eq!(backtest.code, 0, "{backtest:?}");
    let report: serde_json::Value = serde_json::from_str(&backtest.out).unwrap();
    assert!(report.is_object());
    assert!(fs::read_to_string(page).unwrap().contains("<html"));
    let table = home.run(&["backtest", "--from", "2023-10-01", "--until", "2023-12-01"]);
    assert!(table.code == 0 && !table.out.is_empty(), "{table:?}");
}

#[test]
fn what_cannot_be_meant_ends_with_two_and_says_what_can() {
    let home = Home::new();
    fs::write(home.path("E0.csv"), "").unwrap();
    fs::write(home.path("wrong.toml"), "[fixture]\nhom = 'h'").unwrap();
    for (args, words) in [
        (
            &["backtest", "--from", "2024-01-01", "--until", "2023-01-01"][..],
            "--until must be a later day than --from",
        ),
        (
            &["predict", "1", "--as-of", "yesterday"],
            "such as 2024-05-19T14:00:00Z",
        ),
        (&["import", "nothing.csv"], "nothing.csv cannot be opened"),
        (
            &["import", "E0.csv", "--mapping", "nothing.toml"],
            "mapping nothing.toml cannot be read",
        ),
        (
            &["import", "E0.csv", "--mapping", "wrong.toml"],
            "wrong.toml",
        ),
        (
            &[
                "live",
                "poll",
                "http://127.0.0.1:1/",
                "--mapping",
                "nothing.toml",
            ],
            "the mapping nothing.toml cannot be read",
        ),
        (
            &[
                "live",
                "poll",
                "http://127.0.0.1:1/",
                "--mapping",
                "wrong.toml",
            ],
            "the mapping wrong.toml is wrong",
        ),
    ] {
        let ended = home.run(args);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.err.contains(words), "{ended:?}");
    }
    let trained = home.run(&["train"]);
    assert_eq!(trained.code, 1, "{trained:?}");
    assert!(trained.err.contains("import games first"), "{trained:?}");
}

#[test]
fn a_data_folder_that_cannot_be_made_is_named() {
    let home = Home::new();
    fs::write(home.path("file"), "").unwrap();
    let create = ["key", "create", "--name", "k", "--scope", "read"];
    let ended = home.run(&[&create[..], &["--data-dir", "file/data"]].concat());
    assert_eq!(ended.code, 1);
    assert!(
        ended.err.contains("data_dir file/data cannot be made"),
        "{ended:?}"
    );
}

#[test]
fn an_import_that_is_stopped_says_how_far_it_came_and_what_completes_it() {
    let home = Home::new();
    home.import();
    // A server that takes the question and never answers.
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/E1.csv", server.local_addr().unwrap());
    for name in ["TERM", "INT"] {
        let file = home.path("E0.csv");
        let rows = fs::read_to_string(&file).unwrap().lines().count() - 1;
        let mut command = home.command(&["import", file.to_str().unwrap(), &url]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = child.spawn().unwrap();
        let _asked = server.accept().unwrap();
        let id = child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        let words = format!("stopped by a signal; {rows} rows are done");
        assert!(
            said.contains(&words) && said.contains("completes it"),
            "{said}"
        );
    }
}

#[test]
fn what_is_piped_in_is_imported() {
    let home = Home::new();
    let file = home.path("E0.csv");
    let text = "Div,Date,HomeTeam,AwayTeam,FTHG,FTAG\nE0,05/08/2023,Arsenal,Chelsea,2,1\n";
    std::fs::write(&file, text).unwrap();
    let mut command = home.command(&["import", "-", "--json"]);
    command.stdin(std::fs::File::open(&file).unwrap());
    let ended = command.output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let told: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(told["files"][0]["location"], "standard input", "{told}");
    assert_eq!(told["files"][0]["fixtures_added"], 1, "{told}");
    let nothing = home.run(&["import", "-"]);
    assert_eq!(nothing.code, 2, "{nothing:?}");
}

#[test]
fn a_file_of_authorities_that_is_not_there_is_named() {
    let url = "postgres://u@127.0.0.1:1/db?sslmode=verify-full&sslrootcert=/nowhere/ca.pem";
    let ended = Home::new().run_with(&["db", "status"], &[("SPORTS_EDGE_DATABASE__URL", url)]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.err.contains("file /nowhere/ca.pem cannot be read"),
        "{ended:?}"
    );
}
