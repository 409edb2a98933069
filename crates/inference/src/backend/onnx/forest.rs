//! The operators of trees inside a network, run by the `trees` crate.

use std::sync::Arc;

use prost::Message;
use tract_onnx::{
    model::{OnnxOpRegister, ParsingContext},
    pb::NodeProto,
    prelude::{
        DatumType, DatumTypeExt, OutletId, SpecialOps, TValue, TVec, Tensor as Held, ToDim,
        TractResult, TypedFact, TypedModel, tensor1, tvec,
    },
    tract_core::internal::{EvalContext, EvalOp, Op, StaticName, TypedOp},
    tract_hir::{
        infer::{
            InferenceOp, InferenceResult, Solver, TensorProxy, check_input_arity,
            check_output_arity,
        },
        ops::expandable::{Expansion, expand},
    },
};
use trees::{Labels, Model, OnnxTrees, Precision, Rows};

use crate::backend::winners;

/// The operators, by ONNX's names.
pub(super) const OPERATORS: [&str; 3] = [
    "TreeEnsembleClassifier",
    "TreeEnsembleRegressor",
    "TreeEnsemble",
];

/// Puts these operators in the place of the runtime's own.
pub(super) fn register(operators: &mut OnnxOpRegister) {
    for name in OPERATORS {
        operators.insert(name, read);
    }
}

fn read(
    _: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let forest = Forest::new(node.encode_to_vec(), None, Precision::Single)?;
    Ok((expand(forest), Vec::new()))
}

/// Trees with the names of their classes.
#[derive(Debug, Clone)]
pub(super) struct Forest {
    node: Arc<[u8]>,
    pub(super) model: Arc<Model>,
    /// A classifier's first output, one per class; nothing for others.
    labels: Option<Arc<Labels>>,
}

impl PartialEq for Forest {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl Eq for Forest {}

impl Forest {
    fn new(
        node: Vec<u8>,
        features: Option<usize>,
        precision: Precision,
    ) -> Result<Self, trees::ReadError> {
        let read = OnnxTrees::from_node(&node, features, precision)?;
        Ok(Self {
            node: node.into(),
            model: Arc::new(Model::new(read.ensemble)),
            labels: read.labels.map(Arc::new),
        })
    }

    /// Types of what it gives, in order.
    fn gives(&self) -> Vec<DatumType> {
        let label = self.labels.as_deref().map(|it| match it {
            Labels::Numbers(_) => DatumType::I64,
            Labels::Texts(_) => DatumType::String,
        });
        label.into_iter().chain([DatumType::F32]).collect()
    }

    fn score(&self, input: &Held) -> TractResult<Vec<f64>> {
        let (rows, columns) = (input.shape()[0], input.shape()[1]);
        let mut out = vec![0.0; rows * self.model.predictions()];
        let features = self.model.features();
        if self.model.precision() == Precision::Double {
            let held = input.cast_to::<f64>()?;
            let view = held.try_as_plain_ram()?;
            let data = Rows::strided(view.as_slice::<f64>()?, rows, features, columns)?;
            self.model.predict_rows(data, &mut out)?;
        } else {
            let held = input.cast_to::<f32>()?;
            let view = held.try_as_plain_ram()?;
            let data = Rows::strided(view.as_slice::<f32>()?, rows, features, columns)?;
            self.model.predict_rows(data, &mut out)?;
        }
        Ok(out)
    }

    /// The class of each row.
    fn label(&self, labels: &Labels, scores: &[f64]) -> TractResult<Held> {
        let winners = winners(scores, self.model.predictions());
        match labels {
            Labels::Numbers(it) => {
                let names: Vec<i64> = winners.map(|at| it[at]).collect();
                Held::from_shape(&[names.len()], &names)
            }
            Labels::Texts(it) => {
                let names: Vec<String> = winners.map(|at| it[at].clone()).collect();
                Ok(tensor1(&names))
            }
        }
    }
}

impl Expansion for Forest {
    fn name(&self) -> StaticName {
        "Trees".into()
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.gives().len())
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let gives = self.gives();
        check_input_arity(inputs, 1)?;
        check_output_arity(outputs, gives.len())?;
        solver.equals(&inputs[0].rank, 2)?;
        for (output, kind) in outputs.iter().zip(gives) {
            solver.equals(&output.datum_type, kind)?;
            solver.equals(&output.shape[0], &inputs[0].shape[0])?;
        }
        if outputs.len() == 2 {
            solver.equals(&outputs[0].rank, 1)?;
        }
        let scores = &outputs[outputs.len() - 1];
        solver.equals(&scores.rank, 2)?;
        let width = self.model.predictions().to_dim();
        solver.equals(&scores.shape[1], width)
    }

    fn wire(
        &self,
        prefix: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        let fact = model.outlet_fact(inputs[0])?;
        let precision = match fact.datum_type {
            DatumType::F64 => Precision::Double,
            _ => Precision::Single,
        };
        let columns = usize::try_from(fact.shape[1].to_i64()?)?;
        let forest = Self::new(self.node.to_vec(), Some(columns), precision)?;
        model.wire_node(prefix, forest, inputs)
    }
}

impl Op for Forest {
    fn name(&self) -> StaticName {
        "Trees".into()
    }

    fn as_typed(&self) -> Option<&dyn TypedOp> {
        Some(self)
    }
}

impl EvalOp for Forest {
    fn eval(&self, _: &EvalContext<'_>, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let scores = self.score(&inputs[0])?;
        let mut out = tvec!();
        if let Some(labels) = &self.labels {
            out.push(self.label(labels, &scores)?.into());
        }
        let shape = [inputs[0].shape()[0], self.model.predictions()];
        let narrow: Vec<f32> = scores.into_iter().map(|it| it as f32).collect();
        out.push(Held::from_shape(&shape, &narrow)?.into());
        Ok(out)
    }

    fn eval_out_of_plan(&self, inputs: TVec<TValue>) -> TractResult<Option<TVec<TValue>>> {
        self.eval(&EvalContext::out_of_plan(), inputs).map(Some)
    }
}

impl TypedOp for Forest {
    fn as_op(&self) -> &dyn Op {
        self
    }

    fn as_op_mut(&mut self) -> &mut dyn Op {
        self
    }

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let rows = inputs[0].shape[0].clone();
        let width = self.model.predictions().to_dim();
        let fact = |kind: DatumType| match kind {
            DatumType::F32 => kind.fact([rows.clone(), width.clone()]),
            label => label.fact([rows.clone()]),
        };
        Ok(self.gives().into_iter().map(fact).collect())
    }
}
