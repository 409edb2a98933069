//! The attributes of a node by name.

use std::collections::HashMap;

use crate::{ReadError, check::malformed};

use super::proto::{Attribute, Node};

pub(super) struct Attributes<'a> {
    operator: &'a str,
    all: HashMap<&'a str, &'a Attribute>,
}

impl<'a> Attributes<'a> {
    pub(super) fn of(node: &'a Node) -> Self {
        let all = node.attribute.iter().map(|it| (it.name.as_str(), it));
        Self {
            operator: &node.op_type,
            all: all.collect(),
        }
    }

    /// A fault with its place.
    pub(super) fn fault(&self, name: &str, reason: &str) -> ReadError {
        malformed(&format!("{}, {name}", self.operator), reason)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.all.contains_key(name)
    }

    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        self.all.get(name).map(|it| it.i)
    }

    /// Whole numbers; none where the attribute is missing.
    pub(super) fn integers(&self, name: &str) -> &'a [i64] {
        self.all.get(name).map_or(&[], |it| &it.ints)
    }

    /// Whole numbers that are as many as are due.
    pub(super) fn columns(&self, name: &str, count: usize) -> Result<&'a [i64], ReadError> {
        let found = self.integers(name);
        self.hold_count(name, found.len(), count)?;
        Ok(found)
    }

    fn hold_count(&self, name: &str, found: usize, due: usize) -> Result<(), ReadError> {
        match found == due {
            true => Ok(()),
            false => Err(self.fault(name, &format!("{found} values where {due} are due"))),
        }
    }

    /// Numbers, as such or as the tensor `NAME_as_tensor` or as a tensor of this name; none where
    /// there is neither.
    pub(super) fn numbers(&self, name: &str) -> Result<Vec<f64>, ReadError> {
        let other = format!("{name}_as_tensor");
        let tensor = [name, &other]
            .into_iter()
            .filter_map(|it| self.all.get(it))
            .find_map(|it| it.t.as_ref());
        if let Some(tensor) = tensor {
            return tensor.numbers().ok_or_else(|| {
                let reason = format!("a tensor of type {} or cut off", tensor.data_type);
                self.fault(name, &reason)
            });
        }
        let floats = self.all.get(name).map_or(&[][..], |it| &it.floats);
        Ok(floats.iter().map(|it| f64::from(*it)).collect())
    }

    /// Numbers that are as many as are due.
    pub(super) fn reals(&self, name: &str, count: usize) -> Result<Vec<f64>, ReadError> {
        let found = self.numbers(name)?;
        self.hold_count(name, found.len(), count)?;
        Ok(found)
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, ReadError> {
        self.all
            .get(name)
            .map(|it| self.as_text(name, &it.s))
            .transpose()
    }

    pub(super) fn texts(&self, name: &str) -> Result<Vec<&'a str>, ReadError> {
        let all = self.all.get(name).map_or(&[][..], |it| &it.strings);
        all.iter().map(|it| self.as_text(name, it)).collect()
    }

    fn as_text(&self, name: &str, bytes: &'a [u8]) -> Result<&'a str, ReadError> {
        std::str::from_utf8(bytes).map_err(|_| self.fault(name, "it is not text"))
    }
}
