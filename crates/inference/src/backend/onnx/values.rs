//! Tensors of requests as the runtime holds them, and back.

use tract_onnx::prelude::{DatumType, TValue, Tensor as Held};

use crate::{DataType, Tensor, TensorSpec, Values};

/// The protocol's name for a type of the runtime; nothing for types that no request has.
pub(super) fn datatype_of(held: DatumType) -> Option<DataType> {
    Some(match held {
        DatumType::Bool => DataType::Bool,
        DatumType::U8 => DataType::Uint8,
        DatumType::U16 => DataType::Uint16,
        DatumType::U32 => DataType::Uint32,
        DatumType::U64 => DataType::Uint64,
        DatumType::I8 => DataType::Int8,
        DatumType::I16 => DataType::Int16,
        DatumType::I32 => DataType::Int32,
        DatumType::I64 | DatumType::TDim => DataType::Int64,
        DatumType::F16 => DataType::Fp16,
        DatumType::F32 => DataType::Fp32,
        DatumType::F64 => DataType::Fp64,
        DatumType::String => DataType::Bytes,
        _ => return None,
    })
}

/// The runtime's type for one of the protocol's; nothing for texts.
pub(super) fn held_of(datatype: DataType) -> Option<DatumType> {
    Some(match datatype {
        DataType::Bool => DatumType::Bool,
        DataType::Uint8 => DatumType::U8,
        DataType::Uint16 => DatumType::U16,
        DataType::Uint32 => DatumType::U32,
        DataType::Uint64 => DatumType::U64,
        DataType::Int8 => DatumType::I8,
        DataType::Int16 => DatumType::I16,
        DataType::Int32 => DatumType::I32,
        DataType::Int64 => DatumType::I64,
        DataType::Fp16 => DatumType::F16,
        DataType::Fp32 => DatumType::F32,
        DataType::Fp64 => DatumType::F64,
        DataType::Bytes => return None,
    })
}

/// Some rows of an input, as the runtime takes them.
pub(super) fn to_runtime(
    input: &Tensor,
    spec: &TensorSpec,
    from: usize,
    count: usize,
) -> Result<TValue, String> {
    let mut shape: Vec<usize> = input.shape.iter().map(|&it| it as usize).collect();
    shape[0] = count;
    let width: usize = shape[1..].iter().product();
    let range = from * width..(from + count) * width;
    let held = match &input.values {
        Values::Bool(it) => it.get(range).map(|it| Held::from_shape(&shape, it)),
        Values::Int64(it) => it.get(range).map(|it| Held::from_shape(&shape, it)),
        Values::Uint64(it) => it.get(range).map(|it| Held::from_shape(&shape, it)),
        Values::Fp32(it) => it.get(range).map(|it| Held::from_shape(&shape, it)),
        Values::Fp64(it) => it.get(range).map(|it| Held::from_shape(&shape, it)),
        Values::Bytes(_) => None,
    };
    let wanted = held_of(spec.datatype);
    let (Some(Ok(held)), Some(wanted)) = (held, wanted) else {
        return Err(format!("input {} does not fit its shape", input.name));
    };
    if held.datum_type() == wanted {
        return Ok(held.into());
    }
    let cast = held.cast_to_dt(wanted).map_err(|it| format!("{it:#}"))?;
    Ok(cast.into_owned().into())
}

/// An output, as requests get it.
pub(super) fn from_runtime(held: &Held, spec: &TensorSpec) -> Result<Tensor, String> {
    let values = match spec.datatype {
        DataType::Bool => Values::Bool(all(held)?),
        DataType::Uint8 | DataType::Uint16 | DataType::Uint32 | DataType::Uint64 => {
            Values::Uint64(all(held)?)
        }
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            Values::Int64(all(held)?)
        }
        DataType::Fp16 | DataType::Fp32 => Values::Fp32(all(held)?),
        DataType::Fp64 => Values::Fp64(all(held)?),
        DataType::Bytes => {
            let texts: Vec<String> = all(held)?;
            Values::Bytes(texts.into_iter().map(String::into_bytes).collect())
        }
    };
    Ok(Tensor {
        name: spec.name.clone(),
        datatype: spec.datatype,
        shape: held.shape().iter().map(|&it| it as u64).collect(),
        values,
    })
}

fn all<T: tract_onnx::prelude::Datum>(held: &Held) -> Result<Vec<T>, String> {
    let fault = |it| format!("{it:#}");
    let cast = held.cast_to::<T>().map_err(fault)?;
    let view = cast.try_as_plain_ram().map_err(fault)?;
    view.as_slice::<T>().map(<[T]>::to_vec).map_err(fault)
}

/// Some rows of a tensor.
pub(super) fn rows(tensor: &Tensor, from: usize, count: usize) -> Tensor {
    let mut shape = tensor.shape.clone();
    shape[0] = count as u64;
    let width = tensor.values.len() / (tensor.rows() as usize).max(1);
    let range = from * width..(from + count) * width;
    let values = match &tensor.values {
        Values::Bool(it) => Values::Bool(it[range].to_vec()),
        Values::Int64(it) => Values::Int64(it[range].to_vec()),
        Values::Uint64(it) => Values::Uint64(it[range].to_vec()),
        Values::Fp32(it) => Values::Fp32(it[range].to_vec()),
        Values::Fp64(it) => Values::Fp64(it[range].to_vec()),
        Values::Bytes(it) => Values::Bytes(it[range].to_vec()),
    };
    Tensor {
        shape,
        values,
        ..tensor.clone()
    }
}

/// Puts a part below what is there already; both are of one type.
pub(super) fn append(whole: &mut Tensor, part: Tensor) {
    whole.shape[0] += part.shape[0];
    match (&mut whole.values, part.values) {
        (Values::Bool(all), Values::Bool(it)) => all.extend(it),
        (Values::Int64(all), Values::Int64(it)) => all.extend(it),
        (Values::Uint64(all), Values::Uint64(it)) => all.extend(it),
        (Values::Fp32(all), Values::Fp32(it)) => all.extend(it),
        (Values::Fp64(all), Values::Fp64(it)) => all.extend(it),
        (Values::Bytes(all), Values::Bytes(it)) => all.extend(it),
        _ => unreachable!("an output has one type"),
    }
}

/// Whether two outputs say the same, numbers up to a tolerance.
pub(super) fn alike(one: &Values, other: &Values, tolerance: f64) -> bool {
    let close = |a: f64, b: f64| {
        a == b
            || (a.is_nan() && b.is_nan())
            || (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0)
    };
    match (one, other) {
        (Values::Fp32(a), Values::Fp32(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .all(|(a, b)| close(f64::from(*a), f64::from(*b)))
        }
        (Values::Fp64(a), Values::Fp64(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| close(*a, *b))
        }
        _ => one == other,
    }
}

/// Rows that differ from each other, of numbers near zero.
pub(super) fn sample(spec: &TensorSpec, rows: usize) -> Tensor {
    let shape: Vec<u64> = std::iter::once(rows as u64)
        .chain(spec.shape.iter().skip(1).map(|&it| it.max(1) as u64))
        .collect();
    let count = shape.iter().product::<u64>() as usize;
    let numbers = (0..count).map(|it| (it * 37 % 101) as f64 / 40.0 - 1.0);
    let values = match spec.datatype {
        DataType::Bool => Values::Bool(numbers.map(|it| it > 0.0).collect()),
        DataType::Fp64 => Values::Fp64(numbers.collect()),
        DataType::Uint8 | DataType::Uint16 | DataType::Uint32 | DataType::Uint64 => {
            Values::Uint64(numbers.map(|it| it.abs() as u64).collect())
        }
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            Values::Int64(numbers.map(|it| it as i64).collect())
        }
        _ => Values::Fp32(numbers.map(|it| it as f32).collect()),
    };
    Tensor {
        name: spec.name.clone(),
        datatype: spec.datatype,
        shape,
        values,
    }
}

/// The same with ones in the place of whole numbers.
pub(super) fn ones(tensor: Tensor) -> Tensor {
    let values = match tensor.values {
        Values::Int64(it) => Values::Int64(vec![1; it.len()]),
        Values::Uint64(it) => Values::Uint64(vec![1; it.len()]),
        other => other,
    };
    Tensor { values, ..tensor }
}
