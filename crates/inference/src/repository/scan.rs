//! Looks the folder through.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Snapshot, VERSION_MAX,
    entry::{ModelEntry, VersionFiles},
    is_name,
    state::{self, RuntimeState},
};
use crate::{ModelConfig, model_cache::Stamp};

/// Ends of a model's file name, by what is looked for first.
const KINDS: [&str; 6] = ["trees", "txt", "lgb", "json", "ubj", "onnx"];

/// Folders that are no models are named up to this many.
const STRAYS_MAX: usize = 100;

/// Models beyond this many are not looked at.
const MODELS_MAX: usize = 100_000;

/// Every model of a folder, and folders in it whose names no model can have. What cannot be read in
/// one stays as it was; a folder that is not there has none, unless it had some.
pub(super) fn folder(folder: &Path, old: &Snapshot) -> io::Result<(Snapshot, Vec<String>)> {
    let mut strays = Vec::new();
    let mut models = Snapshot::new();
    let all = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && old.is_empty() => {
            return Ok((models, strays));
        }
        all => all?,
    };
    for found in all.take(MODELS_MAX) {
        let found = found?;
        let name = found.file_name();
        let Some(name) = name.to_str().filter(|it| is_name(it)) else {
            let is_hidden = name.as_encoded_bytes().starts_with(b".");
            if !is_hidden && strays.len() < STRAYS_MAX && is_folder(&found.path()).unwrap_or(false)
            {
                strays.push(name.to_string_lossy().into_owned());
            }
            continue;
        };
        let before = old.get(name).map(Arc::as_ref);
        let entry = match model(&found.path(), name, before) {
            Ok(Some(entry)) => entry,
            Ok(None) => continue,
            Err(error) => unreadable(name, before, &error),
        };
        models.insert(Arc::clone(&entry.name), Arc::new(entry));
    }
    tell_strange_fallbacks(&mut models);
    Ok((models, strays))
}

/// Tells of fallbacks that are no other model.
fn tell_strange_fallbacks(models: &mut Snapshot) {
    let strange: Vec<(Arc<str>, String)> = models
        .values()
        .filter_map(|it| {
            let fallback = it.config.fallback.as_deref()?;
            let reason = match fallback {
                own if own == &*it.name => "the model itself",
                other if !models.contains_key(other) => "a model that is not there",
                _ => return None,
            };
            let problem = format!("config.toml: fallback is {fallback}, {reason}");
            Some((Arc::clone(&it.name), problem))
        })
        .collect();
    for (name, problem) in strange {
        let entry = models.get_mut(&name).map(Arc::make_mut);
        let entry = entry.expect("it was found there");
        let before = entry.problem.take();
        entry.problem = Some(before.map_or(problem.clone(), |it| format!("{it}; {problem}")));
    }
}

/// What was known of a model, and why no more is.
fn unreadable(name: &str, before: Option<&ModelEntry>, error: &io::Error) -> ModelEntry {
    let problem = format!("the folder cannot be read: {error}");
    match before {
        Some(before) => ModelEntry {
            problem: Some(problem),
            ..before.clone()
        },
        None => ModelEntry::new(
            name.into(),
            Arc::default(),
            RuntimeState::default(),
            BTreeMap::new(),
            vec![problem],
        ),
    }
}

/// What lies at a path, links followed; `None` where nothing does.
fn there(path: &Path) -> io::Result<Option<fs::Metadata>> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_folder(path: &Path) -> io::Result<bool> {
    Ok(there(path)?.is_some_and(|it| it.is_dir()))
}

/// A model; `None` where there is no folder of that name.
fn model(path: &Path, name: &str, before: Option<&ModelEntry>) -> io::Result<Option<ModelEntry>> {
    if !is_folder(path)? {
        return Ok(None);
    }
    let mut problems = Vec::new();
    let config = match config(path) {
        Ok(config) => Arc::new(config),
        Err(reason) => {
            problems.push(reason);
            before.map(|it| Arc::clone(&it.config)).unwrap_or_default()
        }
    };
    let state = match runtime_state(path) {
        Ok(state) => state,
        Err(error) => {
            problems.push(format!("{}: {error}", state::FILE));
            before.map(|it| it.state.clone()).unwrap_or_default()
        }
    };
    let mut versions = BTreeMap::new();
    let mut strays = Vec::new();
    for found in fs::read_dir(path)? {
        let found = found?;
        let name = found.file_name();
        let Some(number) = name.to_str().and_then(version_number) else {
            strays.extend(name.to_str().and_then(|it| stray(&found, it)));
            continue;
        };
        match version(&found.path()) {
            Ok(Some(files)) => {
                versions.insert(number, files);
            }
            Ok(None) => {}
            Err(error) => {
                let reason = format!("version {number} cannot be read: {error}");
                let known = before.and_then(|it| it.files.get(&number).cloned());
                let files = known.unwrap_or_else(|| VersionFiles {
                    model: Err(reason.clone()),
                    golden: None,
                    report: None,
                });
                versions.insert(number, files);
                problems.push(reason);
            }
        }
    }
    strays.sort();
    problems.extend(strays);
    Ok(Some(ModelEntry::new(
        before.map_or_else(|| name.into(), |it| Arc::clone(&it.name)),
        config,
        state,
        versions,
        problems,
    )))
}

/// What is wrong with a thing beside versions that was meant to be one.
fn stray(found: &fs::DirEntry, name: &str) -> Option<String> {
    let kind = name.strip_prefix("model.");
    if kind.is_some_and(|it| KINDS.contains(&it)) {
        return Some(format!(
            "{name} lies beside the folders of versions: it belongs into one, such as 1"
        ));
    }
    let is_number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    let digits = name.strip_prefix(['v', 'V']).unwrap_or(name);
    let is_folder = is_number(digits) && found.file_type().is_ok_and(|it| it.is_dir());
    is_folder.then(|| {
        format!("{name} is no number of a version: they have digits alone and do not begin with 0")
    })
}

/// A version's number: digits that do not begin with a zero.
fn version_number(name: &str) -> Option<u64> {
    let digits = name.bytes().all(|it| it.is_ascii_digit()) && !name.starts_with('0');
    let number = name.parse().ok().filter(|_| digits);
    number.filter(|it| *it <= VERSION_MAX)
}

fn config(folder: &Path) -> Result<ModelConfig, String> {
    match fs::read_to_string(folder.join("config.toml")) {
        Ok(text) => {
            let config = toml::from_str(&text).map_err(|it| it.to_string().trim().to_owned());
            let config = config.and_then(|it| sensible(&it).map(|()| it));
            config.map_err(|it| format!("config.toml: {it}"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(ModelConfig::default()),
        Err(error) => Err(format!("config.toml: {error}")),
    }
}

/// The longest a batch may wait for more rows: a minute.
const DELAY_US_MAX: u64 = 60_000_000;

/// Refuses shares that are none, and bounds that hold nothing or everything back.
pub(crate) fn sensible(config: &ModelConfig) -> Result<(), String> {
    let shares = [
        (config.canary.as_ref().map(|it| it.share), "canary.share"),
        (config.shadow.as_ref().map(|it| it.share), "shadow.share"),
        (config.guard.error_rate_max, "guard.error_rate_max"),
    ];
    for (share, setting) in shares {
        if let Some(share) = share.filter(|it| !(0.0..=1.0).contains(it)) {
            return Err(format!(
                "{setting} is {share}, which is not between 0 and 1"
            ));
        }
    }
    let bounds = [
        (
            config.shadow.as_ref().and_then(|it| it.difference_max),
            "shadow.difference_max",
        ),
        (config.guard.score_margin, "guard.score_margin"),
    ];
    for (bound, setting) in bounds {
        if bound.is_some_and(f64::is_nan) {
            return Err(format!("{setting} is not a number"));
        }
    }
    let bounds = [
        (config.limits.requests_max, "limits.requests_max"),
        (config.limits.rows_max, "limits.rows_max"),
        (config.batching.rows_max, "batching.rows_max"),
    ];
    for (bound, setting) in bounds {
        if bound == 0 {
            return Err(format!("{setting} is 0, which lets nothing through"));
        }
    }
    let delay = config.batching.delay_us;
    if delay > DELAY_US_MAX {
        return Err(format!(
            "batching.delay_us is {delay}, more than {DELAY_US_MAX}: so long nobody waits for others"
        ));
    }
    Ok(())
}

/// What was changed at run time for the model in a folder.
pub(super) fn runtime_state(folder: &Path) -> io::Result<RuntimeState> {
    match fs::read(folder.join(state::FILE)) {
        Ok(text) => Ok(serde_json::from_slice(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(RuntimeState::default()),
        Err(error) => Err(error),
    }
}

/// A version's files; `None` where there is no folder of that name.
fn version(folder: &Path) -> io::Result<Option<VersionFiles>> {
    if !is_folder(folder)? {
        return Ok(None);
    }
    let beside = |name: &str| file(folder.join(name));
    Ok(Some(VersionFiles {
        model: model_file(folder)?,
        golden: beside("golden.json")?,
        report: beside("report.json")?.map(|(path, _)| path),
    }))
}

/// The model in a version's folder, or why there is none.
pub(crate) fn model_file(folder: &Path) -> io::Result<Result<(PathBuf, Stamp), String>> {
    let mut found = Vec::new();
    for kind in KINDS {
        found.extend(file(folder.join(format!("model.{kind}")))?);
    }
    Ok(match found.len() {
        0 => Err(format!("there is no model.{{{}}}", KINDS.join(","))),
        1 => Ok(found.remove(0)),
        _ => Err(format!(
            "there are two models, {} and {}",
            found[0].0.file_name().unwrap_or_default().display(),
            found[1].0.file_name().unwrap_or_default().display()
        )),
    })
}

/// A file and its stamp, where there is one.
pub(crate) fn file(path: PathBuf) -> io::Result<Option<(PathBuf, Stamp)>> {
    let Some(data) = there(&path)?.filter(fs::Metadata::is_file) else {
        return Ok(None);
    };
    let stamp = Stamp {
        modified: data.modified()?,
        bytes: data.len(),
        inode: data.ino(),
    };
    Ok(Some((path, stamp)))
}

/// Which kind of model a file is: by its name's end, else by how it begins.
pub(crate) fn kind_of(path: &Path) -> io::Result<Option<&'static str>> {
    let named = path.extension().and_then(|it| it.to_str());
    if let Some(kind) = KINDS.iter().find(|it| Some(**it) == named) {
        return Ok(Some(kind));
    }
    let mut start = Vec::new();
    fs::File::open(path)?.take(16).read_to_end(&mut start)?;
    let second = start.get(1).copied().unwrap_or(0);
    Ok(match start.first() {
        Some(b'{') if second.is_ascii_whitespace() || second == b'"' => Some("json"),
        Some(b'{') => Some("ubj"),
        Some(0x08 | 0x0a | 0x12 | 0x3a) if !start.starts_with(b"\ntree") => Some("onnx"),
        _ if start.starts_with(b"tree") => Some("txt"),
        Some(_) => Some("trees"),
        None => None,
    })
}
