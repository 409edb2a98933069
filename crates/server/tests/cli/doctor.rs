//! What `doctor` says of what a server has beside its database.

use std::{fs, net::TcpListener};

use testkit::{PostgresDatabase, Redis};

use crate::{home::Home, serve::Server};

const URL: &str = "SPORTS_EDGE_DATABASE__URL";
const LISTEN: (&str, &str) = ("SPORTS_EDGE_LISTEN", "127.0.0.1:0");

/// What `doctor` says under an environment, where something is to be fixed.
fn faulty(home: &Home, environment: &[(&str, &str)]) -> String {
    let environment: Vec<_> = [LISTEN].iter().chain(environment).copied().collect();
    let ended = home.run_with(&["doctor"], &environment);
    assert_eq!(ended.code, 3, "{ended:?}");
    ended.out
}

#[test]
fn doctor_looks_at_redis_as_a_server_would() {
    let home = Home::new();
    let url = |it: &str| format!("redis://{it}/");
    let absent = url(":secret-word@127.0.0.1:1");
    let found = faulty(&home, &[("SPORTS_EDGE_REDIS__URL", &absent)]);
    assert!(
        found.contains("FIX  Redis at redis://…@127.0.0.1:1/"),
        "{found}"
    );
    let unreadable = [
        ("SPORTS_EDGE_REDIS__URL", "rediss://127.0.0.1:1/"),
        ("SPORTS_EDGE_REDIS__ROOT_CERTIFICATES", "/nowhere.pem"),
    ];
    let found = faulty(&home, &unreadable);
    assert!(
        found.contains("FIX  redis.root_certificates: /nowhere.pem"),
        "{found}"
    );
    let Some(redis) = Redis::start() else {
        return;
    };
    let patience = ("SPORTS_EDGE_REDIS__CONNECT_MS_MAX", "10000");
    let right = url(&redis.address());
    let found = faulty(&home, &[("SPORTS_EDGE_REDIS__URL", &right), patience]);
    assert!(found.contains("ok   Redis answers at"), "{found}");
    redis.run(&[
        "ACL",
        "SETUSER",
        "edge",
        "on",
        ">right-word",
        "+@all",
        "~*",
        "&*",
    ]);
    let wrong = url(&format!("edge:wrong-word@{}", redis.address()));
    let found = faulty(&home, &[("SPORTS_EDGE_REDIS__URL", &wrong), patience]);
    assert!(
        found.contains("FIX  Redis at") && !found.contains("-word"),
        "{found}"
    );
    look_with_rights(&home, &redis, patience);
    let keys = format!("{:?}", redis.run(&["DBSIZE"]));
    assert_eq!(keys, "Number(0)", "nothing is left there");
}

/// What is said of users that get in and have some of the rights, and of one that has those of the guide.
fn look_with_rights(home: &Home, redis: &Redis, patience: (&str, &str)) {
    let url = |name: &str| format!("redis://{name}:a-word@{}/", redis.address());
    let make = |name: &str, rights: &[&str]| {
        let user = ["ACL", "SETUSER", name, "on", ">a-word"];
        redis.run(&[&user[..], rights].concat());
    };
    make("keyless", &["+@all", "~other:*", "&*"]);
    make("mute", &["+@all", "~{sports-edge}:*", "&other:*"]);
    for name in ["keyless", "mute"] {
        let environment = [("SPORTS_EDGE_REDIS__URL", &*url(name)), patience];
        let found = faulty(home, &environment);
        assert!(
            found.contains("FIX  Redis at") && found.contains("permission"),
            "{name}: {found}"
        );
    }
    let guide = include_str!("../../../../docs/OPERATING.md");
    let rights = guide.split("ACL SETUSER edge on '>a-password' ").nth(1);
    let rights = rights.and_then(|it| it.split('`').next()).unwrap();
    let rights: Vec<_> = rights.split(' ').map(|it| it.trim_matches('\'')).collect();
    make("documented", &rights);
    let environment = [("SPORTS_EDGE_REDIS__URL", &*url("documented")), patience];
    let found = faulty(home, &environment);
    assert!(found.contains("ok   Redis answers at"), "{found}");
}

#[test]
fn doctor_looks_at_other_addresses_and_at_the_folder_of_models() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let file = home.path("models");
    fs::write(&file, "").unwrap();
    let environment = [
        ("SPORTS_EDGE_GRPC_LISTEN", address.as_str()),
        ("SPORTS_EDGE_METRICS_LISTEN", "203.0.113.1:80"),
        ("SPORTS_EDGE_MODELS__FOLDER", file.to_str().unwrap()),
    ];
    let found = faulty(&home, &environment);
    for words in [
        &format!("FIX  {address} is taken by another program\n     → stop it, or set grpc_listen"),
        "FIX  203.0.113.1:80 cannot be listened on",
        &format!("FIX  models in {} cannot be read", file.display()),
    ] {
        assert!(found.contains(words), "{words}: {found}");
    }
    drop(taken);
    let server = Server::start(&home, &environment[..1]);
    server.until_ready();
    let environment = [
        ("SPORTS_EDGE_LISTEN", server.address.as_str()),
        environment[0],
    ];
    let found = home.run_with(&["doctor"], &environment).out;
    let words = format!("ok   {address} is taken for grpc_listen, as a server runs");
    assert!(found.contains(&words), "{found}");
}

#[test]
fn doctor_names_versions_that_do_not_load_and_what_is_no_model() {
    let home = Home::new();
    let folder = home.path("models");
    for (path, file) in [
        ("broken/1", "model.txt"),
        ("flat", "model.txt"),
        ("a b/1", "x"),
    ] {
        fs::create_dir_all(folder.join(path)).unwrap();
        fs::write(folder.join(path).join(file), "tree\n").unwrap();
    }
    let environment = [("SPORTS_EDGE_MODELS__FOLDER", folder.to_str().unwrap())];
    let found = faulty(&home, &environment);
    for words in [
        "FIX  model broken, version 1: ",
        "FIX  model flat: model.txt lies beside the folders of versions",
        "FIX  \"a b\" among the models is no name of a model",
    ] {
        assert!(found.contains(words), "{words}: {found}");
    }
    assert!(!found.contains("can be read"), "{found}");
}

#[test]
fn doctor_only_looks_and_says_what_brings_a_database_up_to_date() {
    let home = Home::new();
    let file = home.path("empty.db");
    fs::write(&file, "").unwrap();
    let found = faulty(&home, &[(URL, "empty.db")]);
    let words = "FIX  the database is empty\n     → `sports-edge db migrate`";
    assert!(found.contains(words), "{found}");
    assert_eq!(fs::metadata(&file).unwrap().len(), 0);

    assert_eq!(home.run(&["db", "migrate"]).code, 0);
    let file = home.path(".local/share/sports-edge/sports-edge.db");
    let mut bytes = fs::read(&file).unwrap();
    bytes[60..64].copy_from_slice(&1_u32.to_be_bytes()); // The schema, in SQLite's header.
    fs::write(&file, &bytes).unwrap();
    let found = faulty(&home, &[]);
    let words = "FIX  the database has schema 1 and this release works on ";
    assert!(
        found.contains(words) && found.contains("→ `sports-edge db migrate` or the next start"),
        "{found}"
    );
    assert_eq!(fs::read(&file).unwrap(), bytes);

    let Some(database) = PostgresDatabase::empty() else {
        return;
    };
    let url = database.url();
    let found = faulty(&home, &[(URL, &url)]);
    assert!(found.contains("FIX  the database is empty"), "{found}");
    let tables =
        "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace";
    assert_eq!(database.sql(tables), "0");
}

#[test]
fn doctor_says_that_an_exposed_server_has_no_key() {
    let home = Home::new();
    let exposed = [("SPORTS_EDGE_ALLOWED_HOSTS", "odds.example")];
    let words = "FIX  the server can be reached from other machines by its setting allowed_hosts";
    let found = faulty(&home, &exposed);
    assert!(found.contains(words), "{found}");
    home.import();
    let found = faulty(&home, &exposed);
    assert!(
        found.contains(words) && found.contains("sports-edge key create"),
        "{found}"
    );
    let made = home.run(&["key", "create", "--name", "feed", "--scope", "read"]);
    assert_eq!(made.code, 0, "{made:?}");
    let found = faulty(&home, &exposed);
    assert!(!found.contains("can be reached"), "{found}");
}

#[test]
fn doctor_knows_a_newer_database_and_a_backup() {
    let home = Home::new();
    assert_eq!(home.run(&["db", "migrate"]).code, 0);
    assert_eq!(home.run(&["db", "backup", "saved"]).code, 0);
    let found = faulty(&home, &[("SPORTS_EDGE_DATABASE__URL", "saved")]);
    assert!(
        found.contains("saved is a backup") && found.contains("set database.url to another place"),
        "{found}"
    );
    let file = home.path(".local/share/sports-edge/sports-edge.db");
    let mut bytes = fs::read(&file).unwrap();
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes()); // The schema, in SQLite's header.
    fs::write(&file, bytes).unwrap();
    let found = faulty(&home, &[]);
    assert!(
        found.contains("has schema 99") && found.contains("→ run the newer release"),
        "{found}"
    );
}
