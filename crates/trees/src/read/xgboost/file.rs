//! What of XGBoost's file is read, under its names; the rest is passed over.
//!
//! XGBoost writes `NaN` and `Infinity` into its JSON, which JSON does not have. They are read as
//! arrays, which take no more room, so that places in the file stay what they are.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, de};

#[derive(Debug, Deserialize)]
pub(super) struct File {
    pub(super) learner: Learner,
}

#[derive(Debug, Deserialize)]
pub(super) struct Learner {
    #[serde(default)]
    pub(super) attributes: Attributes,
    #[serde(default)]
    pub(super) feature_names: Vec<String>,
    pub(super) gradient_booster: Booster,
    pub(super) learner_model_param: Parameters,
    pub(super) objective: Objective,
}

/// What was noted of a training, as texts.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Attributes {
    pub(super) best_iteration: Option<String>,
    /// Written by the scikit-learn interface alone.
    pub(super) scikit_learn: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Objective {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    pub(super) base_score: String,
    pub(super) num_class: String,
    pub(super) num_feature: String,
    pub(super) num_target: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Booster {
    pub(super) name: String,
    pub(super) model: Option<Trees>,
    /// The trees of `dart`.
    pub(super) gbtree: Option<Inner>,
    /// What each tree of `dart` counts.
    #[serde(default)]
    pub(super) weight_drop: Vec<Real>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Inner {
    pub(super) model: Option<Trees>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Trees {
    #[serde(default)]
    pub(super) gbtree_model_param: TreesParameters,
    /// Where each iteration's trees begin, and where the last one's end; from version 2.0 on.
    #[serde(default)]
    pub(super) iteration_indptr: Vec<usize>,
    #[serde(default)]
    pub(super) tree_info: Vec<u32>,
    #[serde(default)]
    pub(super) trees: Vec<Columns>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct TreesParameters {
    pub(super) num_parallel_tree: Option<String>,
}

/// A tree: columns of numbers, a node in each place.
#[derive(Debug, Deserialize)]
pub(super) struct Columns {
    pub(super) left_children: Vec<i32>,
    pub(super) right_children: Vec<i32>,
    pub(super) split_indices: Vec<u32>,
    pub(super) split_conditions: Vec<Real>,
    pub(super) default_left: Vec<Flag>,
    #[serde(default)]
    pub(super) split_type: Vec<u8>,
    #[serde(default)]
    pub(super) sum_hessian: Vec<Real>,
    #[serde(default)]
    pub(super) categories: Vec<u32>,
    #[serde(default)]
    pub(super) categories_nodes: Vec<u32>,
    #[serde(default)]
    pub(super) categories_segments: Vec<usize>,
    #[serde(default)]
    pub(super) categories_sizes: Vec<usize>,
    #[serde(default)]
    pub(super) tree_param: TreeParameters,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct TreeParameters {
    pub(super) size_leaf_vector: Option<String>,
}

/// Yes or no, which versions write as a boolean or as a number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flag(pub(super) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Flag;

            fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                to.write_str("yes or no")
            }

            fn visit_bool<E: de::Error>(self, it: bool) -> Result<Flag, E> {
                Ok(Flag(it))
            }

            fn visit_u64<E: de::Error>(self, it: u64) -> Result<Flag, E> {
                Ok(Flag(it != 0))
            }

            fn visit_i64<E: de::Error>(self, it: i64) -> Result<Flag, E> {
                Ok(Flag(it != 0))
            }
        }
        from.deserialize_any(Visitor)
    }
}

/// A number, possibly none or beyond all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Real(pub(super) f32);

impl<'de> Deserialize<'de> for Real {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Real;

            fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                to.write_str("a number")
            }

            fn visit_f32<E: de::Error>(self, it: f32) -> Result<Real, E> {
                Ok(Real(it))
            }

            fn visit_f64<E: de::Error>(self, it: f64) -> Result<Real, E> {
                Ok(Real(it as f32))
            }

            fn visit_u64<E: de::Error>(self, it: u64) -> Result<Real, E> {
                Ok(Real(it as f32))
            }

            fn visit_i64<E: de::Error>(self, it: i64) -> Result<Real, E> {
                Ok(Real(it as f32))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut from: A) -> Result<Real, A::Error> {
                let sign = from.next_element::<f32>()?;
                Ok(Real(sign.map_or(f32::NAN, |it| it / 0.0)))
            }
        }
        from.deserialize_any(Visitor)
    }
}

/// JSON in which numbers that JSON does not have are arrays: `NaN` an empty one, the infinities
/// one of their sign.
pub(super) fn plain_json(bytes: &[u8]) -> Cow<'_, [u8]> {
    const WORDS: [(&[u8], &[u8]); 3] = [
        (b"NaN", b"[] "),
        (b"-Infinity", b"[-1]     "),
        (b"Infinity", b"[1]     "),
    ];
    let mut made = Cow::Borrowed(bytes);
    let (mut at, mut in_text) = (0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'N' | b'I' | b'-' if !in_text => {
                let found = WORDS.iter().find(|it| bytes[at..].starts_with(it.0));
                if let Some((word, array)) = found {
                    made.to_mut()[at..][..word.len()].copy_from_slice(array);
                    at += word.len() - 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    made
}
