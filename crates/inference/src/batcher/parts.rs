//! Requests' tensors put together by rows, and outputs taken apart again.

use super::Waiting;
use crate::{Tensor, Values};

/// Whether two requests can run as one.
pub(super) fn together(one: &Waiting, other: &Waiting) -> bool {
    let (a, b) = (&one.request, &other.request);
    // A version that was loaded anew is another model.
    std::ptr::eq(&*one.lease, &*other.lease)
        && !a.explain
        && !b.explain
        && a.inputs.len() == b.inputs.len()
        && a.inputs.iter().zip(&b.inputs).all(|(a, b)| {
            a.name == b.name
                && a.datatype == b.datatype
                && a.shape.get(1..) == b.shape.get(1..)
                && std::mem::discriminant(&a.values) == std::mem::discriminant(&b.values)
        })
}

/// Tensors of requests that can run as one, one below the other.
pub(super) fn join<'a>(mut requests: impl Iterator<Item = &'a [Tensor]>) -> Vec<Tensor> {
    let mut whole = requests.next().map(<[Tensor]>::to_vec).unwrap_or_default();
    for inputs in requests {
        for (whole, part) in whole.iter_mut().zip(inputs) {
            append(whole, part);
        }
    }
    whole
}

/// Puts rows below those of a tensor of the same kind.
pub(super) fn append(whole: &mut Tensor, part: &Tensor) {
    whole.shape[0] += part.shape[0];
    match (&mut whole.values, &part.values) {
        (Values::Bool(all), Values::Bool(it)) => all.extend_from_slice(it),
        (Values::Int64(all), Values::Int64(it)) => all.extend_from_slice(it),
        (Values::Uint64(all), Values::Uint64(it)) => all.extend_from_slice(it),
        (Values::Fp32(all), Values::Fp32(it)) => all.extend_from_slice(it),
        (Values::Fp64(all), Values::Fp64(it)) => all.extend_from_slice(it),
        (Values::Bytes(all), Values::Bytes(it)) => all.extend_from_slice(it),
        _ => unreachable!("only what is of one type is put together"),
    }
}

/// Some of the rows of tensors.
pub(crate) fn rows(tensors: &[Tensor], start: u64, end: u64) -> Vec<Tensor> {
    let some = tensors.iter().map(|it| {
        let width = it.values.len() as u64 / it.rows().max(1);
        let mut shape = it.shape.clone();
        shape[0] = end - start;
        Tensor {
            name: it.name.clone(),
            datatype: it.datatype,
            shape,
            values: cut(&it.values, (start * width) as usize, (end * width) as usize),
        }
    });
    some.collect()
}

/// Outputs of each request; `None` where the model did not give as many rows as it got.
pub(super) fn split(outputs: Vec<Tensor>, rows: &[u64]) -> Option<Vec<Vec<Tensor>>> {
    let total: u64 = rows.iter().sum();
    let mut parts: Vec<Vec<Tensor>> = rows.iter().map(|_| Vec::new()).collect();
    for output in outputs {
        let width = (output.values.len() as u64).checked_div(total)?;
        if output.rows() != total || width * total != output.values.len() as u64 {
            return None;
        }
        let mut start = 0;
        for (part, rows) in parts.iter_mut().zip(rows) {
            let end = start + (rows * width) as usize;
            let mut shape = output.shape.clone();
            shape[0] = *rows;
            part.push(Tensor {
                name: output.name.clone(),
                datatype: output.datatype,
                shape,
                values: cut(&output.values, start, end),
            });
            start = end;
        }
    }
    Some(parts)
}

fn cut(values: &Values, start: usize, end: usize) -> Values {
    match values {
        Values::Bool(it) => Values::Bool(it[start..end].to_vec()),
        Values::Int64(it) => Values::Int64(it[start..end].to_vec()),
        Values::Uint64(it) => Values::Uint64(it[start..end].to_vec()),
        Values::Fp32(it) => Values::Fp32(it[start..end].to_vec()),
        Values::Fp64(it) => Values::Fp64(it[start..end].to_vec()),
        Values::Bytes(it) => Values::Bytes(it[start..end].to_vec()),
    }
}
