//! Laying one source of settings over another, keeping each value's origin.

use std::{collections::BTreeMap, path::Path};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::{
    CA_FILE_VARIABLE, ConfigError, FILE_VARIABLE, Inputs, KEY_VARIABLE, OF_FILE, PREFIX,
    SOURCE_HEADER_VARIABLE, Source,
};

/// Settings that may hold a password; what is wrong with one of them is told without its value.
const SECRETS: [&str; 3] = ["database.url", "database.replicas", "redis.url"];

pub(super) type Origins = BTreeMap<String, (Value, Source)>;

/// The settings of a table by full name, sections before a dot.
pub(super) fn flatten(table: &Table) -> BTreeMap<String, Value> {
    let mut flat = BTreeMap::new();
    let mut open: Vec<(String, &Table)> = vec![(String::new(), table)];
    while let Some((section, table)) = open.pop() {
        for (key, value) in table {
            let name = format!("{section}{key}");
            match value {
                Value::Table(inner) => open.push((format!("{name}."), inner)),
                value => {
                    flat.insert(name, value.clone());
                }
            }
        }
    }
    flat
}

/// Lays a settings file over what is there.
pub(super) fn lay_file(
    origins: &mut Origins,
    defaults: &BTreeMap<String, Value>,
    table: &Table,
    path: &Path,
) -> Result<(), ConfigError> {
    for (key, value) in flatten(table) {
        let source = Source::File(path.to_owned());
        if !defaults.contains_key(&key) {
            return Err(ConfigError::Unknown {
                key,
                source_name: source,
            });
        }
        origins.insert(key, (value, source));
    }
    Ok(())
}

/// Lays the environment over what is there; returns the variables that begin like ours and name no
/// setting. What is empty is not set.
pub(super) fn lay_environment(
    origins: &mut Origins,
    defaults: &BTreeMap<String, Value>,
    inputs: &Inputs,
) -> Result<Vec<String>, ConfigError> {
    let mut strangers = Vec::new();
    let secrets = [KEY_VARIABLE, SOURCE_HEADER_VARIABLE];
    let own = [&secrets[..], &[FILE_VARIABLE, CA_FILE_VARIABLE]].concat();
    for (name, text) in &inputs.environment {
        let of_file = name.strip_suffix(OF_FILE);
        if own.contains(&name.as_str()) || of_file.is_some_and(|it| secrets.contains(&it)) {
            continue;
        }
        let setting = |name: &str| {
            let key = name.strip_prefix(PREFIX)?.to_lowercase();
            let found = defaults.get_key_value(&key.replace("__", "."))?;
            Some((name.to_owned(), found))
        };
        let Some((meant, (key, like))) = setting(name).or_else(|| setting(of_file?)) else {
            // Not refused: Kubernetes makes such variables for a service of our name.
            if name.starts_with(PREFIX) {
                strangers.push(name.clone());
            }
            continue;
        };
        if text.is_empty() {
            continue;
        }
        let text = inputs.secret(&meant)?.unwrap_or_default();
        let source = match meant == *name {
            true => Source::Environment(meant),
            false => Source::SecretFile(name.clone()),
        };
        lay_text(origins, key, &text, (like, source))?;
    }
    Ok(strangers)
}

/// Lays one setting given as text over what is there, read as the kind of value the default is.
pub(super) fn lay_text(
    origins: &mut Origins,
    key: &str,
    text: &str,
    (like, source): (&Value, Source),
) -> Result<(), ConfigError> {
    let value = match like {
        Value::Integer(_) => text.replace('_', "").parse().map(Value::Integer).ok(),
        Value::Float(_) => text.parse().map(Value::Float).ok(),
        Value::Boolean(_) => text.parse().map(Value::Boolean).ok(),
        Value::Array(_) => Some(Value::Array(list(text))),
        _ => Some(Value::String(text.to_owned())),
    };
    let kind = match like {
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        _ => "true or false",
    };
    let value = value.ok_or_else(|| ConfigError::Invalid {
        key: key.to_owned(),
        source_name: source.clone(),
        reason: match source {
            Source::SecretFile(_) => format!("what the file holds is not {kind}"),
            _ => format!("{text:?} is not {kind}"),
        },
    })?;
    origins.insert(key.to_owned(), (value, source));
    Ok(())
}

fn list(text: &str) -> Vec<Value> {
    let parts = text.split(',').map(str::trim).filter(|it| !it.is_empty());
    parts.map(|it| Value::String(it.to_owned())).collect()
}

/// Reads the settings, so that a fault names the setting and where it comes from.
pub(super) fn read_settings<T: DeserializeOwned>(origins: &Origins) -> Result<T, ConfigError> {
    let mut table = Table::new();
    for (key, (value, _)) in origins {
        match key.split_once('.') {
            None => {
                table.insert(key.clone(), value.clone());
            }
            Some((section, name)) => {
                let section = table
                    .entry(section)
                    .or_insert_with(|| Value::Table(Table::new()));
                let section = section
                    .as_table_mut()
                    .expect("sections and settings differ");
                section.insert(name.to_owned(), value.clone());
            }
        }
    }
    serde_path_to_error::deserialize(table).map_err(|error| {
        let path = error.path().to_string();
        let key = path
            .split('[')
            .next()
            .unwrap_or_default()
            .trim_end_matches('.')
            .to_owned();
        invalid(origins, key, error.inner().message())
    })
}

/// A fault that names the setting and where it comes from, and no secret.
pub(super) fn invalid(origins: &Origins, key: String, fault: &str) -> ConfigError {
    let source_name = origins
        .get(&key)
        .map_or(Source::Defaults, |(_, source)| source.clone());
    let is_secret = SECRETS.contains(&key.as_str());
    let reason = match (&source_name, fault.rsplit_once(", expected ")) {
        (Source::SecretFile(_), _) if !is_secret => {
            "what the file holds is no value that it can have".to_owned()
        }
        // A value of another kind is told with what it is.
        (_, Some((_, wanted))) if is_secret => format!("its value is not {wanted}"),
        _ => fault.to_owned(),
    };
    ConfigError::Invalid {
        key,
        source_name,
        reason,
    }
}
