//! Configuration: one commented file of defaults, overridden by file, environment and flags, with
//! the origin of every setting remembered.
//!
//! The only code that reads the environment.

mod layer;
mod settings;
mod together;

use std::{collections::BTreeMap, fmt, fs, io, net::SocketAddr, path::PathBuf};

use store::Place;
use thiserror::Error;
use toml::{Table, Value};

use crate::Authorities;

pub use settings::{
    AlertSettings, CacheSettings, DatabaseSettings, ForecastSettings, Limits, LogFormat,
    LogSettings, ModelSettings, PoolerSetting, RedisSettings, RedisUrl, Settings,
};

const DEFAULTS: &str = include_str!("../config.default.toml");
const PREFIX: &str = "SPORTS_EDGE_";
/// Names the settings file; not a setting itself.
const FILE_VARIABLE: &str = "SPORTS_EDGE_CONFIG";
/// Holds the API key that commands use; not a setting, so that no file of settings holds a secret.
const KEY_VARIABLE: &str = "SPORTS_EDGE_KEY";
/// Holds a header that `live poll` sends to its source, `name: value`; a secret as well.
const SOURCE_HEADER_VARIABLE: &str = "SPORTS_EDGE_SOURCE_HEADER";
/// Names a file of authorities that commands trust; not a setting, as no server has a use for it.
const CA_FILE_VARIABLE: &str = "SPORTS_EDGE_CA_FILE";
/// What stands behind a variable's name that names the file in which the value is.
const OF_FILE: &str = "_FILE";
/// The settings file looked for where none is named.
const FILE_NAME: &str = "sports-edge.toml";

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The defaults in the program.
    Defaults,
    /// A settings file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// A file that an environment variable names; what it holds is not shown where it is wrong.
    SecretFile(String),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Defaults => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(name) | Self::SecretFile(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A settings file cannot be read.
    #[error("settings file {path} cannot be read")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that a variable names cannot be read.
    #[error("{name}: file {path} cannot be read")]
    UnreadableSecret {
        /// Which variable.
        name: String,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that a variable names holds nothing.
    #[error("{name}: file {path} is empty; write the value into it, or take the variable away")]
    EmptySecret {
        /// Which variable.
        name: String,
        /// Which file.
        path: PathBuf,
    },
    /// A variable is set, and so is the file it may come from.
    #[error("{name} and {name}_FILE are both set; take one of them away")]
    Twice {
        /// Which variable.
        name: String,
    },
    /// A settings file is not TOML; what stands at the place may be a secret.
    #[error("settings file {path} is not TOML: line {line}, column {column}: {reason}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// The line, from one on.
        line: usize,
        /// The letter of the line, from one on.
        column: usize,
        /// Why not.
        reason: String,
    },
    /// There is no such setting.
    #[error("{key} ({source_name}) is not a setting; `sports-edge config --defaults` lists them")]
    Unknown {
        /// The name given.
        key: String,
        /// Where it is given.
        source_name: Source,
    },
    /// A setting cannot have this value.
    #[error("{key} ({source_name}): {reason}")]
    Invalid {
        /// Which setting.
        key: String,
        /// Where the value comes from.
        source_name: Source,
        /// Why not.
        reason: String,
    },
    /// `~` stands for nothing.
    #[error("{key} begins with ~ but HOME is not set")]
    NoHome {
        /// Which setting.
        key: String,
    },
}

/// Everything configuration is made from; without `Debug`, as the environment holds secrets.
#[derive(Clone, Default)]
pub struct Inputs {
    /// The file named by `--config`.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// Settings given as flags: setting, flag, value.
    pub flags: Vec<(&'static str, &'static str, String)>,
    /// Folder in which a relative settings file is looked for.
    pub folder: PathBuf,
}

/// The variables of this process; what is no text is read as if it were, and refused by whom it
/// concerns.
fn environment() -> Vec<(String, String)> {
    let text = |it: std::ffi::OsString| it.to_string_lossy().into_owned();
    std::env::vars_os()
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

impl Inputs {
    /// The inputs of this process, without flags.
    pub fn of_process() -> Self {
        Self {
            environment: environment(),
            ..Self::default()
        }
    }

    fn variable(&self, name: &str) -> Option<&str> {
        let found = self.environment.iter().find(|(it, _)| it == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|it| !it.is_empty())
    }

    /// The value of a variable, or what the file holds that the one with `_FILE` behind it names.
    fn secret(&self, name: &str) -> Result<Option<String>, ConfigError> {
        let named = format!("{name}{OF_FILE}");
        match (self.variable(name), self.variable(&named)) {
            (value, None) => Ok(value.map(str::to_owned)),
            (None, Some(path)) => self.content(&named, path).map(Some),
            (Some(_), Some(_)) => Err(ConfigError::Twice {
                name: name.to_owned(),
            }),
        }
    }

    /// What a file holds that a variable names, without white space around it.
    fn content(&self, name: &str, path: &str) -> Result<String, ConfigError> {
        let (name, path) = (name.to_owned(), self.folder.join(path));
        match fs::read_to_string(&path) {
            // Nobody who has a secret mounted means the default.
            Ok(text) if text.trim().is_empty() => Err(ConfigError::EmptySecret { name, path }),
            Ok(text) => Ok(text.trim().to_owned()),
            Err(source) => Err(ConfigError::UnreadableSecret { name, path, source }),
        }
    }

    /// The user's own folder of settings.
    fn personal_folder(&self) -> Option<PathBuf> {
        let home = self
            .variable("HOME")
            .map(|it| PathBuf::from(it).join(".config"));
        let config = self.variable("XDG_CONFIG_HOME").map(PathBuf::from).or(home);
        config.map(|it| it.join("sports-edge"))
    }

    /// The settings file to read: the one named, which must be there, or the first found.
    fn settings_file(&self) -> Option<PathBuf> {
        let named = self
            .file
            .clone()
            .or_else(|| self.variable(FILE_VARIABLE).map(PathBuf::from));
        if let Some(path) = named {
            return Some(self.folder.join(path));
        }
        let personal = self.personal_folder().map(|it| it.join(FILE_NAME));
        [Some(self.folder.join(FILE_NAME)), personal]
            .into_iter()
            .flatten()
            .find(|it| it.exists())
    }
}

/// What is in force, and from where.
#[derive(Debug, Clone)]
pub struct Config {
    /// The settings, read and checked.
    pub settings: Settings,
    /// Value and origin of each setting, by name.
    pub origins: BTreeMap<String, (Value, Source)>,
    /// Variables that begin like ours but name no setting.
    pub strangers: Vec<String>,
    /// The user's own folder of settings; may hold `competitions.toml` and `aliases.csv`.
    pub personal_folder: Option<PathBuf>,
    /// The API key that commands use to talk to a server.
    pub api_key: Option<Secret>,
    /// The header that a source wants to be asked with, `name: value`, where the environment has one.
    pub source_header: Option<Secret>,
    /// The authorities that commands trust when they talk to a server or fetch from one.
    pub authorities: Authorities,
}

/// A secret of the environment, which is not shown.
#[derive(Clone)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Config {
    /// Lays file, environment and flags over the defaults.
    pub fn load(inputs: &Inputs) -> Result<Self, ConfigError> {
        let defaults = layer::flatten(&default_table());
        let of_defaults =
            |(key, value): (&String, &Value)| (key.clone(), (value.clone(), Source::Defaults));
        let mut origins: BTreeMap<_, _> = defaults.iter().map(of_defaults).collect();
        if let Some(path) = inputs.settings_file() {
            layer::lay_file(&mut origins, &defaults, &read(&path)?, &path)?;
        }
        let strangers = layer::lay_environment(&mut origins, &defaults, inputs)?;
        for (key, flag, text) in &inputs.flags {
            let like = &defaults[*key];
            layer::lay_text(&mut origins, key, text, (like, Source::Flag(flag)))?;
        }
        let mut settings: Settings = layer::read_settings(&origins)?;
        settings.data_dir = home_expanded(settings.data_dir, inputs, "data_dir")?;
        settings.models.folder = home_expanded(settings.models.folder, inputs, "models.folder")?;
        let roots = settings.redis.root_certificates;
        settings.redis.root_certificates = home_expanded(roots, inputs, "redis.root_certificates")?;
        together::check(&settings)
            .map_err(|(key, reason)| layer::invalid(&origins, key.to_owned(), &reason))?;
        // From here on it is only shown.
        if let Some((Value::String(url), _)) = origins.get_mut("database.url")
            && let Some(place) = &settings.database.url
        {
            *url = place.to_string();
        }
        if let Some((Value::String(url), _)) = origins.get_mut("redis.url")
            && let Some(redis) = &settings.redis.url
        {
            *url = redis.to_string();
        }
        if let Some((replicas, _)) = origins.get_mut("database.replicas") {
            let shown = settings.database.replicas.iter();
            *replicas = Value::Array(shown.map(|it| Value::String(it.to_string())).collect());
        }
        if let Some(Place::File(path)) = settings.database.url {
            let path = home_expanded(path, inputs, "database.url")?;
            settings.database.url = Some(Place::File(path));
        }
        Ok(Self {
            settings,
            origins,
            strangers,
            personal_folder: inputs.personal_folder(),
            api_key: inputs.secret(KEY_VARIABLE)?.map(Secret),
            source_header: inputs.secret(SOURCE_HEADER_VARIABLE)?.map(Secret),
            authorities: Authorities {
                system_file: inputs.variable("SSL_CERT_FILE").map(PathBuf::from),
                system_folders: inputs.variable("SSL_CERT_DIR").map(str::to_owned),
                file: inputs.variable(CA_FILE_VARIABLE).map(PathBuf::from),
            },
        })
    }
}

/// The commented defaults, as they stand in the program.
pub fn defaults() -> &'static str {
    DEFAULTS
}

fn default_table() -> Table {
    DEFAULTS
        .parse()
        .expect("the defaults are TOML, as a test checks")
}

fn read(path: &std::path::Path) -> Result<Table, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    text.parse().map_err(|error: toml::de::Error| {
        let (line, column) = place(&text, error.span().map_or(0, |it| it.start));
        ConfigError::Malformed {
            path: path.to_owned(),
            line,
            column,
            reason: error.message().to_owned(),
        }
    })
}

/// Line and letter of the byte at `offset`, both from one on.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(offset)];
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

/// Puts the home folder in the place of a leading `~`.
fn home_expanded(path: PathBuf, inputs: &Inputs, key: &str) -> Result<PathBuf, ConfigError> {
    let Ok(rest) = path.strip_prefix("~") else {
        return Ok(path);
    };
    let home = inputs.variable("HOME");
    let home = home.ok_or_else(|| ConfigError::NoHome {
        key: key.to_owned(),
    })?;
    Ok(PathBuf::from(home).join(rest))
}

impl Settings {
    /// Where the database is.
    pub fn database(&self) -> Place {
        let file = || Place::File(self.data_dir.join("sports-edge.db"));
        self.database.url.clone().unwrap_or_else(file)
    }

    /// The folder of models.
    pub fn models_folder(&self) -> PathBuf {
        if self.models.folder.as_os_str().is_empty() {
            self.data_dir.join("models")
        } else {
            self.models.folder.clone()
        }
    }

    /// Whether the server can be reached from another machine, directly or through a proxy.
    pub fn is_exposed(&self) -> bool {
        !self.exposing().is_empty()
    }

    /// The settings by which it can be.
    pub fn exposing(&self) -> Vec<&'static str> {
        let outside = |address: Option<SocketAddr>| address.is_some_and(|it| !is_loopback(it));
        let found = [
            ("listen", outside(Some(self.listen))),
            ("grpc_listen", outside(self.grpc_listen)),
            ("allowed_hosts", !self.allowed_hosts.is_empty()),
        ];
        let exposing = found.into_iter().filter(|(_, exposes)| *exposes);
        exposing.map(|(setting, _)| setting).collect()
    }
}

/// Whether an address is reachable from this machine only.
pub(crate) fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests;
