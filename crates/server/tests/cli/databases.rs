use testkit::PostgresDatabase;

use crate::home::Home;

const URL: &str = "SPORTS_EDGE_DATABASE__URL";

#[test]
fn a_database_is_looked_at_backed_up_and_restored() {
    let home = Home::new();
    let nothing = home.run(&["db", "status"]);
    assert_eq!(nothing.code, 1, "{nothing:?}");
    assert!(
        nothing.err.contains("there is no database at"),
        "{nothing:?}"
    );
    let made = home.run(&["db", "migrate"]);
    assert_eq!(made.code, 0, "{made:?}");
    assert!(made.out.contains("is new, with schema"), "{made:?}");
    home.import();
    let again = home.run(&["db", "migrate"]);
    assert!(again.out.contains("already"), "{again:?}");
    let status = home.run(&["db", "status"]);
    assert_eq!(status.code, 0, "{status:?}");
    for word in [
        "sports-edge.db",
        "as this program's",
        "kickoffs  2023-09-05",
        "fixtures",
        "rows",
    ] {
        assert!(status.out.contains(word), "{word}: {}", status.out);
    }

    let saved = home.run(&["db", "backup", "saved"]);
    assert_eq!(saved.code, 0, "{saved:?}");
    assert!(saved.out.contains("tables with"), "{saved:?}");
    let twice = home.run(&["db", "backup", "saved"]);
    assert_eq!(twice.code, 1);
    assert!(
        twice
            .err
            .contains("saved is not empty; nothing was written"),
        "{twice:?}"
    );
    let over = home.run(&["db", "restore", "saved"]);
    assert_eq!(over.code, 1);
    assert!(over.err.contains("is not empty"), "{over:?}");
    let elsewhere = home.run(&["db", "restore", "saved", "--data-dir", "new/place"]);
    assert_eq!(elsewhere.code, 0, "{elsewhere:?}");
    assert!(elsewhere.out.contains("verified"), "{elsewhere:?}");
    let restored = home.run(&["db", "status", "--data-dir", "new/place"]);
    assert_eq!(rows(&restored.out), rows(&status.out));
}

#[test]
fn a_database_moves_to_postgresql_and_back() {
    let Some(database) = PostgresDatabase::empty() else {
        return;
    };
    let home = Home::new();
    home.import();
    let url = database.url();
    let empty = home.run_with(&["db", "status"], &[(URL, &url)]);
    assert!(empty.out.contains("the database is empty"), "{empty:?}");
    let copied = home.run(&["db", "copy", "--to", &url]);
    assert_eq!(copied.code, 0, "{copied:?}");
    assert!(copied.out.contains("verified"), "{copied:?}");
    assert!(copied.err.contains("verify"), "progress: {}", copied.err);
    let file = home.run(&["db", "status"]);
    let server = home.run_with(&["db", "status"], &[(URL, &url)]);
    assert_eq!(rows(&server.out), rows(&file.out));
    let again = home.run(&["db", "copy", "--to", &url]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("is not empty"), "{again:?}");
    let back = home.run(&["db", "copy", "--from", &url, "--to", "back/copy.db"]);
    assert_eq!(back.code, 0, "{back:?}");
    let back = home.run_with(&["db", "status"], &[(URL, "back/copy.db")]);
    assert_eq!(rows(&back.out), rows(&file.out));
    let old = "UPDATE sports_edge SET schema = 0";
    database.sql(old);
    let old = home.run_with(&["db", "status"], &[(URL, &url)]);
    assert_eq!(old.code, 3, "{old:?}");
}

/// Names and rows of the tables that both kinds of database have.
fn rows(status: &str) -> Vec<(String, String)> {
    let (_, tables) = status.split_once("\ntable").unwrap();
    let lines = tables.lines().skip(1);
    let words = lines.map(|it| it.split_whitespace().map(str::to_owned));
    let rows = words.map(|mut it| (it.next().unwrap(), it.next().unwrap()));
    rows.filter(|(name, _)| !["meta", "sports_edge"].contains(&name.as_str()))
        .collect()
}
