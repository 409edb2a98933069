//! Elements of tensors: JSON text and raw little-endian bytes straight into typed buffers.
//!
//! `null` is NaN in floating-point tensors and refused in others.

mod half;

use std::str::FromStr;

use engine::serving::{DataType, Values};
use serde_json::value::RawValue;

use super::error::OipError;

/// Reads a type's name as the protocol writes it.
pub(super) fn datatype(name: &str) -> Option<DataType> {
    Some(match name {
        "BOOL" => DataType::Bool,
        "UINT8" => DataType::Uint8,
        "UINT16" => DataType::Uint16,
        "UINT32" => DataType::Uint32,
        "UINT64" => DataType::Uint64,
        "INT8" => DataType::Int8,
        "INT16" => DataType::Int16,
        "INT32" => DataType::Int32,
        "INT64" => DataType::Int64,
        "FP16" => DataType::Fp16,
        "FP32" => DataType::Fp32,
        "FP64" => DataType::Fp64,
        "BYTES" => DataType::Bytes,
        _ => return None,
    })
}

/// A type's name as the protocol writes it.
pub(super) fn name_of(datatype: DataType) -> &'static str {
    match datatype {
        DataType::Bool => "BOOL",
        DataType::Uint8 => "UINT8",
        DataType::Uint16 => "UINT16",
        DataType::Uint32 => "UINT32",
        DataType::Uint64 => "UINT64",
        DataType::Int8 => "INT8",
        DataType::Int16 => "INT16",
        DataType::Int32 => "INT32",
        DataType::Int64 => "INT64",
        DataType::Fp16 => "FP16",
        DataType::Fp32 => "FP32",
        DataType::Fp64 => "FP64",
        DataType::Bytes => "BYTES",
    }
}

/// The values an integer type holds.
pub(super) fn bounds(datatype: DataType) -> (i64, u64) {
    match datatype {
        DataType::Uint8 => (0, u64::from(u8::MAX)),
        DataType::Uint16 => (0, u64::from(u16::MAX)),
        DataType::Uint32 => (0, u64::from(u32::MAX)),
        DataType::Int8 => (i64::from(i8::MIN), i8::MAX as u64),
        DataType::Int16 => (i64::from(i16::MIN), i16::MAX as u64),
        DataType::Int32 => (i64::from(i32::MIN), i32::MAX as u64),
        DataType::Int64 => (i64::MIN, i64::MAX as u64),
        _ => (0, u64::MAX),
    }
}

/// Reads `data`, a flat or nested array that is known to be JSON; `place` names it in errors.
/// `count` is how many elements the shape asks for.
pub(super) fn from_json(
    data: &RawValue,
    datatype: DataType,
    count: usize,
    place: &str,
) -> Result<Values, OipError> {
    let text = data.get();
    if !text.starts_with('[') {
        return Err(OipError::bad(format!("{place}: data is not an array")));
    }
    // A short text cannot make a long buffer: an element takes at least two characters.
    let room = count.min(text.len() / 2 + 1);
    let bad = |at: usize, token: &str| {
        let token: String = token.chars().take(40).collect();
        let name = name_of(datatype);
        OipError::bad(format!("{place}: element {at} is {token}, not {name}"))
    };
    let (low, high) = bounds(datatype);
    match datatype {
        DataType::Bool => collect(text, room, |it| it.parse().ok(), bad).map(Values::Bool),
        DataType::Fp16 | DataType::Fp32 => collect(text, room, float::<f32>, bad).map(Values::Fp32),
        DataType::Fp64 => collect(text, room, float::<f64>, bad).map(Values::Fp64),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            let read = |it: &str| {
                let value = it.parse::<i64>().ok()?;
                (value >= low && (value < 0 || value.unsigned_abs() <= high)).then_some(value)
            };
            collect(text, room, read, bad).map(Values::Int64)
        }
        DataType::Uint8 | DataType::Uint16 | DataType::Uint32 | DataType::Uint64 => {
            let read = |it: &str| it.parse::<u64>().ok().filter(|it| *it <= high);
            collect(text, room, read, bad).map(Values::Uint64)
        }
        DataType::Bytes => {
            let read = |it: &str| serde_json::from_str::<String>(it).ok();
            let read = |it: &str| read(it).map(String::into_bytes);
            collect(text, room, read, bad).map(Values::Bytes)
        }
    }
}

fn float<T: FromStr + From<f32>>(token: &str) -> Option<T> {
    match token {
        "null" => Some(T::from(f32::NAN)),
        _ if token.starts_with(['"', '{', 't', 'f']) => None,
        _ => token.parse().ok(),
    }
}

/// Goes over the elements of an array, however deep they lie.
fn collect<T>(
    text: &str,
    room: usize,
    read: impl Fn(&str) -> Option<T>,
    bad: impl Fn(usize, &str) -> OipError,
) -> Result<Vec<T>, OipError> {
    let mut values = Vec::with_capacity(room);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            b'[' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n' => {
                at += 1;
                continue;
            }
            b'"' => at = string_end(bytes, at),
            _ => {
                let ends = |it: &u8| matches!(it, b',' | b']' | b' ' | b'\t' | b'\r' | b'\n');
                let length = bytes[at..].iter().position(ends);
                at = length.map_or(bytes.len(), |it| start + it);
            }
        }
        let token = &text[start..at];
        let value = read(token).ok_or_else(|| bad(values.len(), token))?;
        values.push(value);
    }
    Ok(values)
}

/// The place after the string that opens at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// Reads raw elements; `place` names them in errors.
pub(super) fn from_raw(bytes: &[u8], datatype: DataType, place: &str) -> Result<Values, OipError> {
    if let Some(size) = datatype.size_bytes()
        && !bytes.len().is_multiple_of(size)
    {
        let (length, name) = (bytes.len(), name_of(datatype));
        return Err(OipError::bad(format!(
            "{place}: {length} bytes are no whole number of {name}"
        )));
    }
    Ok(match datatype {
        DataType::Bool => Values::Bool(bytes.iter().map(|it| *it != 0).collect()),
        DataType::Uint8 => Values::Uint64(bytes.iter().map(|it| u64::from(*it)).collect()),
        DataType::Int8 => Values::Int64(each(bytes, |it| i64::from(i8::from_le_bytes(it)))),
        DataType::Uint16 => Values::Uint64(each(bytes, |it| u64::from(u16::from_le_bytes(it)))),
        DataType::Int16 => Values::Int64(each(bytes, |it| i64::from(i16::from_le_bytes(it)))),
        DataType::Uint32 => Values::Uint64(each(bytes, |it| u64::from(u32::from_le_bytes(it)))),
        DataType::Int32 => Values::Int64(each(bytes, |it| i64::from(i32::from_le_bytes(it)))),
        DataType::Uint64 => Values::Uint64(each(bytes, u64::from_le_bytes)),
        DataType::Int64 => Values::Int64(each(bytes, i64::from_le_bytes)),
        DataType::Fp16 => Values::Fp32(each(bytes, |it| half::to_f32(u16::from_le_bytes(it)))),
        DataType::Fp32 => Values::Fp32(each(bytes, f32::from_le_bytes)),
        DataType::Fp64 => Values::Fp64(each(bytes, f64::from_le_bytes)),
        DataType::Bytes => Values::Bytes(strings(bytes, place)?),
    })
}

fn each<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|it| read(*it)).collect()
}

/// Strings, each after its length in four bytes.
fn strings(mut bytes: &[u8], place: &str) -> Result<Vec<Vec<u8>>, OipError> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let cut = || {
            let at = all.len();
            OipError::bad(format!("{place}: element {at} of BYTES is cut short"))
        };
        let (length, rest) = bytes.split_first_chunk().ok_or_else(cut)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (element, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        all.push(element.to_vec());
        bytes = rest;
    }
    Ok(all)
}

/// Appends elements as raw bytes of the type on the wire.
pub(super) fn write_raw(out: &mut Vec<u8>, values: &Values, datatype: DataType) {
    let size = datatype.size_bytes();
    out.reserve(values.len() * size.unwrap_or(size_of::<u32>()));
    match values {
        Values::Bool(all) => out.extend(all.iter().map(|it| u8::from(*it))),
        Values::Int64(all) => {
            let size = size.unwrap_or(8);
            all.iter()
                .for_each(|it| out.extend_from_slice(&it.to_le_bytes()[..size]));
        }
        Values::Uint64(all) => {
            let size = size.unwrap_or(8);
            all.iter()
                .for_each(|it| out.extend_from_slice(&it.to_le_bytes()[..size]));
        }
        Values::Fp32(all) if datatype == DataType::Fp16 => all
            .iter()
            .for_each(|it| out.extend_from_slice(&half::from_f32(*it).to_le_bytes())),
        Values::Fp32(all) => all
            .iter()
            .for_each(|it| out.extend_from_slice(&it.to_le_bytes())),
        Values::Fp64(all) => all
            .iter()
            .for_each(|it| out.extend_from_slice(&it.to_le_bytes())),
        Values::Bytes(all) => {
            for element in all {
                // A length beyond four bytes cannot be: every body is bounded far below.
                let length = u32::try_from(element.len()).unwrap_or(u32::MAX);
                out.extend_from_slice(&length.to_le_bytes());
                out.extend_from_slice(element);
            }
        }
    }
}

#[cfg(test)]
mod tests;
