//! Recurrent operators that give a row nothing but what is not a number from where the row was given
//! such a thing.

use tract_onnx::{
    prelude::{IntoTensor, TValue, TVec, Tensor as Held, TractResult, TypedFact, TypedModel},
    tract_core::{
        dyn_clone,
        internal::{EvalContext, EvalOp, LaneId, Op, OpState, StaticName, TypedOp},
        ops::{gru_cell::GruEpilogue, gru_seq::GruSeq, lstm_cell::LstmEpilogue},
    },
};

/// The end of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    op: Box<dyn TypedOp>,
    hidden: usize,
}

impl Cell {
    /// The same for one of the runtime's.
    pub(super) fn of(op: &dyn TypedOp) -> Option<Self> {
        let lstm = op.downcast_ref::<LstmEpilogue>().map(|it| it.hidden);
        let hidden = lstm.or_else(|| op.downcast_ref::<GruEpilogue>().map(|it| it.hidden))?;
        let op = dyn_clone::clone_box(op);
        Some(Self { op, hidden })
    }
}

impl Op for Cell {
    fn name(&self) -> StaticName {
        self.op.name()
    }

    fn as_typed(&self) -> Option<&dyn TypedOp> {
        Some(self)
    }
}

impl EvalOp for Cell {
    fn eval(&self, context: &EvalContext<'_>, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let outputs = self.op.eval(context, inputs.clone())?;
        let rows = outputs[0].len() / self.hidden;
        let mut lost = vec![false; rows];
        for input in &inputs {
            let wide = input.cast_to::<f32>()?;
            let view = wide.try_as_plain_ram()?;
            let parts = view.as_slice::<f32>()?.chunks_exact(wide.len() / rows);
            for (lost, part) in lost.iter_mut().zip(parts) {
                *lost |= part.iter().fold(false, |any, it| any | it.is_nan());
            }
        }
        if !lost.contains(&true) {
            return Ok(outputs);
        }
        let without = |output: TValue| {
            let kind = output.datum_type();
            let mut wide = output.cast_to::<f32>()?.into_owned();
            let mut view = wide.try_as_plain_ram_mut()?;
            let parts = view.as_slice_mut::<f32>()?.chunks_exact_mut(self.hidden);
            let parts = parts.zip(&lost).filter(|(_, lost)| **lost);
            parts.for_each(|(part, _)| part.fill(f32::NAN));
            Ok(wide.cast_to_dt(kind)?.into_owned().into())
        };
        outputs.into_iter().map(without).collect()
    }

    fn eval_out_of_plan(&self, inputs: TVec<TValue>) -> TractResult<Option<TVec<TValue>>> {
        self.eval(&EvalContext::out_of_plan(), inputs).map(Some)
    }
}

impl TypedOp for Cell {
    fn as_op(&self) -> &dyn Op {
        self
    }

    fn as_op_mut(&mut self) -> &mut dyn Op {
        self
    }

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        self.op.output_facts(inputs)
    }
}

/// Puts operators of whole sequences, laid out for the processor by now, in the place of the
/// runtime's.
pub(in super::super) fn keep_sequences(model: &mut TypedModel) {
    for node in &mut model.nodes {
        if let Some(it) = node.op_as::<GruSeq>() {
            node.op = Box::new(Sequence(it.clone()));
        }
    }
}

/// All steps at once: takes rows × steps × numbers first, gives rows × steps × hidden (no step where
/// nobody reads them) and the last step.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sequence(GruSeq);

impl Sequence {
    /// The outputs with what is not a number in each row from its first step, in the order they are
    /// taken, that has such a thing.
    fn mended(&self, input: &Held, outputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let [rows, steps, width] = *input.shape() else {
            return Ok(outputs);
        };
        let view = input.try_as_plain_ram()?;
        let numbers = view.as_slice::<f32>()?;
        let backwards = self.0.chunk < 0;
        let first = |row: usize| {
            let lost = |step: &usize| {
                let step = &numbers[(row * steps + step) * width..][..width];
                step.iter().any(|it| it.is_nan())
            };
            let mut all = 0..steps;
            match backwards {
                true => all.rfind(lost),
                false => all.find(lost),
            }
        };
        let firsts: Vec<(usize, usize)> = (0..rows)
            .filter_map(|row| Some((row, first(row)?)))
            .collect();
        if firsts.is_empty() {
            return Ok(outputs);
        }
        let hidden = self.0.hidden;
        let without = |output: TValue| {
            let mut held = output.into_tensor();
            let told = held.len() / (rows * hidden).max(1);
            let mut view = held.try_as_plain_ram_mut()?;
            let all = view.as_slice_mut::<f32>()?;
            for &(row, first) in &firsts {
                let lost = match (told == steps, backwards) {
                    (true, true) => 0..first + 1,
                    (true, false) => first..steps,
                    (false, _) => 0..told,
                };
                let row = &mut all[row * told * hidden..][..told * hidden];
                row[lost.start * hidden..lost.end * hidden].fill(f32::NAN);
            }
            Ok(held.into())
        };
        outputs.into_iter().map(without).collect()
    }
}

impl Op for Sequence {
    fn name(&self) -> StaticName {
        self.0.name()
    }

    fn as_typed(&self) -> Option<&dyn TypedOp> {
        Some(self)
    }
}

impl EvalOp for Sequence {
    fn eval_out_of_plan(&self, _: TVec<TValue>) -> TractResult<Option<TVec<TValue>>> {
        Ok(None)
    }

    fn state(&self, context: &EvalContext<'_>) -> TractResult<Option<Box<dyn OpState>>> {
        let state = self.0.state(context)?;
        Ok(state.map(|it| Box::new(Carried(it)) as Box<dyn OpState>))
    }
}

impl TypedOp for Sequence {
    fn as_op(&self) -> &dyn Op {
        self
    }

    fn as_op_mut(&mut self) -> &mut dyn Op {
        self
    }

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        self.0.output_facts(inputs)
    }
}

/// What a sequence keeps while it runs.
#[derive(Debug, Clone)]
struct Carried(Box<dyn OpState>);

impl OpState for Carried {
    fn eval(
        &mut self,
        context: &EvalContext<'_>,
        op: &dyn Op,
        inputs: TVec<TValue>,
    ) -> TractResult<TVec<TValue>> {
        let Some(sequence) = op.downcast_ref::<Sequence>() else {
            return self.0.eval(context, op, inputs);
        };
        let input = inputs[0].clone();
        let outputs = self.0.eval(context, &sequence.0, inputs)?;
        sequence.mended(&input, outputs)
    }

    fn reset_lanes(&mut self, lanes: &[LaneId]) -> TractResult<()> {
        self.0.reset_lanes(lanes)
    }
}
