//! Reads the form that clients write requests in, in one pass, straight into typed buffers.
//!
//! Knows nothing of faults: what it does not know well it leaves to [`super::json`], which reads
//! whatever there is and says what is wrong and where. What this one takes, that one reads alike.

use engine::serving::{DataType, Tensor, Values};

use super::{DIMENSIONS_MAX, Parameter, Read, Wishes};
use crate::oip::values;

mod number;

use number::Float;

/// Tensors of a request, at most, for which room is made before they are seen.
const TENSORS: usize = 1;

/// Reads `json` and the raw bytes that follow it; `None` leaves both to the other reader.
pub(super) fn read(json: &[u8], raw: &[u8]) -> Option<Read> {
    let mut text = Text { json, at: 0 };
    let (mut id, mut inputs, mut outputs, mut wishes) = (None, None, None, None);
    let mut left = raw;
    text.object(|text, name| match name {
        "id" => once(&mut id, text.string()?.to_owned()),
        "inputs" => once(&mut inputs, text.inputs(&mut left)?),
        "outputs" => once(&mut outputs, text.outputs()?),
        "parameters" => once(&mut wishes, text.wishes()?),
        _ => None,
    })?;
    let ended = text.peek().is_none() && left.is_empty();
    ended.then_some(Read {
        id,
        wishes: wishes.unwrap_or_default(),
        inputs: inputs?,
        outputs: outputs.unwrap_or_default(),
    })
}

/// Keeps a member's value; nothing where it is not the first.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// JSON and how far it was read.
struct Text<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Text<'a> {
    /// The next byte that is not space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.json.get(self.at)? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(*byte),
            }
        }
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn eat(&mut self, wanted: u8) -> Option<()> {
        (self.take()? == wanted).then_some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.peek()?;
        self.json[self.at..].starts_with(word).then_some(())?;
        self.at += word.len();
        Some(())
    }

    /// A string that stands for itself.
    fn string(&mut self) -> Option<&'a str> {
        self.eat(b'"')?;
        let rest = &self.json[self.at..];
        let length = rest.iter().position(|it| *it == b'"')?;
        let string = &rest[..length];
        let plain = |it: &u8| *it >= b' ' && *it != b'\\';
        string.iter().all(plain).then_some(())?;
        self.at += length + 1;
        std::str::from_utf8(string).ok()
    }

    /// A whole number, not negative.
    fn whole(&mut self) -> Option<u64> {
        self.peek()?;
        let rest = &self.json[self.at..];
        let length = rest.iter().take_while(|it| it.is_ascii_digit()).count();
        let digits = &rest[..length];
        if length == 0 || (length > 1 && digits[0] == b'0') {
            return None;
        }
        if matches!(rest.get(length), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        self.at += length;
        digits.iter().try_fold(0_u64, |all, it| {
            all.checked_mul(10)?.checked_add(u64::from(*it - b'0'))
        })
    }

    fn boolean(&mut self) -> Option<bool> {
        match self.peek()? {
            b't' => self.word(b"true").map(|()| true),
            _ => self.word(b"false").map(|()| false),
        }
    }

    fn object(&mut self, mut member: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        self.eat(b'{')?;
        if self.peek()? == b'}' {
            return self.eat(b'}');
        }
        loop {
            let name = self.string()?;
            self.eat(b':')?;
            member(self, name)?;
            match self.take()? {
                b',' => {}
                byte => return (byte == b'}').then_some(()),
            }
        }
    }

    /// A list with at least one element.
    fn list(&mut self, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.eat(b'[')?;
        loop {
            element(self)?;
            match self.take()? {
                b',' => {}
                byte => return (byte == b']').then_some(()),
            }
        }
    }

    fn wishes(&mut self) -> Option<Wishes> {
        let mut wishes = Wishes::default();
        self.object(|text, name| {
            let value = match text.peek()? {
                b'"' => Parameter::Text(text.string()?),
                b't' | b'f' => Parameter::Bool(text.boolean()?),
                _ => Parameter::Number(text.whole()?),
            };
            wishes.take(name, value).ok()
        })?;
        Some(wishes)
    }

    fn outputs(&mut self) -> Option<Vec<(String, Option<bool>)>> {
        let mut outputs = Vec::new();
        self.list(|text| {
            let (mut name, mut raw) = (None, None);
            text.object(|text, member| match member {
                "name" => once(&mut name, text.string()?.to_owned()),
                "parameters" => text.object(|text, parameter| match parameter {
                    "binary_data" => once(&mut raw, text.boolean()?),
                    _ => None,
                }),
                _ => None,
            })?;
            outputs.push((name?, raw));
            Some(())
        })?;
        Some(outputs)
    }

    fn inputs(&mut self, raw: &mut &[u8]) -> Option<Vec<Tensor>> {
        let mut inputs = Vec::with_capacity(TENSORS);
        self.list(|text| {
            inputs.push(text.input(raw)?);
            Some(())
        })?;
        Some(inputs)
    }

    /// A tensor whose name, shape and type come before its elements.
    fn input(&mut self, raw: &mut &[u8]) -> Option<Tensor> {
        let (mut name, mut shape, mut datatype) = (None, None, None);
        let (mut elements, mut size) = (None, None);
        self.object(|text, member| match member {
            "name" => once(&mut name, text.string()?.to_owned()),
            "shape" => once(&mut shape, text.shape()?),
            "datatype" => once(&mut datatype, values::datatype(text.string()?)?),
            "parameters" => text.object(|text, parameter| match parameter {
                "binary_data_size" => once(&mut size, text.whole()?),
                _ => None,
            }),
            "data" => once(&mut elements, text.elements(datatype?, shape.as_deref()?)?),
            _ => None,
        })?;
        let (name, shape, datatype) = (name?, shape?, datatype?);
        let values = match (elements, size) {
            (Some(elements), None) => elements,
            (None, Some(size)) => {
                let (own, rest) = raw.split_at_checked(usize::try_from(size).ok()?)?;
                *raw = rest;
                values::from_raw(own, datatype, &name).ok()?
            }
            _ => return None,
        };
        (values.len() == count(&shape)?).then_some(Tensor {
            name,
            datatype,
            shape,
            values,
        })
    }

    fn shape(&mut self) -> Option<Vec<u64>> {
        let mut shape = Vec::with_capacity(2);
        self.list(|text| {
            shape.push(text.whole()?);
            (shape.len() <= DIMENSIONS_MAX).then_some(())
        })?;
        Some(shape)
    }

    fn elements(&mut self, datatype: DataType, shape: &[u64]) -> Option<Values> {
        // A short text cannot make a long buffer: an element takes at least two characters.
        let room = count(shape)?.min(self.json.len() / 2);
        match datatype {
            DataType::Fp32 => self.floats(room).map(Values::Fp32),
            DataType::Fp64 => self.floats(room).map(Values::Fp64),
            _ => None,
        }
    }

    /// Numbers in a flat list, or in a list of lists.
    fn floats<T: Float>(&mut self, room: usize) -> Option<Vec<T>> {
        let mut all = Vec::with_capacity(room);
        let at = self.at;
        self.eat(b'[')?;
        let nested = self.peek()? == b'[';
        self.at = at;
        let number = |text: &mut Self, all: &mut Vec<T>| {
            all.push(text.float()?);
            Some(())
        };
        if nested {
            self.list(|text| text.list(|text| number(text, &mut all)))?;
        } else {
            self.list(|text| number(text, &mut all))?;
        }
        Some(all)
    }

    fn float<T: Float>(&mut self) -> Option<T> {
        if self.peek()? == b'n' {
            return self.word(b"null").map(|()| T::NAN);
        }
        let (value, length) = number::read(&self.json[self.at..])?;
        self.at += length;
        Some(value)
    }
}

fn count(shape: &[u64]) -> Option<usize> {
    let all = shape.iter().try_fold(1_u64, |all, it| all.checked_mul(*it));
    usize::try_from(all?).ok()
}

#[cfg(test)]
mod tests;
