//! Models made up from a seed, and folders of them.

use std::{fs, path::Path, time::Duration};

use inference::{
    DataType, Eviction, InferReply, InferRequest, ServerOptions, Tensor, Values, VersionRef,
};
use trees::{
    Aggregate, Base, Ensemble, Link, Missing, Model, Node, Precision, Side, Split, Test, Tree,
};

pub(crate) const FEATURES: usize = 30;

/// Numbers that look drawn at random: `SplitMix64`.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let it = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        it ^ (it >> 31)
    }

    /// Between 0 and 1.
    pub(crate) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Which of so many is asked: the first most, the nth a nth as often.
pub(crate) struct Zipf(Vec<f64>);

impl Zipf {
    pub(crate) fn new(count: usize) -> Self {
        let mut sum = 0.0;
        let sums = (1..=count).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        Self(sums.collect())
    }

    pub(crate) fn draw(&self, chance: &mut Chance) -> usize {
        let all = self.0.last().copied().unwrap_or(0.0);
        let at = chance.share() * all;
        self.0.partition_point(|it| *it < at).min(self.0.len() - 1)
    }
}

/// A model of so many trees of so many leaves; every answer is `answer` where that is given.
pub(crate) fn model(seed: u64, trees: usize, leaves: usize, answer: Option<f64>) -> Vec<u8> {
    let mut chance = Chance(seed);
    let trees = (0..trees)
        .map(|_| {
            let mut nodes = Vec::new();
            grow(&mut nodes, leaves, answer.is_some(), &mut chance);
            Tree { output: 0, nodes }
        })
        .collect();
    let compact = Model::new(Ensemble {
        feature_names: (0..FEATURES).map(|it| format!("f{it}")).collect(),
        outputs: 1,
        precision: Precision::Double,
        base: Base::First(vec![answer.unwrap_or(0.0)]),
        trees,
        aggregate: Aggregate::Sum,
        link: Link::Identity,
    });
    compact.to_compact()
}

fn grow(nodes: &mut Vec<Node>, leaves: usize, zero: bool, chance: &mut Chance) -> usize {
    let at = nodes.len();
    let cover = leaves as f64;
    if leaves == 1 {
        let value = if zero { 0.0 } else { chance.share() - 0.5 };
        nodes.push(Node::Leaf { value, cover });
        return at;
    }
    nodes.push(Node::Leaf { value: 0.0, cover });
    let less = 1 + chance.next() as usize % (leaves - 1);
    let left = grow(nodes, less, zero, chance);
    let right = grow(nodes, leaves - less, zero, chance);
    nodes[at] = Node::Split(Split {
        feature: (chance.next() as usize % FEATURES) as _,
        test: Test::AtMost(chance.share() * 6.0 - 3.0),
        missing: Missing::Nan(Side::Left),
        left: left as _,
        right: right as _,
        cover,
    });
    at
}

/// Puts a version into a folder of models in one step.
pub(crate) fn put(folder: &Path, name: &str, version: u64, bytes: &[u8]) {
    let path = folder.join(name).join(version.to_string());
    fs::create_dir_all(&path).expect("a folder that can be written");
    let beside = path.join("beside");
    fs::write(&beside, bytes).expect("room on the disk");
    fs::rename(beside, path.join("model.trees")).expect("the same filesystem");
}

pub(crate) fn options(folder: &Path, budget_bytes: u64) -> ServerOptions {
    ServerOptions {
        folder: folder.to_owned(),
        poll_every: None,
        budget_bytes,
        eviction: Eviction::Lru,
        loads_max: 4,
        load_wait_max: Duration::from_secs(30),
        load_backoff: Duration::from_secs(1),
        load_backoff_max: Duration::from_secs(60),
        requests_max: 1_024,
        threads: 2,
        direct_max: Duration::from_micros(50),
        upload_bytes_max: 1 << 30,
        results_bytes_max: 0,
    }
}

pub(crate) fn ask(model: &str, rows: usize, chance: &mut Chance) -> InferRequest {
    let values = (0..rows * FEATURES).map(|_| chance.share() * 6.0 - 3.0);
    InferRequest {
        model: model.to_owned(),
        version: VersionRef::Serving,
        inputs: vec![Tensor {
            name: "input".to_owned(),
            datatype: DataType::Fp64,
            shape: vec![rows as u64, FEATURES as u64],
            values: Values::Fp64(values.collect()),
        }],
        outputs: Vec::new(),
        key: None,
        priority: 0,
        deadline: None,
        explain: false,
    }
}

pub(crate) fn numbers(reply: &InferReply) -> &[f64] {
    match &reply.outputs[0].values {
        Values::Fp64(it) => it,
        other => panic!("{other:?}"),
    }
}

/// Memory of the process that is in use, bytes.
pub(crate) fn resident_bytes() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = text.split(' ').nth(1).and_then(|it| it.parse::<u64>().ok());
    pages.expect("the second number counts pages") * 4_096
}

/// Time of the process on processors.
pub(crate) fn processor() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").expect("Linux");
    let after = text.rsplit(") ").next().unwrap_or("");
    let ticks: u64 = after
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|it| it.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// The value below which this share of times lies; sorts them.
pub(crate) fn quantile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    let at = (times.len() as f64 * share) as usize;
    times
        .get(at.min(times.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}
