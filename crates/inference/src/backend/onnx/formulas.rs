//! Operators by formulas that hold for large numbers, where the runtime's overflow on the way.

use tract_onnx::{
    model::{OnnxOpRegister, ParsingContext},
    pb::NodeProto,
    prelude::{OutletId, SpecialOps, TVec, TractResult, TypedModel, tensor0},
    tract_core::{
        internal::StaticName,
        ops::{
            change_axes::wire_with_rank_broadcast,
            math::{abs, add, exp, ln, max, neg, sub},
            nn::{Reduce, Reducer},
        },
    },
    tract_hir::{
        infer::{
            InferenceOp, InferenceResult, Solver, TensorProxy, check_input_arity,
            check_output_arity,
        },
        ops::expandable::{Expansion, expand},
    },
};

/// Puts these operators in the place of the runtime's own.
pub(super) fn register(operators: &mut OnnxOpRegister) {
    operators.insert("Softplus", |_, _| {
        Ok((expand(Formula::Softplus), Vec::new()))
    });
    operators.insert("LogSoftmax", log_softmax);
}

fn log_softmax(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    // Before version 13 it was over all axes from the one that is named.
    let over_all = context.onnx_operator_set_version < 13;
    let axis = node.attribute.iter().find(|it| it.name == "axis");
    let axis = axis.map_or(if over_all { 1 } else { -1 }, |it| it.i);
    let formula = match over_all {
        true => Formula::LogSoftmaxFrom(axis),
        false => Formula::LogSoftmax(axis),
    };
    Ok((expand(formula), Vec::new()))
}

/// An operator of one input, whose output has its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Formula {
    /// max(x, 0) + ln(1 + exp(-|x|)).
    Softplus,
    /// x - max - ln(sum(exp(x - max))) along an axis.
    LogSoftmax(i64),
    /// The same over all axes from one on.
    LogSoftmaxFrom(i64),
}

impl Expansion for Formula {
    fn name(&self) -> StaticName {
        match self {
            Self::Softplus => "Softplus".into(),
            Self::LogSoftmax(_) | Self::LogSoftmaxFrom(_) => "LogSoftmax".into(),
        }
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 1)?;
        check_output_arity(outputs, 1)?;
        solver.equals(&inputs[0].datum_type, &outputs[0].datum_type)?;
        solver.equals(&inputs[0].shape, &outputs[0].shape)
    }

    fn wire(
        &self,
        prefix: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        let rank = model.outlet_fact(inputs[0])?.rank();
        let place = |axis: i64| if axis < 0 { rank as i64 + axis } else { axis } as usize;
        match *self {
            Self::Softplus => softplus(prefix, model, inputs[0]),
            Self::LogSoftmax(axis) => {
                let axis = place(axis);
                wire_log_softmax(prefix, model, inputs[0], axis..axis + 1)
            }
            Self::LogSoftmaxFrom(axis) => {
                wire_log_softmax(prefix, model, inputs[0], place(axis)..rank)
            }
        }
    }
}

fn softplus(prefix: &str, model: &mut TypedModel, x: OutletId) -> TractResult<TVec<OutletId>> {
    let name = |part: &str| format!("{prefix}.{part}");
    let kind = model.outlet_fact(x)?.datum_type;
    let mut number = |part: &str, it: f32| {
        model.add_const(name(part), tensor0(it).cast_to_dt(kind)?.into_owned())
    };
    let (zero, one) = (number("zero", 0.0)?, number("one", 1.0)?);
    let size = model.wire_node(name("abs"), abs(), &[x])?;
    let below = model.wire_node(name("neg"), neg(), &size)?;
    let power = model.wire_node(name("exp"), exp(), &below)?;
    let sum = wire_with_rank_broadcast(name("sum"), model, add(), &[power[0], one])?;
    let rest = model.wire_node(name("ln"), ln(), &sum)?;
    let part = wire_with_rank_broadcast(name("max"), model, max(), &[x, zero])?;
    model.wire_node(prefix, add(), &[part[0], rest[0]])
}

fn wire_log_softmax(
    prefix: &str,
    model: &mut TypedModel,
    x: OutletId,
    axes: std::ops::Range<usize>,
) -> TractResult<TVec<OutletId>> {
    let name = |part: &str| format!("{prefix}.{part}");
    let reduce = |reducer| Reduce {
        axes: axes.clone().collect(),
        reducer,
    };
    let most = model.wire_node(name("max"), reduce(Reducer::Max), &[x])?;
    let below = model.wire_node(name("below"), sub(), &[x, most[0]])?;
    let powers = model.wire_node(name("exp"), exp(), &below)?;
    let sum = model.wire_node(name("sum"), reduce(Reducer::Sum), &powers)?;
    let sum = model.wire_node(name("ln"), ln(), &sum)?;
    model.wire_node(prefix, sub(), &[below[0], sum[0]])
}
