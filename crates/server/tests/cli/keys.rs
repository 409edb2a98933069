use crate::home::Home;

#[test]
fn a_key_is_shown_once_listed_by_its_prefix_and_revoked() {
    let home = Home::new();
    let made = home.run(&["key", "create", "--name", "feed", "--scope", "read,write"]);
    assert_eq!(made.code, 0, "{made:?}");
    let key = made.out.lines().next().unwrap();
    assert!(key.starts_with("se_") && key.len() == 48, "{key}");
    let prefix = &key[3..11];
    let listed = home.run(&["key", "list"]).out;
    assert!(
        listed.starts_with(prefix) && !listed.contains(&key[12..]),
        "{listed}"
    );
    assert!(
        listed.contains("read,write") && listed.contains("never used"),
        "{listed}"
    );
    assert_eq!(home.run(&["key", "revoke", prefix]).code, 0);
    assert!(home.run(&["key", "list"]).out.contains("revoked 2"));
    let again = home.run(&["key", "revoke", prefix]);
    assert_eq!(again.code, 0, "{again:?}");
    let words = format!("{prefix} is revoked already, since 2");
    assert!(again.out.contains(&words), "{again:?}");
    let unknown = home.run(&["key", "revoke", "nokey000"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.err.contains("key list"), "{unknown:?}");
}

#[test]
fn a_key_needs_a_name() {
    for name in ["", "  "] {
        let refused = Home::new().run(&["key", "create", "--name", name, "--scope", "read"]);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.err.contains("a name has letters"), "{refused:?}");
    }
}

#[test]
fn a_scope_nobody_knows_is_refused() {
    let refused = Home::new().run(&["key", "create", "--name", "x", "--scope", "everything"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.err.contains("read, write, models, admin"),
        "{refused:?}"
    );
}
