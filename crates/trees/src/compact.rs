//! Our own format: numbers in little-endian order behind lengths, opened where they lie.
//!
//! Whatever a number indexes is checked when it is read; bytes that do not add up are refused
//! with the place of the first that does not.

use crate::quantise::missing_of;
use crate::{
    Aggregate, Base, Categories, Ensemble, Link, Node, Precision, ReadError, Split, Test, Tree,
};

/// The first bytes of the format; the last is its version.
pub(crate) const MAGIC: [u8; 8] = *b"spetree\x03";

/// Puts numbers behind each other.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn u8(&mut self, it: u8) {
        self.bytes.push(it);
    }

    pub(crate) fn u16(&mut self, it: u16) {
        self.bytes.extend(it.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, it: u32) {
        self.bytes.extend(it.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, it: u64) {
        self.bytes.extend(it.to_le_bytes());
    }

    pub(crate) fn f64(&mut self, it: f64) {
        self.u64(it.to_bits());
    }

    pub(crate) fn len(&mut self, it: usize) {
        self.u64(it as u64);
    }

    /// A length, and so many bytes from the next multiple of 64 on.
    pub(crate) fn block(&mut self, block: &[u8]) {
        self.bytes.reserve(block.len() + 72);
        self.block_of(|to| to.bytes.extend_from_slice(block));
    }

    /// The same of what is written then and there.
    pub(crate) fn block_of(&mut self, write: impl FnOnce(&mut Self)) {
        let place = self.bytes.len();
        self.len(0);
        let start = self.bytes.len().next_multiple_of(64);
        self.bytes.resize(start, 0);
        write(self);
        let length = (self.bytes.len() - start) as u64;
        self.bytes[place..place + 8].copy_from_slice(&length.to_le_bytes());
    }
}

/// Takes numbers one after the other.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(crate) fn hold(&self, holds: bool, reason: &str) -> Result<(), ReadError> {
        if holds {
            Ok(())
        } else {
            Err(self.broken(reason))
        }
    }

    pub(crate) fn broken(&self, reason: &str) -> ReadError {
        ReadError::Malformed {
            place: format!("byte {}", self.at),
            reason: reason.to_owned(),
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], ReadError> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| self.broken("cut off"))?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("as many as were asked for"))
    }

    pub(crate) fn u8(&mut self) -> Result<u8, ReadError> {
        self.array::<1>().map(|[it]| it)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, ReadError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, ReadError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, ReadError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn f64(&mut self) -> Result<f64, ReadError> {
        self.u64().map(f64::from_bits)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, ReadError> {
        let it = self.u8()?;
        self.hold(it < 2, "neither yes nor no")?;
        Ok(it == 1)
    }

    pub(crate) fn missing(&mut self) -> Result<u8, ReadError> {
        let it = self.u8()?;
        self.hold(missing_of(it).is_some(), "no such rule for what is missing")?;
        Ok(it)
    }

    /// A count of things that take at least so many bytes each.
    pub(crate) fn len(&mut self, each: usize) -> Result<usize, ReadError> {
        let it = self.u64()?;
        let rest = (self.bytes.len() - self.at) as u64;
        let fits = it.checked_mul(each as u64).is_some_and(|it| it <= rest);
        self.hold(fits, "longer than the file")?;
        usize::try_from(it).map_err(|_| self.broken("longer than memory"))
    }

    pub(crate) fn many<T>(
        &mut self,
        each: usize,
        mut one: impl FnMut(&mut Self) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let count = self.len(each)?;
        (0..count).map(|_| one(self)).collect()
    }

    /// Where a block lies.
    pub(crate) fn block(&mut self) -> Result<std::ops::Range<usize>, ReadError> {
        let count = self.len(1)?;
        self.at = self.at.next_multiple_of(64).min(self.bytes.len());
        let from = self.at;
        self.take(count)?;
        Ok(from..self.at)
    }

    pub(crate) fn end(&self) -> Result<(), ReadError> {
        self.hold(self.at == self.bytes.len(), "more than a model")
    }
}

/// Everything of an ensemble but its trees.
pub(crate) fn write_head(head: &Ensemble, to: &mut Writer) {
    to.len(head.feature_names.len());
    for name in &head.feature_names {
        to.len(name.len());
        to.bytes.extend_from_slice(name.as_bytes());
    }
    to.len(head.outputs);
    to.u8(u8::from(head.precision == Precision::Single));
    let (last, base) = match &head.base {
        Base::First(base) => (0, base),
        Base::Last(base) => (1, base),
    };
    to.u8(last);
    to.len(base.len());
    base.iter().for_each(|it| to.f64(*it));
    let (code, number) = match head.aggregate {
        Aggregate::Sum => (0, 0.0),
        Aggregate::Mean(by) => (1, by),
        Aggregate::Min => (2, 0.0),
        Aggregate::Max => (3, 0.0),
    };
    to.u8(code);
    to.f64(number);
    let (code, number) = link_code(head.link);
    to.u8(code);
    to.f64(number);
}

fn link_code(link: Link) -> (u8, f64) {
    match link {
        Link::Identity => (0, 0.0),
        Link::Sigmoid { slope } => (1, slope),
        Link::Exponential => (2, 0.0),
        Link::Softmax => (3, 0.0),
        Link::SigmoidEach { slope } => (4, slope),
        Link::LogOnePlusExp => (5, 0.0),
        Link::SignedSquare => (6, 0.0),
        Link::Probit => (7, 0.0),
        Link::SoftmaxZero => (8, 0.0),
        Link::Step => (9, 0.0),
        Link::SigmoidPair => (10, 0.0),
        Link::IdentityPair => (11, 0.0),
        Link::Logistic => (12, 0.0),
        Link::SoftmaxSingle => (13, 0.0),
        Link::OppositePair => (14, 0.0),
        Link::Class => (15, 0.0),
    }
}

fn link_of(code: u8, number: f64) -> Option<Link> {
    Some(match code {
        0 => Link::Identity,
        1 => Link::Sigmoid { slope: number },
        2 => Link::Exponential,
        3 => Link::Softmax,
        4 => Link::SigmoidEach { slope: number },
        5 => Link::LogOnePlusExp,
        6 => Link::SignedSquare,
        7 => Link::Probit,
        8 => Link::SoftmaxZero,
        9 => Link::Step,
        10 => Link::SigmoidPair,
        11 => Link::IdentityPair,
        12 => Link::Logistic,
        13 => Link::SoftmaxSingle,
        14 => Link::OppositePair,
        15 => Link::Class,
        _ => return None,
    })
}

/// Everything of an ensemble but its trees.
pub(crate) fn read_head(from: &mut Reader<'_>) -> Result<Ensemble, ReadError> {
    let feature_names = from.many(8, |from| {
        let count = from.len(1)?;
        let name = std::str::from_utf8(from.take(count)?);
        name.map(str::to_owned)
            .map_err(|_| from.broken("a name that is no text"))
    })?;
    let outputs = from.len(0)?;
    let precision = match from.flag()? {
        true => Precision::Single,
        false => Precision::Double,
    };
    let last = from.flag()?;
    let base = from.many(8, Reader::f64)?;
    from.hold(
        outputs > 0 && base.len() == outputs,
        "not one base per output",
    )?;
    let base = if last {
        Base::Last(base)
    } else {
        Base::First(base)
    };
    let (code, number) = (from.u8()?, from.f64()?);
    let aggregate = match code {
        0 => Aggregate::Sum,
        1 => Aggregate::Mean(number),
        2 => Aggregate::Min,
        3 => Aggregate::Max,
        _ => return Err(from.broken("no such aggregate")),
    };
    let (code, number) = (from.u8()?, from.f64()?);
    let link = link_of(code, number).ok_or_else(|| from.broken("no such link"))?;
    let head = Ensemble {
        feature_names,
        outputs,
        precision,
        base,
        trees: Vec::new(),
        aggregate,
        link,
    };
    from.hold(
        outputs == 1 || head.predictions() <= outputs,
        "a pair of more than one output",
    )?;
    Ok(head)
}

/// The trees of an ensemble.
/// Bytes of a leaf.
const LEAF: usize = 17;
/// Bytes of a split before its threshold or set.
const SPLIT: usize = 22;

pub(crate) fn write_trees(trees: &[Tree], to: &mut Writer) {
    let nodes: usize = trees.iter().map(|tree| tree.nodes.len()).sum();
    // Half of the nodes are splits, most of them with a threshold.
    to.bytes
        .reserve(nodes * (LEAF + SPLIT + 8) / 2 + trees.len() * 12 + 8);
    to.len(trees.len());
    for tree in trees {
        to.u32(tree.output);
        to.len(tree.nodes.len());
        for node in &tree.nodes {
            match node {
                Node::Leaf { value, cover } => {
                    let mut leaf = [u8::MAX; LEAF];
                    leaf[1..9].copy_from_slice(&value.to_le_bytes());
                    leaf[9..].copy_from_slice(&cover.to_le_bytes());
                    to.bytes.extend_from_slice(&leaf);
                }
                Node::Split(split) => write_split(split, to),
            }
        }
    }
}

fn write_split(split: &Split, to: &mut Writer) {
    let (code, number, set) = match &split.test {
        Test::AtMost(it) => (0, *it, None),
        Test::Below(it) => (1, *it, None),
        Test::Equal(it) => (2, *it, None),
        Test::Member(it) => (3, 0.0, Some(it)),
    };
    let mut head = [0; SPLIT];
    head[0] = code;
    head[1] = crate::quantise::missing_code(split.missing);
    head[2..6].copy_from_slice(&split.feature.to_le_bytes());
    head[6..10].copy_from_slice(&split.left.to_le_bytes());
    head[10..14].copy_from_slice(&split.right.to_le_bytes());
    head[14..].copy_from_slice(&split.cover.to_le_bytes());
    to.bytes.extend_from_slice(&head);
    match set {
        None => to.f64(number),
        Some(set) => {
            to.u8(u8::from(set.fraction_is_zero));
            to.len(set.words.len());
            set.words.iter().for_each(|it| to.u64(*it));
        }
    }
}

/// The trees of an ensemble with so many features and outputs.
pub(crate) fn read_trees(
    from: &mut Reader<'_>,
    features: usize,
    outputs: usize,
) -> Result<Vec<Tree>, ReadError> {
    from.many(12, |from| {
        let output = from.u32()?;
        from.hold((output as usize) < outputs, "no such output")?;
        let nodes = from.many(17, |from| read_node(from, features))?;
        from.hold(is_tree(&nodes), "nodes that make no tree")?;
        Ok(Tree { output, nodes })
    })
}

fn read_node(from: &mut Reader<'_>, features: usize) -> Result<Node, ReadError> {
    let code = from.u8()?;
    if code == u8::MAX {
        let (value, cover) = (from.f64()?, from.f64()?);
        return Ok(Node::Leaf { value, cover });
    }
    let missing = missing_of(from.missing()?).expect("just read");
    let (feature, left, right) = (from.u32()?, from.u32()?, from.u32()?);
    from.hold((feature as usize) < features, "no such feature")?;
    let cover = from.f64()?;
    let test = match code {
        0 => Test::AtMost(from.f64()?),
        1 => Test::Below(from.f64()?),
        2 => Test::Equal(from.f64()?),
        3 => {
            let fraction_is_zero = from.flag()?;
            let words = from.many(8, Reader::u64)?;
            Test::Member(Categories {
                words,
                fraction_is_zero,
            })
        }
        _ => return Err(from.broken("no such question")),
    };
    Ok(Node::Split(Split {
        feature,
        test,
        missing,
        left,
        right,
        cover,
    }))
}

/// Whether every node but the first is the child of exactly one that stands before it.
pub(crate) fn is_tree(nodes: &[Node]) -> bool {
    let mut parents = vec![0_u8; nodes.len()];
    for (node, at) in nodes.iter().zip(0_usize..) {
        if let Node::Split(split) = node {
            for child in [split.left as usize, split.right as usize] {
                match parents.get_mut(child) {
                    Some(count) if child > at => *count = count.saturating_add(1),
                    _ => return false,
                }
            }
        }
    }
    parents.first() == Some(&0) && parents[1..].iter().all(|count| *count == 1)
}
