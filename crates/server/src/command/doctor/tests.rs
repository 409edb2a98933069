use super::*;

/// Whether something is to be fixed, and what is said.
fn said(finding: &Finding) -> (bool, &str) {
    match finding {
        Finding::Fine(what) => (false, what),
        Finding::Fix(what, _) => (true, what),
    }
}

fn file() -> Place {
    Place::File("x.db".into())
}

fn server() -> Place {
    Place::Server("postgres://h/db".to_owned())
}

#[test]
fn a_folder_that_is_a_file_is_to_be_fixed() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let finding = folder(file.path());
    assert!(said(&finding).0, "{finding:?}");
    assert!(
        said(&finding).1.contains("cannot be written"),
        "{finding:?}"
    );
    let good = tempfile::tempdir().unwrap();
    assert!(!said(&folder(good.path())).0);
    assert_eq!(
        fs::read_dir(good.path()).unwrap().count(),
        0,
        "the probe is gone"
    );
}

#[test]
fn a_disk_that_is_nearly_full_or_not_there_is_to_be_fixed() {
    assert_eq!(said(&disk_space(1 << 30)), (false, "1024 MiB are free"));
    assert_eq!(
        said(&disk_space(100 << 20)),
        (true, "only 100 MiB are free")
    );
    assert!(said(&disk(Path::new("/no/such/place"))).0);
}

#[test]
fn a_damaged_database_is_to_be_fixed() {
    let place = file();
    assert!(!said(&integrity(Ok(Vec::new()), &place)).0);
    let faults = || Ok(vec!["page 3".to_owned(), "page 4".to_owned()]);
    let damaged = integrity(faults(), &place);
    assert_eq!(
        said(&damaged),
        (true, "the database is damaged: page 3; page 4")
    );
    let unread = integrity(Err(StoreError::NotOurs("x.db".to_owned())), &place);
    assert!(said(&unread).1.contains("x.db"), "{unread:?}");
    for found in [
        integrity(faults(), &server()),
        integrity(Err(StoreError::Follows), &server()),
        unreadable("models", &EngineError::Worker, &server()),
    ] {
        let Finding::Fix(_, remedy) = &found else {
            panic!("{found:?}");
        };
        assert!(!remedy.contains("file"), "{remedy}");
    }
}

#[test]
fn a_schema_that_is_not_the_programs_is_named_with_what_brings_it_up_to_date() {
    for (found, words) in [
        (None, "the database is empty"),
        (Some(1), "has schema 1 and this release works on 2"),
        (Some(3), "has schema 3, newer than 2"),
    ] {
        let finding = schema(found, 2);
        let (is_to_fix, what) = said(&finding);
        assert!(is_to_fix && what.contains(words), "{finding:?}");
    }
}

#[test]
fn a_missing_or_old_model_is_to_be_trained() {
    let now: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    let trained = |at: &str| Some(("v1".to_owned(), at.parse().unwrap()));
    assert!(said(&model(None, now)).0);
    assert!(!said(&model(trained("2026-02-20T00:00:00Z"), now)).0);
    let old = model(trained("2026-02-01T00:00:00Z"), now);
    assert_eq!(said(&old), (true, "model v1 is 28 days old"));
}

#[test]
fn a_clock_from_the_past_is_to_be_set() {
    assert!(said(&clock("1970-01-01T00:00:00Z".parse().unwrap())).0);
    assert!(!said(&clock("2026-03-01T00:00:00Z".parse().unwrap())).0);
}

#[test]
fn what_cannot_be_read_says_so() {
    let finding = unreadable("models", &EngineError::Worker, &file());
    assert_eq!(
        said(&finding),
        (true, "models cannot be read: a worker was lost")
    );
}

#[test]
fn a_database_that_all_users_may_read_is_pointed_out() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let found = |mode| {
        fs::set_permissions(file.path(), PermissionsExt::from_mode(mode)).unwrap();
        open_to_all(file.path())
    };
    assert!(found(0o600).is_none() && found(0o640).is_none());
    let Some(Finding::Fix(what, remedy)) = found(0o644) else {
        panic!("all may read it");
    };
    assert!(what.ends_with("(mode 644)"), "{what}");
    assert!(remedy.contains("chmod o-rwx /"), "{remedy}");
}
