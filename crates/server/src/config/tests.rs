mod secrets;

use std::path::Path;

use super::*;

/// Inputs with a home and the files given, in a folder that goes with the handle returned.
fn inputs(files: &[(&str, &str)]) -> (Inputs, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let home = folder.path().join("home").display().to_string();
    let environment = vec![("HOME".to_owned(), home)];
    let path = folder.path().to_owned();
    (
        Inputs {
            environment,
            folder: path,
            ..Inputs::default()
        },
        folder,
    )
}

fn set(inputs: &mut Inputs, name: &str, value: &str) {
    inputs.environment.push((name.to_owned(), value.to_owned()));
}

fn refusal(inputs: &Inputs) -> String {
    Config::load(inputs).unwrap_err().to_string()
}

#[test]
fn the_defaults_are_the_commented_file() {
    let (inputs, folder) = inputs(&[]);
    let config = Config::load(&inputs).unwrap();
    let settings = config.settings;
    assert_eq!(settings.listen, "127.0.0.1:8080".parse().unwrap());
    let home = folder.path().join("home");
    assert_eq!(settings.data_dir, home.join(".local/share/sports-edge"));
    assert_eq!(
        settings.database(),
        store::Place::File(settings.data_dir.join("sports-edge.db"))
    );
    assert!(!settings.reads_public && settings.allowed_hosts.is_empty());
    assert_eq!(settings.limits.body_bytes_max.get(), 1 << 20);
    assert_eq!(settings.log.format, LogFormat::Auto);
    assert_eq!(
        settings.forecast,
        ForecastSettings {
            kelly_share: 0.25,
            threads: 0
        }
    );
    assert!(
        config
            .origins
            .values()
            .all(|(_, source)| *source == Source::Defaults)
    );
    assert_eq!(
        config.personal_folder,
        Some(home.join(".config/sports-edge"))
    );
}

#[test]
fn a_file_overrides_defaults_the_environment_the_file_and_a_flag_them_all() {
    let text = "listen = '127.0.0.1:1'\ndata_dir = '/file'\n[limits]\nhandler_seconds_max = 3";
    let (mut inputs, folder) = inputs(&[("sports-edge.toml", text)]);
    set(&mut inputs, "SPORTS_EDGE_LISTEN", "127.0.0.1:2");
    set(&mut inputs, "SPORTS_EDGE_DATA_DIR", "/environment");
    inputs.flags = vec![("listen", "--listen", "127.0.0.1:3".to_owned())];
    let config = Config::load(&inputs).unwrap();
    assert_eq!(config.settings.listen.port(), 3);
    assert_eq!(config.settings.data_dir, Path::new("/environment"));
    assert_eq!(config.settings.limits.handler_seconds_max.get(), 3);
    let origin = |key: &str| config.origins[key].1.to_string();
    assert_eq!(origin("listen"), "flag --listen");
    assert_eq!(origin("data_dir"), "environment SPORTS_EDGE_DATA_DIR");
    let file = folder.path().join("sports-edge.toml");
    assert_eq!(
        origin("limits.handler_seconds_max"),
        format!("file {}", file.display())
    );
    assert_eq!(origin("reads_public"), "default");
}

#[test]
fn a_variable_is_read_as_the_kind_of_value_its_setting_has() {
    let (mut inputs, _folder) = inputs(&[]);
    for (name, value) in [
        ("SPORTS_EDGE_READS_PUBLIC", "true"),
        ("SPORTS_EDGE_ALLOWED_HOSTS", "a.example, b.example"),
        ("SPORTS_EDGE_LIMITS__BODY_BYTES_MAX", "2_000"),
        ("SPORTS_EDGE_FORECAST__KELLY_SHARE", "1"),
        ("SPORTS_EDGE_LOG__FORMAT", "json"),
    ] {
        set(&mut inputs, name, value);
    }
    let settings = Config::load(&inputs).unwrap().settings;
    assert!(settings.reads_public && settings.is_exposed());
    assert_eq!(settings.allowed_hosts, ["a.example", "b.example"]);
    assert_eq!(settings.limits.body_bytes_max.get(), 2_000);
    assert_eq!(settings.forecast.kelly_share, 1.0);
    assert_eq!(settings.log.format, LogFormat::Json);
}

#[test]
fn a_wrong_value_is_refused_with_its_setting_and_its_source() {
    for (name, value, expected) in [
        (
            "LISTEN",
            "here",
            "listen (environment SPORTS_EDGE_LISTEN): \"here\" is no address with a port, such as \
             127.0.0.1:8081",
        ),
        (
            "READS_PUBLIC",
            "yes",
            "reads_public (environment SPORTS_EDGE_READS_PUBLIC): \"yes\" is \
                                 not true or false",
        ),
        (
            "LIMITS__DRAIN_SECONDS_MAX",
            "long",
            "limits.drain_seconds_max (environment \
          SPORTS_EDGE_LIMITS__DRAIN_SECONDS_MAX): \"long\" is not a whole number",
        ),
        (
            "FORECAST__KELLY_SHARE",
            "half",
            "forecast.kelly_share (environment \
          SPORTS_EDGE_FORECAST__KELLY_SHARE): \"half\" is not a number",
        ),
        (
            "FORECAST__KELLY_SHARE",
            "2",
            "forecast.kelly_share (environment \
          SPORTS_EDGE_FORECAST__KELLY_SHARE): 2 does not lie between 0 and 1",
        ),
    ] {
        let (mut inputs, _folder) = inputs(&[]);
        set(&mut inputs, &format!("SPORTS_EDGE_{name}"), value);
        assert_eq!(refusal(&inputs), expected);
    }
    let (mut inputs, _folder) = inputs(&[]);
    set(&mut inputs, "SPORTS_EDGE_LIMITS__BODY_BYTES_MAX", "0");
    assert!(refusal(&inputs).starts_with("limits.body_bytes_max (environment SPORTS_EDGE_LIMITS"));
}

#[test]
fn origins_are_written_as_browsers_do_and_all_pages_are_none() {
    let (mut known, _folder) = inputs(&[]);
    let text = "https://Edge.example:443,http://localhost:5173/";
    set(&mut known, "SPORTS_EDGE_ALLOWED_ORIGINS", text);
    let origins = Config::load(&known).unwrap().settings.allowed_origins;
    assert_eq!(origins, ["https://edge.example", "http://localhost:5173"]);
    for wrong in [
        "*",
        "edge.example",
        "https://a.example/app",
        "ftp://a.example",
        "null",
    ] {
        let (mut inputs, _folder) = inputs(&[]);
        set(&mut inputs, "SPORTS_EDGE_ALLOWED_ORIGINS", wrong);
        let refusal = refusal(&inputs);
        let named =
            format!("allowed_origins (environment SPORTS_EDGE_ALLOWED_ORIGINS): \"{wrong}\"");
        assert!(refusal.starts_with(&named), "{refusal}");
    }
}

#[test]
fn a_host_that_is_allowed_is_a_name_or_an_address_alone() {
    let of = |text: &str| {
        let (inputs, _folder) = inputs(&[("sports-edge.toml", text)]);
        Config::load(&inputs).map(|it| it.settings.allowed_hosts)
    };
    let hosts = "['Odds.test', 'odds_1', '192.0.2.7', '2001:db8::7', '[::1]']";
    let known = of(&format!("allowed_hosts = {hosts}")).unwrap();
    let wanted = ["Odds.test", "odds_1", "192.0.2.7", "[2001:db8::7]", "[::1]"];
    assert_eq!(known, wanted);
    for wrong in [
        "https://odds.test/",
        "odds.test:28443",
        "*.test",
        "odds.test ",
        "",
        "odds..test",
        "[odds.test]",
        "ödds.test",
    ] {
        let refusal = of(&format!("allowed_hosts = ['{wrong}']")).unwrap_err();
        let refusal = refusal.to_string();
        let named = format!("{wrong:?} is no host: write its name or address alone");
        assert!(
            refusal.starts_with("allowed_hosts (file ") && refusal.contains(&named),
            "{refusal}"
        );
    }
}

#[test]
fn a_wrong_value_in_a_file_names_the_file() {
    for (text, key) in [
        ("listen = 80", "listen"),
        ("allowed_hosts = ['a', 1]", "allowed_hosts"),
        ("[log]\nformat = 'pretty'", "log.format"),
        ("[forecast]\nthreads = -1", "forecast.threads"),
    ] {
        let (inputs, folder) = inputs(&[("sports-edge.toml", text)]);
        let file = folder.path().join("sports-edge.toml");
        let expected = format!("{key} (file {}): ", file.display());
        let refusal = refusal(&inputs);
        assert!(refusal.starts_with(&expected), "{refusal}");
    }
}

#[test]
fn a_setting_nobody_knows_is_refused_in_a_file_and_noted_in_the_environment() {
    let (inputs_of_file, _folder) = inputs(&[("sports-edge.toml", "[limits]\nbodies = 1")]);
    assert!(refusal(&inputs_of_file).starts_with("limits.bodies (file "));
    let (mut inputs, _folder) = inputs(&[]);
    set(&mut inputs, "SPORTS_EDGE_SERVICE_HOST", "10.0.0.1");
    set(&mut inputs, "SPORTS_EDGE_CONFIG", "");
    let config = Config::load(&inputs).unwrap();
    assert_eq!(config.strangers, ["SPORTS_EDGE_SERVICE_HOST"]);
}

#[test]
fn the_file_is_the_one_named_or_the_nearest() {
    let files = [
        ("named.toml", "listen = '127.0.0.1:1'"),
        ("variable.toml", "listen = '127.0.0.1:2'"),
        ("sports-edge.toml", "listen = '127.0.0.1:3'"),
        (
            "home/.config/sports-edge/sports-edge.toml",
            "listen = '127.0.0.1:4'",
        ),
        ("xdg/sports-edge/sports-edge.toml", "listen = '127.0.0.1:5'"),
    ];
    let (mut inputs, folder) = inputs(&files);
    let port = |inputs: &Inputs| Config::load(inputs).unwrap().settings.listen.port();
    assert_eq!(port(&inputs), 3);
    fs::remove_file(folder.path().join("sports-edge.toml")).unwrap();
    assert_eq!(port(&inputs), 4);
    let xdg = folder.path().join("xdg").display().to_string();
    set(&mut inputs, "XDG_CONFIG_HOME", &xdg);
    assert_eq!(port(&inputs), 5);
    set(&mut inputs, "SPORTS_EDGE_CONFIG", "variable.toml");
    assert_eq!(port(&inputs), 2);
    inputs.file = Some("named.toml".into());
    assert_eq!(port(&inputs), 1);
}

#[test]
fn a_file_that_is_named_must_be_there_and_be_toml() {
    let (mut inputs, _folder) = inputs(&[("broken.toml", "listen =")]);
    inputs.file = Some("missing.toml".into());
    assert!(matches!(
        Config::load(&inputs),
        Err(ConfigError::Unreadable { .. })
    ));
    inputs.file = Some("broken.toml".into());
    assert!(matches!(
        Config::load(&inputs),
        Err(ConfigError::Malformed { .. })
    ));
}

#[test]
fn without_a_home_the_data_folder_must_be_named() {
    let mut inputs = Inputs::default();
    assert_eq!(
        refusal(&inputs),
        "data_dir begins with ~ but HOME is not set"
    );
    set(&mut inputs, "SPORTS_EDGE_DATA_DIR", "/data");
    assert_eq!(
        Config::load(&inputs).unwrap().settings.data_dir,
        Path::new("/data")
    );
}

#[test]
fn an_address_others_reach_or_a_proxy_exposes() {
    for (listen, exposed) in [
        ("127.0.0.1:1", false),
        ("[::1]:1", false),
        ("[::ffff:127.0.0.1]:1", false),
        ("0.0.0.0:1", true),
        ("192.168.0.1:1", true),
        ("[::]:1", true),
    ] {
        let (mut inputs, _folder) = inputs(&[]);
        inputs.flags = vec![("listen", "--listen", listen.to_owned())];
        let settings = Config::load(&inputs).unwrap().settings;
        assert_eq!(settings.is_exposed(), exposed, "{listen}");
        set(&mut inputs, "SPORTS_EDGE_GRPC_LISTEN", "0.0.0.0:2");
        set(&mut inputs, "SPORTS_EDGE_ALLOWED_HOSTS", "a.example");
        let exposing = Config::load(&inputs).unwrap().settings.exposing();
        let wanted = ["listen", "grpc_listen", "allowed_hosts"];
        assert_eq!(exposing, wanted[usize::from(!exposed)..], "{listen}");
    }
}

#[test]
fn the_key_of_the_environment_is_kept_and_not_shown() {
    let (mut inputs, _folder) = inputs(&[]);
    set(&mut inputs, "SPORTS_EDGE_KEY", "se_secret_words");
    let config = Config::load(&inputs).unwrap();
    assert_eq!(config.api_key.as_ref().unwrap().0, "se_secret_words");
    let shown = format!("{config:?}");
    assert!(
        shown.contains("Secret(…)") && !shown.contains("secret_words"),
        "{shown}"
    );
}

#[test]
fn replicas_are_servers_whose_passwords_are_not_shown() {
    let (mut inputs, _folder) = inputs(&[]);
    let name = "SPORTS_EDGE_DATABASE__REPLICAS";
    set(&mut inputs, "SPORTS_EDGE_DATABASE__URL", "postgres://p/db");
    set(
        &mut inputs,
        name,
        "postgres://u:secret@a/db, postgres://u@b/db",
    );
    let config = Config::load(&inputs).unwrap();
    let replicas = &config.settings.database.replicas;
    let first = store::Place::Server("postgres://u:secret@a/db".to_owned());
    assert_eq!((replicas.len(), &replicas[0]), (2, &first));
    assert!(!format!("{config:?}").contains("secret"));
    let value = &config.origins["database.replicas"].0;
    assert_eq!(value[0].as_str(), Some("postgres://u@a/db"));

    inputs.environment.pop();
    set(&mut inputs, name, "replica.db");
    let error = Config::load(&inputs).unwrap_err().to_string();
    assert!(
        error.contains("a replica is a PostgreSQL server"),
        "{error}"
    );
}

#[test]
fn settings_that_do_not_go_together_are_refused_by_name() {
    for (variables, wanted) in [
        (
            &[("DATABASE__REPLICAS", "postgres://a/db")][..],
            "database.replicas (environment SPORTS_EDGE_DATABASE__REPLICAS): replicas are of",
        ),
        (
            &[
                ("LISTEN", "0.0.0.0:9000"),
                ("METRICS_LISTEN", "127.0.0.1:9000"),
            ],
            "metrics_listen (environment SPORTS_EDGE_METRICS_LISTEN): 127.0.0.1:9000 cannot be listened on \
             beside listen",
        ),
        (
            &[("REDIS__PREFIX", "a b")],
            "redis.prefix (environment SPORTS_EDGE_REDIS__PREFIX): ",
        ),
    ] {
        let (mut inputs, _folder) = inputs(&[]);
        for (name, value) in variables {
            set(&mut inputs, &format!("SPORTS_EDGE_{name}"), value);
        }
        let error = refusal(&inputs);
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn a_database_is_a_file_or_a_server_whose_password_is_not_shown() {
    let url = "postgres://u:secret@host/db";
    let (mut inputs, folder) = inputs(&[]);
    set(&mut inputs, "SPORTS_EDGE_DATABASE__URL", url);
    let config = Config::load(&inputs).unwrap();
    let settings = &config.settings;
    assert_eq!(settings.database(), store::Place::Server(url.to_owned()));
    assert!(!format!("{config:?}").contains("secret"));
    let value = &config.origins["database.url"].0;
    assert_eq!(value.as_str(), Some("postgres://u@host/db"));

    inputs.environment.pop();
    set(&mut inputs, "SPORTS_EDGE_DATABASE__URL", "~/x.db");
    let settings = Config::load(&inputs).unwrap().settings;
    let path = folder.path().join("home/x.db");
    assert_eq!(settings.database(), store::Place::File(path));
}

#[test]
fn a_variable_that_is_empty_is_not_set() {
    let (mut inputs, _folder) = inputs(&[("sports-edge.toml", "listen = '127.0.0.1:3'")]);
    for name in ["LISTEN", "DATABASE__URL_FILE", "LIMITS__BODY_BYTES_MAX"] {
        set(&mut inputs, &format!("SPORTS_EDGE_{name}"), "");
    }
    let config = Config::load(&inputs).unwrap();
    assert_eq!(config.settings.listen.port(), 3);
    assert!(config.strangers.is_empty());
}

#[test]
fn a_name_to_listen_on_is_resolved() {
    let (mut inputs, _folder) = inputs(&[]);
    set(&mut inputs, "SPORTS_EDGE_LISTEN", "localhost:8080");
    let settings = Config::load(&inputs).unwrap().settings;
    assert!(settings.listen.ip().is_loopback() && settings.listen.port() == 8080);
    assert!(!settings.is_exposed());
    for wrong in ["localhost", ":80", "localhost:80000", "::1:80"] {
        inputs.environment.pop();
        set(&mut inputs, "SPORTS_EDGE_LISTEN", wrong);
        let refusal = refusal(&inputs);
        assert!(refusal.contains("is no address with a port"), "{refusal}");
    }
}

#[test]
fn a_variable_may_name_the_file_in_which_the_value_is() {
    let url = "  postgres://u:secret@host/db\n";
    let files = [
        ("url", url),
        ("key", "se_of_file\n"),
        ("header", "x-key: secret\n"),
        ("body", "2_000\n"),
    ];
    let (mut inputs, _folder) = inputs(&files);
    let named = "SPORTS_EDGE_DATABASE__URL_FILE";
    set(&mut inputs, named, "url");
    set(&mut inputs, "SPORTS_EDGE_KEY_FILE", "key");
    set(&mut inputs, "SPORTS_EDGE_SOURCE_HEADER_FILE", "header");
    set(
        &mut inputs,
        "SPORTS_EDGE_LIMITS__BODY_BYTES_MAX_FILE",
        "body",
    );
    set(&mut inputs, "SPORTS_EDGE_NOTHING_FILE", "url");
    let config = Config::load(&inputs).unwrap();
    let database = store::Place::Server(url.trim().to_owned());
    assert_eq!(config.settings.database(), database);
    assert_eq!(config.settings.limits.body_bytes_max.get(), 2_000);
    assert_eq!(config.api_key.as_ref().unwrap().0, "se_of_file");
    assert_eq!(config.source_header.as_ref().unwrap().0, "x-key: secret");
    assert_eq!(config.strangers, ["SPORTS_EDGE_NOTHING_FILE"]);
    assert!(!format!("{config:?}").contains("secret"));
    let (value, source) = &config.origins["database.url"];
    assert_eq!(value.as_str(), Some("postgres://u@host/db"));
    assert_eq!(source.to_string(), format!("environment {named}"));

    set(&mut inputs, "SPORTS_EDGE_DATABASE__URL", "x.db");
    assert_eq!(
        refusal(&inputs),
        "SPORTS_EDGE_DATABASE__URL and SPORTS_EDGE_DATABASE__URL_FILE are both set; take one of \
         them away"
    );
    inputs.environment.pop();
    set(&mut inputs, "SPORTS_EDGE_REDIS__URL_FILE", "/nowhere/url");
    let refusal = refusal(&inputs);
    assert_eq!(
        refusal,
        "SPORTS_EDGE_REDIS__URL_FILE: file /nowhere/url cannot be read"
    );
}
