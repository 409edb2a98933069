//! Where a stage's trees are: here, or with a server of models.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use trees::Model;

use super::{contributions, score};

/// A version in a repository of models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelVersion {
    /// Its model.
    pub name: String,
    /// Its number.
    pub version: u64,
    /// SHA-256 of its file, hex.
    pub sha256: String,
}

/// Asks models that are kept elsewhere.
pub trait Scorer: std::fmt::Debug + Send + Sync {
    /// A row's raw scores by a version; `None` where it cannot be asked.
    fn score(&self, version: &ModelVersion, row: &[f64]) -> Option<Vec<f64>>;

    /// What moved a row's raw scores: for each score one number per feature, then what they begin
    /// with; `None` where it cannot be asked.
    fn contributions(&self, version: &ModelVersion, row: &[f64]) -> Option<Vec<f64>>;
}

/// Where trees are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Saved {
    /// In memory; written out with what refers to them.
    Here(Compiled),
    /// With a server of models.
    Pushed(ModelVersion),
}

impl Saved {
    pub(super) fn here(model: Model) -> Self {
        Self::Here(Compiled(Arc::new(model)))
    }

    pub(super) fn score(&self, row: &[f64], scorer: Option<&dyn Scorer>) -> Option<Vec<f64>> {
        match self {
            Self::Here(model) => score(&model.0, row),
            Self::Pushed(version) => scorer?.score(version, row),
        }
    }

    pub(super) fn contributions(
        &self,
        row: &[f64],
        scorer: Option<&dyn Scorer>,
    ) -> Option<Vec<f64>> {
        match self {
            Self::Here(model) => contributions(&model.0, row),
            Self::Pushed(version) => scorer?.contributions(version, row),
        }
    }
}

/// Trees ready to be asked; equal where their compact form is. Written as its bytes in hex.
#[derive(Debug, Clone)]
pub(super) struct Compiled(Arc<Model>);

impl Compiled {
    pub(super) fn to_compact(&self) -> Vec<u8> {
        self.0.to_compact()
    }
}

impl PartialEq for Compiled {
    fn eq(&self, other: &Self) -> bool {
        self.to_compact() == other.to_compact()
    }
}

impl Serialize for Compiled {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hex: String = self
            .to_compact()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        serializer.serialize_str(&hex)
    }
}

impl<'de> Deserialize<'de> for Compiled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = String::deserialize(deserializer)?;
        let bytes = from_hex(&hex).ok_or_else(|| D::Error::custom("trees are not in hex"))?;
        let model = Model::open(Arc::new(bytes)).map_err(D::Error::custom)?;
        Ok(Self(Arc::new(model)))
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |it: u8| char::from(it).to_digit(16);
    let byte = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(16 * digit(*high)? + digit(*low)?).ok(),
        _ => None,
    };
    text.as_bytes().chunks(2).map(byte).collect()
}
