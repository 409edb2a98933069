//! What a model file says, in one form for every library: trees of splits, with the library's own
//! arithmetic spelled out.
//!
//! Readers make it, kernels compile it, explanations walk it. Refuses what cannot be scored.

/// A tree ensemble as its file describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    /// One name per feature, in order of column; made up (`f0`, `f1`, …) where the file has none.
    pub feature_names: Vec<String>,
    /// Raw scores per row: one per class, or one.
    pub outputs: usize,
    /// In which arithmetic features are compared and leaves added up.
    pub precision: Precision,
    /// What every row's score begins or ends with, one per output.
    pub base: Base,
    /// Trees in the order in which the library adds them up.
    pub trees: Vec<Tree>,
    /// How trees of one output are put together.
    pub aggregate: Aggregate,
    /// From raw scores to predictions.
    pub link: Link,
}

/// The arithmetic of the library that made the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Features, thresholds and sums in `f64`, as LightGBM.
    Double,
    /// Features rounded to `f32` before they are compared, sums in `f32`, as XGBoost and ONNX.
    Single,
}

/// What a row's raw score has besides its leaves, one per output.
#[derive(Debug, Clone, PartialEq)]
pub enum Base {
    /// The sum begins with it.
    First(Vec<f64>),
    /// It is added to the sum.
    Last(Vec<f64>),
}

/// How the leaves of one output's trees become its raw score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aggregate {
    /// Added up.
    Sum,
    /// Added up and divided by this number.
    Mean(f64),
    /// The least.
    Min,
    /// The greatest.
    Max,
}

/// From raw scores to predictions, in the arithmetic of [`Precision`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Link {
    /// The score itself.
    Identity,
    /// `1 / (1 + exp(-slope * score))`.
    Sigmoid {
        /// The slope; one but for LightGBM's `sigmoid` parameter.
        slope: f64,
    },
    /// `exp(score)`.
    Exponential,
    /// `exp(score) / sum(exp(score))` over outputs.
    Softmax,
    /// A sigmoid for each output, divided by nothing: one against all.
    SigmoidEach {
        /// The slope of each.
        slope: f64,
    },
    /// `ln(1 + exp(score))`, LightGBM's `cross_entropy_lambda`.
    LogOnePlusExp,
    /// `sign(score) * score * score`, LightGBM's `sqrt` regression.
    SignedSquare,
    /// The standard normal quantile, ONNX `PROBIT`.
    Probit,
    /// ONNX `LOGISTIC`: a sigmoid for each output, as ONNX Runtime computes it.
    Logistic,
    /// ONNX `SOFTMAX`, as ONNX Runtime computes it.
    SoftmaxSingle,
    /// ONNX `SOFTMAX_ZERO`: a softmax over outputs that are not zero; zeros stay.
    SoftmaxZero,
    /// `1` where the score is above zero, else `0`, XGBoost's `binary:hinge`.
    Step,
    /// A binary score made two probabilities `[1 - p, p]` with `p = sigmoid(score)`; the model has
    /// one raw score and two predictions, as ONNX classifiers of two classes have.
    SigmoidPair,
    /// A binary score made two columns `[1 - p, p]` with `p` the score itself.
    IdentityPair,
    /// A binary score made two columns `[-score, score]`, as ONNX Runtime writes one that is
    /// no probability.
    OppositePair,
    /// The number of the output with the greatest score, the first of equals: one prediction out
    /// of many scores, XGBoost's `multi:softmax`.
    Class,
}

/// A tree; node 0 is its root, children stand after their parent.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// Which output it adds to.
    pub output: u32,
    /// Its nodes.
    pub nodes: Vec<Node>,
}

/// A node of a tree.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// What a row that comes to rest here adds.
    Leaf {
        /// The value.
        value: f64,
        /// Training rows (or their weight) that came to rest here; not a number where the file
        /// does not say.
        cover: f64,
    },
    /// A question.
    Split(Split),
}

/// A question about one feature: left where the answer is yes.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// Which feature.
    pub feature: u32,
    /// What is asked.
    pub test: Test,
    /// What counts as missing, and where it goes.
    pub missing: Missing,
    /// Index of the child for yes.
    pub left: u32,
    /// Index of the child for no.
    pub right: u32,
    /// Training rows (or their weight) that came by; not a number where the file does not say.
    pub cover: f64,
}

/// What is asked of a feature's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `value <= threshold`.
    AtMost(f64),
    /// `value < threshold`.
    Below(f64),
    /// `value == threshold`.
    Equal(f64),
    /// The value, cut to a whole number, is one of these.
    Member(Categories),
}

/// A set of categories. What is negative, beyond it or not finite is not a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Categories {
    /// Bit `i % 64` of word `i / 64` stands for category `i`.
    pub words: Vec<u64>,
    /// Whether values in (-1, 0) count as category 0, as a cut towards zero makes them (LightGBM),
    /// or as no category (XGBoost).
    pub fraction_is_zero: bool,
}

/// What counts as missing at a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Nothing: NaN is read as zero.
    Nothing,
    /// NaN.
    Nan(Side),
    /// NaN, and what lies within 1e-35 (as an `f32`) of zero.
    NanAndZero(Side),
}

/// A child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The child for yes.
    Left,
    /// The child for no.
    Right,
}

impl Ensemble {
    /// Features a row has.
    pub fn features(&self) -> usize {
        self.feature_names.len()
    }

    /// Predictions a row gets.
    pub fn predictions(&self) -> usize {
        match self.link {
            Link::SigmoidPair | Link::IdentityPair | Link::OppositePair => 2 * self.outputs,
            Link::Class => 1,
            _ => self.outputs,
        }
    }
}
