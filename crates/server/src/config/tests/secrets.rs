//! What is said of settings that may hold a password, where something is wrong with them.

use super::*;

/// What is said, which must not hold what stands there.
fn said(inputs: &Inputs) -> String {
    let error = Config::load(inputs).unwrap_err();
    let all = format!("{} {error:?}", engine::chain(&error));
    assert!(!all.contains("SECRET"), "{all}");
    engine::chain(&error)
}

#[test]
fn what_is_no_toml_is_told_by_its_place_and_without_its_line() {
    for (text, expected) in [
        (
            "[database]\nurl = \"postgres://edge:SECRET@h/db\nreplicas = []",
            "is not TOML: line 2, column ",
        ),
        (
            "[database]\n# ü\nurl = postgres://edge:SECRET@h/db",
            "is not TOML: line 3, column ",
        ),
        ("listen =", "is not TOML: line 1, column "),
    ] {
        let (inputs, folder) = inputs(&[("sports-edge.toml", text)]);
        let said = said(&inputs);
        let file = folder.path().join("sports-edge.toml");
        let named = format!("settings file {} {expected}", file.display());
        assert!(said.starts_with(&named), "{said}");
    }
    assert_eq!(place("a\nüb", 4), (2, 2));
    assert_eq!(place("", 9), (1, 1));
}

#[test]
fn a_url_that_is_written_wrongly_is_not_shown() {
    for (name, value, expected) in [
        (
            "DATABASE__URL",
            "postgres//u:SECRET@h/db",
            "looks like the address of a server",
        ),
        (
            "DATABASE__URL",
            "/u:SECRET@h/db",
            "looks like the address of a server",
        ),
        (
            "DATABASE__REPLICAS",
            "postgres//u:SECRET@h/db",
            "looks like the address of a server",
        ),
    ] {
        let (mut inputs, _folder) = inputs(&[]);
        set(&mut inputs, &format!("SPORTS_EDGE_{name}"), value);
        let said = said(&inputs);
        assert!(said.contains(expected), "{said}");
    }
    let text = "[database]\nreplicas = 'postgres://u:SECRET@h/db'";
    let (inputs, _folder) = inputs(&[("sports-edge.toml", text)]);
    let said = said(&inputs);
    assert!(said.starts_with("database.replicas (file "), "{said}");
    assert!(said.ends_with("its value is not a sequence"), "{said}");
}

#[test]
fn what_a_file_of_a_secret_holds_is_not_shown_where_it_is_wrong() {
    for (name, expected) in [
        ("LISTEN", "no value that it can have"),
        ("LOG__FORMAT", "no value that it can have"),
        ("REDIS__PREFIX", "no value that it can have"),
        ("READS_PUBLIC", "is not true or false"),
        ("LIMITS__BODY_BYTES_MAX", "is not a whole number"),
    ] {
        let (mut inputs, _folder) = inputs(&[("secret", "the SECRET\n")]);
        set(&mut inputs, &format!("SPORTS_EDGE_{name}_FILE"), "secret");
        let said = said(&inputs);
        let of_variable = format!("(environment SPORTS_EDGE_{name}_FILE): what the file holds is");
        assert!(
            said.contains(&of_variable) && said.ends_with(expected),
            "{said}"
        );
    }
    let (mut inputs, _folder) = inputs(&[("url", "postgres://u:SECRET@h:1:2/db")]);
    set(&mut inputs, "SPORTS_EDGE_DATABASE__URL_FILE", "url");
    let said = said(&inputs);
    assert!(said.contains("has a port that is no number"), "{said}");
}

#[test]
fn a_file_of_a_secret_that_is_empty_is_refused() {
    for variable in ["DATABASE__URL_FILE", "REDIS__URL_FILE", "KEY_FILE"] {
        let (mut inputs, folder) = inputs(&[("empty", " \n")]);
        let name = format!("SPORTS_EDGE_{variable}");
        set(&mut inputs, &name, "empty");
        let path = folder.path().join("empty");
        let named = format!("{name}: file {} is empty; ", path.display());
        let said = said(&inputs);
        assert!(said.starts_with(&named), "{said}");
    }
}
