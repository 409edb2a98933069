//! Tree ensembles, by the `trees` crate.

use std::sync::Arc;

use trees::{Labels, Model, OnnxTrees, Precision, Rows, ShapeError};

use super::{Backend, RunError, winners};
use crate::{DataType, ModelConfig, Signature, Tensor, TensorSpec, Values};

/// A tree ensemble with names for what it takes and gives.
#[derive(Debug)]
pub(crate) struct TreesBackend {
    model: Model,
    platform: &'static str,
    /// Scores, and after them the label where there is one.
    signature: Signature,
    single: bool,
    /// The classes, where the signature has a label.
    labels: Option<Labels>,
}

/// What a file calls what it takes and gives.
#[derive(Debug)]
struct Names {
    input: String,
    scores: String,
    /// The label and its classes.
    label: Option<(String, Labels)>,
}

/// A matrix of rows as the model takes it.
enum Matrix<'a> {
    Single(&'a [f32]),
    Double(&'a [f64]),
    Made(Vec<f64>),
}

impl TreesBackend {
    /// Reads a model file; `kind` is the end of its name.
    pub(crate) fn read(
        bytes: Arc<Vec<u8>>,
        kind: &str,
        config: &ModelConfig,
    ) -> Result<Self, String> {
        let fault = |it: trees::ReadError| it.to_string();
        let (model, names) = match kind {
            "onnx" => {
                let read = OnnxTrees::read(&bytes).map_err(fault)?;
                let names = Names {
                    input: read.input,
                    scores: read.scores,
                    label: read.label.zip(read.labels),
                };
                (Model::new(read.ensemble), names)
            }
            _ => {
                let names = Names {
                    input: "input".to_owned(),
                    scores: "output".to_owned(),
                    label: None,
                };
                (Model::read(bytes).map_err(fault)?, names)
            }
        };
        let platform = match kind {
            "json" | "ubj" => "trees_xgboost",
            "onnx" => "trees_onnx",
            "trees" => "trees_compact",
            _ => "trees_lightgbm",
        };
        Self::new(model, names, platform, config)
    }

    /// Gives a model its names; refuses a signature that does not fit it.
    fn new(
        model: Model,
        names: Names,
        platform: &'static str,
        config: &ModelConfig,
    ) -> Result<Self, String> {
        let single = model.precision() == Precision::Single;
        let datatype = if single {
            DataType::Fp32
        } else {
            DataType::Fp64
        };
        let spec = |name: String, columns: usize| TensorSpec {
            name,
            datatype,
            shape: vec![-1, columns as i64],
        };
        let mut signature = Signature {
            inputs: vec![spec(names.input, model.features())],
            outputs: vec![spec(names.scores, model.predictions())],
            features: model.feature_names().to_vec(),
        };
        signature.outputs.extend(names.label.as_ref().map(label));
        if let Some(given) = &config.signature {
            signature = fit(signature, given)?;
        }
        let labelled = signature.outputs.len() > 1;
        let labels = names.label.map(|it| it.1).filter(|_| labelled);
        Ok(Self {
            model,
            platform,
            signature,
            single,
            labels,
        })
    }

    /// The inputs as one matrix: one tensor of rows × features, or one column per feature.
    fn matrix<'a>(&self, inputs: &'a [Tensor]) -> Result<(usize, Matrix<'a>), RunError> {
        let features = self.model.features();
        if let [input] = inputs
            && input.shape.len() == 2
            && input.shape[1] == features as u64
        {
            let rows = input.rows() as usize;
            return Ok((
                rows,
                match &input.values {
                    Values::Fp32(it) => Matrix::Single(it),
                    Values::Fp64(it) => Matrix::Double(it),
                    other => Matrix::Made(wide(&input.name, other)?),
                },
            ));
        }
        let rows = inputs.first().map_or(0, Tensor::rows) as usize;
        let mut made = vec![f64::NAN; rows * features];
        for (column, feature) in self.signature.features.iter().enumerate() {
            let input = inputs
                .iter()
                .find(|it| it.name == *feature)
                .ok_or_else(|| RunError::Rows(format!("there is no input {feature}")))?;
            let values = wide(feature, &input.values)?;
            if values.len() != rows {
                return Err(RunError::Rows(format!(
                    "input {feature} has {} values where {rows} rows are asked",
                    values.len()
                )));
            }
            for (row, value) in values.into_iter().enumerate() {
                made[row * features + column] = value;
            }
        }
        Ok((rows, Matrix::Made(made)))
    }
}

fn label((name, labels): &(String, Labels)) -> TensorSpec {
    TensorSpec {
        name: name.clone(),
        datatype: match labels {
            Labels::Numbers(_) => DataType::Int64,
            Labels::Texts(_) => DataType::Bytes,
        },
        shape: vec![-1],
    }
}

/// A signature as users want it, where it fits the model: other names, or a column per feature.
/// The label has the file's name, and is given where it is named.
fn fit(own: Signature, given: &Signature) -> Result<Signature, String> {
    let wanted = own.features.len();
    let columns = |it: &TensorSpec| it.shape.get(1).copied().unwrap_or(1);
    let features = if given.features.is_empty() {
        own.features.clone()
    } else {
        given.features.clone()
    };
    if features.len() != wanted {
        return Err(format!(
            "the signature names {} features where the model has {wanted}",
            features.len()
        ));
    }
    let whole = matches!(given.inputs.as_slice(), [it] if columns(it) == wanted as i64);
    let apart = given.inputs.len() == wanted
        && features.iter().all(|name| {
            given
                .inputs
                .iter()
                .any(|it| it.name == *name && columns(it) == 1)
        });
    if !whole && !apart {
        return Err(format!(
            "the signature's inputs are neither one of {wanted} columns nor one per feature"
        ));
    }
    let label = own.outputs.get(1);
    let is_label = |it: &&TensorSpec| label.is_some_and(|own| own.name == it.name);
    let (labels, scores): (Vec<_>, Vec<_>) = given.outputs.iter().partition(is_label);
    match scores.as_slice() {
        [it] if columns(it) == columns(&own.outputs[0]) => {
            let scores = TensorSpec {
                name: it.name.clone(),
                ..own.outputs[0].clone()
            };
            let label = label.filter(|_| !labels.is_empty()).cloned();
            Ok(Signature {
                inputs: given.inputs.clone(),
                outputs: std::iter::once(scores).chain(label).collect(),
                features,
            })
        }
        _ => Err(format!(
            "the signature's output is not one of {} columns",
            columns(&own.outputs[0])
        )),
    }
}

fn wide(name: &str, values: &Values) -> Result<Vec<f64>, RunError> {
    Ok(match values {
        Values::Bool(it) => it.iter().map(|&it| f64::from(u8::from(it))).collect(),
        Values::Int64(it) => it.iter().map(|&it| it as f64).collect(),
        Values::Uint64(it) => it.iter().map(|&it| it as f64).collect(),
        Values::Fp32(it) => it.iter().copied().map(f64::from).collect(),
        Values::Fp64(it) => it.clone(),
        Values::Bytes(_) => {
            return Err(RunError::Rows(format!("input {name} is not numbers")));
        }
    })
}

/// What the class of each row is called.
fn classes(labels: &Labels, scores: &[f64], predictions: usize) -> Values {
    let winners = winners(scores, predictions);
    match labels {
        Labels::Numbers(it) => Values::Int64(winners.map(|at| it[at]).collect()),
        Labels::Texts(it) => {
            let names = winners.map(|at| it[at].clone().into_bytes());
            Values::Bytes(names.collect())
        }
    }
}

fn misfit(error: ShapeError) -> RunError {
    let said = error.to_string();
    match error {
        ShapeError::NoCover | ShapeError::NoSum | ShapeError::Deep { .. } => {
            RunError::Unsupported(said)
        }
        _ => RunError::Rows(said),
    }
}

impl Backend for TreesBackend {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn platform(&self) -> &'static str {
        self.platform
    }

    fn size_bytes(&self) -> u64 {
        (self.model.size_bytes() + size_of::<Self>()) as u64
    }

    fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, RunError> {
        let (rows, matrix) = self.matrix(inputs)?;
        let (features, predictions) = (self.model.features(), self.model.predictions());
        let mut out = vec![0.0; rows * predictions];
        match &matrix {
            Matrix::Single(it) => {
                let rows = Rows::strided(it, rows, features, features).map_err(misfit)?;
                self.model.predict_rows(rows, &mut out)
            }
            Matrix::Double(it) => {
                let rows = Rows::strided(it, rows, features, features).map_err(misfit)?;
                self.model.predict_rows(rows, &mut out)
            }
            Matrix::Made(it) => {
                let rows = Rows::strided(it, rows, features, features).map_err(misfit)?;
                self.model.predict_rows(rows, &mut out)
            }
        }
        .map_err(misfit)?;
        let tensor = |at: usize, shape: &[usize], values: Values| Tensor {
            name: self.signature.outputs[at].name.clone(),
            datatype: self.signature.outputs[at].datatype,
            shape: shape.iter().map(|&it| it as u64).collect(),
            values,
        };
        let labels = self
            .labels
            .as_ref()
            .map(|it| classes(it, &out, predictions));
        let scores = if self.single {
            Values::Fp32(out.into_iter().map(|it| it as f32).collect())
        } else {
            Values::Fp64(out)
        };
        let scores = tensor(0, &[rows, predictions], scores);
        let label = labels.map(|it| tensor(1, &[rows], it));
        Ok(std::iter::once(scores).chain(label).collect())
    }

    fn explain(&self, inputs: &[Tensor]) -> Result<Tensor, RunError> {
        let (rows, matrix) = self.matrix(inputs)?;
        let features = self.model.features();
        let mut out = vec![0.0; rows * self.model.contributions_width()];
        match &matrix {
            Matrix::Single(it) => {
                let rows = Rows::strided(it, rows, features, features).map_err(misfit)?;
                self.model.contributions(rows, &mut out)
            }
            Matrix::Double(it) => {
                let rows = Rows::strided(it, rows, features, features).map_err(misfit)?;
                self.model.contributions(rows, &mut out)
            }
            Matrix::Made(it) => {
                let rows = Rows::strided(it, rows, features, features).map_err(misfit)?;
                self.model.contributions(rows, &mut out)
            }
        }
        .map_err(misfit)?;
        Ok(Tensor {
            name: "contributions".to_owned(),
            datatype: DataType::Fp64,
            shape: [rows, self.model.outputs(), features + 1]
                .map(|it| it as u64)
                .to_vec(),
            values: Values::Fp64(out),
        })
    }
}

#[cfg(test)]
mod tests;
