//! Settings as commands take them from the environment.

use crate::home::Home;

#[test]
fn a_variable_that_names_no_setting_is_named_by_every_command() {
    let home = Home::new();
    let misspelt = [("SPORTS_EDGE_DATABSE__URL", "postgres://u@host/db")];
    for args in [&["db", "migrate"][..], &["key", "list"], &["import", "."]] {
        let ended = home.run_with(args, &misspelt);
        assert!(
            ended.err.contains("names no setting") && ended.err.contains(misspelt[0].0),
            "{args:?}: {ended:?}"
        );
    }
    let ended = home.run_with(&["openapi"], &misspelt);
    assert_eq!(ended.err, "");
}
