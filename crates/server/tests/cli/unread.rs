//! Commands whose output nobody reads, such as those before `| head`.

use std::process::Stdio;

use crate::home::Home;

/// The end of a pipe whose other end is closed.
fn unread() -> Stdio {
    let (_, writer) = std::io::pipe().unwrap();
    writer.into()
}

#[test]
fn what_nobody_reads_ends_no_command_and_changes_no_exit_code() {
    let home = Home::new();
    home.import();
    let file = home.path("E0.csv");
    for args in [
        &["config"][..],
        &["config", "--defaults"],
        &["openapi"],
        &["doctor"],
        &["db", "status"],
        &["db", "migrate"],
        &["key", "create", "--name", "me", "--scope", "read"],
        &["key", "list"],
        &["import", file.to_str().unwrap()],
        &["import", "--json", file.to_str().unwrap()],
        &["train"],
        &["predict", "20"],
        &["backtest"],
        &["--help"],
    ] {
        let read = home.run(args);
        let mut command = home.command(args);
        let ended = command.stdout(unread()).output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(read.code), "{args:?}: {said}");
        assert!(!said.contains("panicked"), "{args:?}: {said}");
        let both = home
            .command(args)
            .stdout(unread())
            .stderr(unread())
            .status();
        assert_eq!(both.unwrap().code(), Some(read.code), "{args:?}");
    }
    let keys = home.run(&["key", "list"]);
    assert_eq!(keys.out.lines().count(), 3, "they were made: {keys:?}");
    let saved = home
        .command(&["db", "backup", "saved"])
        .stdout(unread())
        .status();
    assert!(saved.unwrap().success() && home.path("saved").exists());
    let wrong = home
        .command(&["predict", "12345"])
        .stderr(unread())
        .status();
    assert_eq!(wrong.unwrap().code(), Some(1));
}
