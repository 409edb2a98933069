//! LightGBM's text models, versions 2 to 4. Linear trees are refused.

mod objective;
mod tree;

use std::num::NonZeroUsize;
use std::thread;

use crate::{
    Aggregate, Base, Ensemble, Precision, ReadError, Tree,
    check::{OUTPUTS_MAX, malformed},
};

use self::tree::read_tree;

/// Trees from which a second thread pays: it takes about as long to begin as thirty to read.
const TREES_EACH: usize = 100;
/// Threads at most.
const THREADS_MAX: usize = 4;

/// Lines of `key=value`. A part of a model has some twenty, which are looked through faster than
/// they are hashed.
pub(crate) struct Fields<'a> {
    place: String,
    lines: Vec<Line<'a>>,
}

/// A line, and its number in the file.
struct Line<'a> {
    number: usize,
    key: &'a str,
    value: &'a str,
}

/// Reads a model's text.
pub(crate) fn read(bytes: &[u8]) -> Result<Ensemble, ReadError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| malformed(&format!("byte {}", error.valid_up_to()), "it is not text"))?;
    let mut lines = lines(text);
    let mut header = Fields::new("header");
    let mut current: Option<Fields<'_>> = None;
    let mut trees: Vec<Fields<'_>> = Vec::new();
    let mut ended = false;
    for (number, line) in lines.by_ref() {
        if line == "end of trees" {
            ended = true;
            break;
        }
        if let Some(index) = line.strip_prefix("Tree=") {
            trees.extend(current.take());
            current = Some(Fields::new(&format!("line {number}, tree {index}")));
        } else {
            current.as_mut().unwrap_or(&mut header).add(number, line);
        }
    }
    trees.extend(current);
    if !ended {
        return Err(malformed(
            "end of file",
            "the line \"end of trees\" is missing",
        ));
    }
    ensemble(&header, &trees)
}

/// Lines with their numbers, without white space at their ends.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]);
    let mut start = 0;
    (1..).zip(ends).map(move |(number, end)| {
        let line = &text[start..end];
        start = (end + 1).min(text.len());
        (number, line.trim_end())
    })
}

fn ensemble(header: &Fields<'_>, trees: &[Fields<'_>]) -> Result<Ensemble, ReadError> {
    let outputs: usize = header.number("num_tree_per_iteration")?;
    if outputs == 0 || outputs > OUTPUTS_MAX {
        let reason = format!("{outputs} is not from 1 to {OUTPUTS_MAX}");
        return Err(header.fault("num_tree_per_iteration", &reason));
    }
    let features: usize = header.number::<usize>("max_feature_idx")?.saturating_add(1);
    let feature_names: Vec<String> = match header.get("feature_names") {
        Some(names) => names
            .split(' ')
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .collect(),
        None => Vec::new(),
    };
    if feature_names.len() != features {
        let reason = format!("{} names for {features} features", feature_names.len());
        return Err(header.fault("feature_names", &reason));
    }
    if !trees.len().is_multiple_of(outputs) {
        let reason = format!("{outputs} do not divide {} trees", trees.len());
        return Err(header.fault("num_tree_per_iteration", &reason));
    }
    let mean = header.get("average_output").is_some() && !trees.is_empty();
    #[expect(
        clippy::cast_precision_loss,
        reason = "a file holds far fewer than 2^53 trees"
    )]
    let rounds = (trees.len() / outputs) as f64;
    Ensemble {
        feature_names,
        outputs,
        precision: Precision::Double,
        base: Base::First(vec![0.0; outputs]),
        trees: read_trees(trees, outputs)?,
        aggregate: if mean {
            Aggregate::Mean(rounds)
        } else {
            Aggregate::Sum
        },
        link: objective::link(header)?,
    }
    .checked()
}

/// Reads trees, many of them on several threads.
fn read_trees(trees: &[Fields<'_>], outputs: usize) -> Result<Vec<Tree>, ReadError> {
    let read = |from: usize, trees: &[Fields<'_>]| {
        let read = |(index, fields): (usize, &Fields<'_>)| {
            let output =
                u32::try_from(index % outputs).expect("outputs are fewer than trees in a file");
            read_tree(fields, output)
        };
        (from..).zip(trees).map(read).collect::<Result<Vec<_>, _>>()
    };
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = (trees.len() / TREES_EACH).clamp(1, processors.min(THREADS_MAX));
    let each = trees.len().div_ceil(threads).max(1);
    let mut parts = trees.chunks(each).zip((0..).step_by(each));
    let first = parts.next();
    thread::scope(|scope| {
        let others: Vec<_> = parts
            .map(|(part, from)| scope.spawn(move || read(from, part)))
            .collect();
        let mut all = first.map_or(Ok(Vec::new()), |(part, from)| read(from, part))?;
        for other in others {
            let part = other.join().expect("reading does not panic");
            all.extend(part?);
        }
        Ok(all)
    })
}

impl<'a> Fields<'a> {
    fn new(place: &str) -> Self {
        Self {
            place: place.to_owned(),
            lines: Vec::with_capacity(24),
        }
    }

    /// Takes a line; one without `=` is a word that stands for itself.
    fn add(&mut self, number: usize, line: &'a str) {
        if !line.is_empty() {
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            self.lines.push(Line { number, key, value });
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'a str> {
        self.line(key).map(|it| it.value)
    }

    /// The last line with a key.
    fn line(&self, key: &str) -> Option<&Line<'a>> {
        self.lines.iter().rev().find(|it| it.key == key)
    }

    /// One number that has to be there.
    pub(crate) fn number<T: std::str::FromStr>(&self, key: &str) -> Result<T, ReadError> {
        let Some(text) = self.get(key) else {
            return Err(self.fault(key, "it is missing"));
        };
        text.trim()
            .parse()
            .map_err(|_| self.fault(key, &format!("{text:?} is no such number")))
    }

    /// `count` numbers that have to be there.
    pub(crate) fn numbers<T: std::str::FromStr>(
        &self,
        key: &str,
        count: usize,
    ) -> Result<Vec<T>, ReadError> {
        let all = self.list(key, count)?;
        match all.len() {
            found if found == count => Ok(all),
            found => Err(self.fault(key, &format!("{found} numbers where {count} are due"))),
        }
    }

    /// Numbers, some `about` of them or however many; none where the key is missing.
    pub(crate) fn list<T: std::str::FromStr>(
        &self,
        key: &str,
        about: usize,
    ) -> Result<Vec<T>, ReadError> {
        let text = self.get(key).unwrap_or("");
        let mut all = Vec::with_capacity(about.min(text.len() / 2 + 1));
        for word in text.split_ascii_whitespace() {
            let Ok(number) = word.parse() else {
                return Err(self.fault(key, &format!("{word:?} is no such number")));
            };
            all.push(number);
        }
        Ok(all)
    }

    /// A fault with its place.
    pub(crate) fn fault(&self, key: &str, reason: &str) -> ReadError {
        let line = self
            .line(key)
            .map(|it| format!("line {}, ", it.number))
            .unwrap_or_default();
        let part = if line.is_empty() {
            format!("{}, ", self.place)
        } else {
            line
        };
        malformed(&format!("{part}{key}"), reason)
    }
}

#[cfg(test)]
mod tests;
