//! Sends lines in order and in batches, again with growing pauses while the platform does not answer,
//! and sets aside what it refuses. Sending twice does no harm: what is known is left alone.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::sleep,
    time::Duration,
};

use anyhow::{Context, bail};
use domain::SourceKey;
use engine::chain;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Door, GameName, Line, Numbered, Refusal};

/// The pause before a batch is sent again the first time; it doubles with each.
const PAUSE_FIRST: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How often a pause looks whether to stop.
const STEP: Duration = Duration::from_millis(100);
/// Games that can be called by a word at a time.
const NAMES_MAX: usize = 100_000;

/// A line, or an item that was polled, that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Aside {
    /// Which line, counted from one; none of what was no line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
    /// What is wrong with it.
    pub(crate) reason: String,
    /// What was not taken, so that it can be put right and sent; none of a line that cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) item: Option<Value>,
}

/// What became of the lines so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Tally {
    /// Lines that were read.
    pub(crate) lines: u64,
    /// The last line that was dealt with: everything up to it is written or set aside.
    pub(crate) last_line: u64,
    /// Games that were named.
    pub(crate) fixtures: u64,
    /// Events that were taken.
    pub(crate) events: u64,
    /// Those of them that were not known already.
    pub(crate) events_new: u64,
    /// Quotes that were taken.
    pub(crate) quotes: u64,
    /// Single prices of them that were new or corrected.
    pub(crate) prices_written: u64,
    /// Lines that were set aside.
    pub(crate) set_aside: u64,
    /// Times that a batch was sent again.
    pub(crate) repeats: u64,
}

/// How long a sender tries, and who can stop it.
pub(crate) struct Terms {
    /// How long pauses between attempts at one batch may be in all.
    pub(crate) patience: Duration,
    /// Ends trying again.
    pub(crate) stop: Arc<AtomicBool>,
    /// Gives numbers in 0..1.
    pub(crate) chance: fn() -> f64,
    /// The source that all is told by.
    pub(crate) source: SourceKey,
}

/// Sends lines.
pub(crate) struct Sender<D> {
    door: D,
    terms: Terms,
    /// Numbers of games by the words they are called by.
    names: HashMap<String, i64>,
    /// Whether the server does not let this key read.
    blind: bool,
    set_aside: Box<dyn FnMut(&Aside)>,
    pub(crate) tally: Tally,
}

/// Entries of one batch with the numbers of their lines.
type Entries = Vec<(u64, Value)>;

impl<D: Door> Sender<D> {
    /// Sends through `door`; `set_aside` hears of each line that is not taken.
    pub(crate) fn new(door: D, terms: Terms, set_aside: impl FnMut(&Aside) + 'static) -> Self {
        Self {
            door,
            terms,
            names: HashMap::new(),
            blind: false,
            set_aside: Box::new(set_aside),
            tally: Tally::default(),
        }
    }

    /// Sets aside a line that cannot be read.
    pub(crate) fn aside(&mut self, line: u64, reason: String) {
        self.put_aside(Aside {
            line: Some(line),
            reason,
            item: None,
        });
    }

    /// Sets a line or an item aside.
    pub(crate) fn put_aside(&mut self, aside: Aside) {
        self.tally.set_aside += 1;
        (self.set_aside)(&aside);
    }

    /// Sets aside what a line says.
    fn refused(&mut self, line: u64, reason: String, item: Value) {
        self.put_aside(Aside {
            line: Some(line),
            reason,
            item: Some(item),
        });
    }

    /// Sends lines: games first where they are named, then the events and the quotes up to the next.
    pub(crate) fn send(&mut self, lines: Vec<Numbered>) -> anyhow::Result<()> {
        let last = lines.last().map(|it| it.number);
        let (mut events, mut quotes) = (Entries::new(), Entries::new());
        for Numbered { number, line } in lines {
            match line {
                Line::Fixture(key, members) => {
                    self.deliver("/v1/events", std::mem::take(&mut events))?;
                    self.deliver("/v1/quotes", std::mem::take(&mut quotes))?;
                    self.name(number, key, members)?;
                }
                Line::Event(members) => events.extend(self.entry(number, members)),
                Line::Quote(members) => quotes.extend(self.entry(number, members)),
            }
        }
        self.deliver("/v1/events", events)?;
        self.deliver("/v1/quotes", quotes)?;
        self.tally.last_line = last.unwrap_or(self.tally.last_line);
        Ok(())
    }

    /// Writes a game, so that later lines can call it by `key`.
    fn name(&mut self, number: u64, key: String, game: Map<String, Value>) -> anyhow::Result<()> {
        if self.names.len() >= NAMES_MAX {
            let reason = format!("more than {NAMES_MAX} games are named");
            self.refused(number, reason, game.into());
            return Ok(());
        }
        let mut body = json!({"data": [game]});
        match self.persist("/v1/fixtures", Some(&body))? {
            Ok(answer) => {
                let id = answer["data"][0]["fixture_id"].as_i64();
                let id = id.context("the server does not say which fixture was written")?;
                tell_added(&key, &body["data"][0], &answer);
                self.names.insert(key, id);
                self.tally.fixtures += 1;
            }
            Err(problem) => self.refused(number, detail(&problem), body["data"][0].take()),
        }
        Ok(())
    }

    /// The entry of a line, its game by number.
    fn entry(&mut self, number: u64, mut members: Map<String, Value>) -> Option<(u64, Value)> {
        if let Some(key) = members.remove("fixture") {
            let known = key.as_str().and_then(|it| self.names.get(it)).copied();
            let Some(id) = known else {
                let reason = format!("no game before it is named {key}");
                members.insert("fixture".to_owned(), key);
                self.refused(number, reason, members.into());
                return None;
            };
            members.insert("fixture_id".to_owned(), id.into());
        }
        Some((number, Value::Object(members)))
    }

    /// The number of a game, where it was written or is said.
    pub(crate) fn fixture(&self, game: &GameName) -> Option<i64> {
        match game {
            ("fixture", key) => self.names.get(key.as_str()?).copied(),
            (_, number) => number.as_i64(),
        }
    }

    /// The events of a game that the server lists, of which it may have none; `None` where the game was
    /// not written.
    pub(crate) fn events_of(&mut self, game: &GameName) -> anyhow::Result<Option<Vec<Value>>> {
        let Some(id) = self.fixture(game) else {
            return Ok(None);
        };
        let mut answer = self.ask(&format!("/v1/fixtures/{id}/events"))?;
        Ok(Some(match answer["data"].take() {
            Value::Array(events) => events,
            _ => Vec::new(),
        }))
    }

    /// What the server says at a path; an empty object where that is not there or not for this key.
    fn ask(&mut self, path: &str) -> anyhow::Result<Value> {
        if self.blind {
            return Ok(json!({}));
        }
        let problem = match self.persist(path, None)? {
            Ok(answer) => return Ok(answer),
            Err(problem) => problem,
        };
        if problem["status"] == 403 {
            self.blind = true;
            tracing::warn!(
                problem = detail(&problem),
                "what the server knows of games cannot be read: corrections made while nobody polled \
                 are lost; give a key with the scopes read and write"
            );
        }
        Ok(json!({}))
    }

    /// Sends entries until they are written or set aside.
    fn deliver(&mut self, path: &str, mut entries: Entries) -> anyhow::Result<()> {
        while !entries.is_empty() {
            let data: Vec<&Value> = entries.iter().map(|it| &it.1).collect();
            let body = json!({"data": data});
            let told_by = format!("{path}?source={}", self.terms.source);
            match self.persist(&told_by, Some(&body))? {
                Ok(answer) => {
                    self.count(path, entries.len() as u64, &answer);
                    return Ok(());
                }
                Err(problem) => {
                    let mut faults = faults(&problem);
                    faults.retain(|index, _| *index < entries.len());
                    if faults.is_empty() && entries.len() > 1 {
                        let rest = entries.split_off(entries.len() / 2);
                        self.deliver(path, entries)?;
                        entries = rest;
                        continue;
                    }
                    if faults.is_empty() {
                        faults.insert(0, detail(&problem));
                    }
                    for (index, reason) in &faults {
                        let (number, entry) = entries[*index].clone();
                        self.refused(number, reason.clone(), entry);
                    }
                    let mut index = 0..;
                    entries.retain(|_| index.next().is_some_and(|it| !faults.contains_key(&it)));
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, path: &str, entries: u64, answer: &Value) {
        let number = |name: &str| answer[name].as_u64().unwrap_or(0);
        if path == "/v1/events" {
            self.tally.events += entries;
            self.tally.events_new += number("events_added");
        } else {
            self.tally.quotes += entries;
            self.tally.prices_written += number("prices_written");
        }
    }

    /// Sends a batch, or asks, until there is an answer, or the problem of what cannot be taken or had.
    fn persist(
        &mut self,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Result<Value, Value>> {
        let (mut spent, mut pause) = (Duration::ZERO, PAUSE_FIRST);
        loop {
            let answer = match body {
                Some(body) => self.door.post(path, body),
                None => self.door.get(path),
            };
            let (error, asked) = match answer {
                Ok(answer) => return Ok(Ok(answer)),
                Err(Refusal::Entries(problem)) => return Ok(Err(problem)),
                Err(Refusal::Lasting(error)) => return Err(error),
                Err(Refusal::Passing { error, pause }) => (error, pause),
            };
            if spent >= self.terms.patience {
                return Err(error.context(format!("given up after {} s", spent.as_secs())));
            }
            let stretched = pause.mul_f64(1.0 + (self.terms.chance)() / 2.0);
            let wait = asked.map_or(stretched, |it| it.clamp(stretched, PAUSE_MAX));
            tracing::warn!(
                path,
                error = chain(error.as_ref()),
                "not answered well, sending again"
            );
            self.rest(wait)?;
            self.tally.repeats += u64::from(body.is_some());
            spent += wait;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Waits, unless told to stop.
    fn rest(&self, wait: Duration) -> anyhow::Result<()> {
        let mut left = wait;
        while !left.is_zero() {
            if self.terms.stop.load(Ordering::Relaxed) {
                bail!("stopped while the server did not answer well");
            }
            let step = left.min(STEP);
            sleep(step);
            left -= step;
        }
        Ok(())
    }
}

/// Warns of teams that were made of names that nobody knew.
fn tell_added(key: &str, game: &Value, answer: &Value) {
    for team in answer["teams_added"].as_array().into_iter().flatten() {
        tracing::warn!(
            team = team.as_str(),
            fixture = key,
            home = %game["home"],
            away = %game["away"],
            "a name that nobody knew is a new team: look whether it is mistyped"
        );
    }
}

/// What is wrong with which entry of a batch.
fn faults(problem: &Value) -> BTreeMap<usize, String> {
    let mut faults = BTreeMap::new();
    for fault in problem["errors"].as_array().into_iter().flatten() {
        let place = fault["pointer"].as_str().unwrap_or_default();
        let Some(rest) = place.strip_prefix("/data/") else {
            continue;
        };
        let (index, field) = rest.split_once('/').unwrap_or((rest, ""));
        if let Ok(index) = index.parse() {
            let said = fault["detail"].as_str().unwrap_or_default();
            let reason = match field {
                "" => said.to_owned(),
                field => format!("{field}: {said}"),
            };
            faults.entry(index).or_insert(reason);
        }
    }
    faults
}

/// A problem in words.
fn detail(problem: &Value) -> String {
    if let Some(reason) = faults(problem).into_values().next() {
        return reason;
    }
    let text = problem["detail"].as_str().or(problem["title"].as_str());
    text.unwrap_or("the server refuses it").to_owned()
}

#[cfg(test)]
mod tests;
