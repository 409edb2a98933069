//! What is not a number, without bound or large inside a network. The runtime's kernels bound what
//! they are given, which makes a confident number of what is none; here it stays what it is.

use tract_onnx::{
    prelude::{
        Datum, DatumType, IntoTensor, OutletId, TValue, TVec, Tensor as Held, TractResult,
        TypedFact, TypedModel, f16, tvec,
    },
    tract_core::{
        internal::{EvalContext, EvalOp, Op, StaticName, TypedOp},
        ops::{
            binary::{BinMiniOp, TypedBinOp},
            element_wise::{ElementWiseMiniOp, ElementWiseOp},
            math::{Max, Min, Tanh},
            nn::{
                HardSwish, LeakyRelu, Reduce, Reducer, Sigmoid, Silu,
                gelu_approximate::GeluApproximate,
            },
            scan::Scan,
        },
    },
};

mod recurrent;

pub(super) use recurrent::keep_sequences;

/// Puts operators that keep what is not a number in the place of those that do not, inside loops
/// too.
pub(super) fn keep(model: &mut TypedModel) {
    for at in 0..model.nodes.len() {
        let wide = model
            .outlet_fact(OutletId::new(at, 0))
            .is_ok_and(|it| it.datum_type.is_float());
        let node = &mut model.nodes[at];
        if let Some(scan) = node.op_as_mut::<Scan>() {
            keep(&mut scan.body);
        } else if let Some(op) = kept(&*node.op).filter(|_| wide) {
            node.op = op;
        }
    }
}

fn kept(op: &dyn TypedOp) -> Option<Box<dyn TypedOp>> {
    if let Some(ElementWiseOp(kernel, to)) = op.downcast_ref() {
        let curve = Curve {
            shape: Shape::of(&**kernel)?,
            kernel: kernel.clone(),
        };
        return Some(Box::new(ElementWiseOp(Box::new(curve), *to)));
    }
    if let Some(TypedBinOp(kind, to)) = op.downcast_ref() {
        let kind = match kind {
            it if it.is::<Max>() => Outermost::Greatest,
            it if it.is::<Min>() => Outermost::Least,
            _ => return None,
        };
        return Some(Box::new(TypedBinOp(Box::new(kind), *to)));
    }
    if let Some(reduce) = op.downcast_ref::<Reduce>() {
        let outermost = matches!(reduce.reducer, Reducer::Max | Reducer::Min);
        return outermost.then(|| Box::new(Extreme(reduce.clone())) as Box<dyn TypedOp>);
    }
    recurrent::Cell::of(op).map(|it| Box::new(it) as Box<dyn TypedOp>)
}

/// A function whose kernel is right near zero alone.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Sigmoid,
    Tanh,
    /// `x` times its sigmoid.
    Silu,
    HardSwish,
    /// By the hyperbolic tangent.
    Gelu,
    /// With its slope below zero.
    LeakyRelu(f32),
}

impl Shape {
    fn of(kernel: &dyn ElementWiseMiniOp) -> Option<Self> {
        if kernel.is::<Sigmoid>() {
            return Some(Self::Sigmoid);
        }
        if kernel.is::<Tanh>() {
            return Some(Self::Tanh);
        }
        if kernel.is::<Silu>() {
            return Some(Self::Silu);
        }
        if kernel.is::<HardSwish>() {
            return Some(Self::HardSwish);
        }
        if let Some(gelu) = kernel.downcast_ref::<GeluApproximate>() {
            return (!gelu.fast_impl).then_some(Self::Gelu);
        }
        let leaky = kernel.downcast_ref::<LeakyRelu>()?;
        Some(Self::LeakyRelu(leaky.alpha))
    }

    /// How far from zero the kernel is right.
    fn reach(self) -> f32 {
        match self {
            Self::Sigmoid => 14.0,
            Self::Tanh | Self::Gelu => 8.0,
            Self::Silu => 20.0,
            Self::HardSwish | Self::LeakyRelu(_) => 1e6,
        }
    }

    /// The function beyond that; of what is not a number it is not a number.
    fn beyond(self, x: f32) -> f32 {
        match self {
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Self::Tanh => x.tanh(),
            Self::Silu => x / (1.0 + (-x).exp()),
            Self::HardSwish | Self::Gelu if x < 0.0 => x * 0.0,
            Self::LeakyRelu(slope) if x < 0.0 => x * slope,
            Self::HardSwish | Self::Gelu | Self::LeakyRelu(_) => x,
        }
    }
}

/// A function of each element, by the runtime's kernel where that is right.
#[derive(Debug, Clone, PartialEq)]
struct Curve {
    shape: Shape,
    kernel: Box<dyn ElementWiseMiniOp>,
}

impl Eq for Curve {}

impl Curve {
    fn run(&self, held: &mut Held) -> TractResult<()> {
        let far = far(
            held.try_as_plain_ram()?.as_slice::<f32>()?,
            self.shape.reach(),
        );
        self.kernel.eval_in_place(held, None)?;
        if !far.is_empty() {
            let mut view = held.try_as_plain_ram_mut()?;
            let numbers = view.as_slice_mut::<f32>()?;
            for (at, x) in far {
                numbers[at] = self.shape.beyond(x);
            }
        }
        Ok(())
    }
}

/// Elements beyond a reach, and what is not a number, with their places.
fn far(numbers: &[f32], reach: f32) -> Vec<(usize, f32)> {
    let near = |it: &f32| it.abs() <= reach;
    // Without a way out, so that it is done many at a time.
    if numbers.iter().fold(true, |all, it| all & near(it)) {
        return Vec::new();
    }
    let all = numbers.iter().copied().enumerate();
    all.filter(|(_, it)| !near(it)).collect()
}

impl ElementWiseMiniOp for Curve {
    fn name(&self) -> String {
        self.kernel.name()
    }

    fn eval_in_place(&self, held: &mut Held, to: Option<DatumType>) -> TractResult<()> {
        match held.datum_type() {
            DatumType::F32 if to.is_none() => self.run(held),
            DatumType::F16 if to.is_none() => {
                let mut wide = held.cast_to::<f32>()?.into_owned();
                self.run(&mut wide)?;
                *held = wide.cast_to::<f16>()?.into_owned();
                Ok(())
            }
            _ => self.kernel.eval_in_place(held, to),
        }
    }
}

/// The greater or the lesser of two, and what is not a number where one of them is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outermost {
    Greatest,
    Least,
}

impl Outermost {
    #[expect(
        clippy::eq_op,
        reason = "only what is not a number differs from itself"
    )]
    #[inline(always)]
    fn fold<T: Datum + Copy + PartialOrd>(self, a: &mut Held, b: &Held) -> TractResult<()> {
        let greatest = |a: &mut T, b: &T| *a = if *a > *b || *a != *a { *a } else { *b };
        let least = |a: &mut T, b: &T| *a = if *a < *b || *a != *a { *a } else { *b };
        let b = b.to_plain_array_view::<T>()?;
        let mut a = a.try_as_plain_ram_mut()?;
        if let (Some(&bound), 1) = (b.first(), b.len()) {
            let all = a.as_slice_mut::<T>()?;
            match self {
                Self::Greatest => all.iter_mut().for_each(|a| greatest(a, &bound)),
                Self::Least => all.iter_mut().for_each(|a| least(a, &bound)),
            }
            return Ok(());
        }
        let mut a = a.to_array_view_mut::<T>()?;
        match self {
            Self::Greatest => a.zip_mut_with(&b, greatest),
            Self::Least => a.zip_mut_with(&b, least),
        }
        Ok(())
    }
}

impl BinMiniOp for Outermost {
    fn name(&self) -> &'static str {
        match self {
            Self::Greatest => "Greatest",
            Self::Least => "Least",
        }
    }

    fn result_datum_type(&self, a: DatumType, b: DatumType) -> TractResult<DatumType> {
        self.operating_datum_type(a, b)
    }

    fn eval_in_a(&self, a: &mut Held, b: &Held) -> TractResult<()> {
        let b = b.cast_to_dt(a.datum_type())?;
        match a.datum_type() {
            DatumType::F16 => self.fold::<f16>(a, &b),
            DatumType::F64 => self.fold::<f64>(a, &b),
            _ => self.fold::<f32>(a, &b),
        }
    }

    fn eval_out_of_place(&self, c: &mut Held, a: &Held, b: &Held) -> TractResult<()> {
        let a = a.cast_to_dt(c.datum_type())?;
        *c = a.broadcast_to_shape(c.shape())?;
        self.eval_in_a(c, b)
    }
}

/// The greatest or the least along axes, and what is not a number where there is such a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Extreme(Reduce);

impl Op for Extreme {
    fn name(&self) -> StaticName {
        self.0.name()
    }

    fn as_typed(&self) -> Option<&dyn TypedOp> {
        Some(self)
    }
}

impl EvalOp for Extreme {
    fn eval(&self, context: &EvalContext<'_>, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let wide = inputs[0].cast_to::<f64>()?;
        let view = wide.to_plain_array_view::<f64>()?;
        let nowhere = !view.iter().fold(false, |any, it| any | it.is_nan());
        let mut outputs = self.0.eval(context, inputs.clone())?;
        if nowhere {
            return Ok(outputs);
        }
        let given = outputs.remove(0).into_tensor();
        let kind = given.datum_type();
        let mut given = given.cast_to::<f64>()?.into_owned();
        let mut told = given.try_as_plain_ram_mut()?;
        let mut told = told.to_array_view_mut::<f64>()?;
        for (mut place, _) in view.indexed_iter().filter(|(_, it)| it.is_nan()) {
            self.0.axes.iter().for_each(|&axis| place[axis] = 0);
            told[place] = f64::NAN;
        }
        Ok(tvec!(given.cast_to_dt(kind)?.into_owned().into()))
    }

    fn eval_out_of_plan(&self, inputs: TVec<TValue>) -> TractResult<Option<TVec<TValue>>> {
        self.eval(&EvalContext::out_of_plan(), inputs).map(Some)
    }
}

impl TypedOp for Extreme {
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
