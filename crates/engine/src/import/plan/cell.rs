//! One column of a row: where it is, what it is called, and how its values are read.

use std::collections::HashMap;

use crate::import::row::{CellProblem, Reason};
use crate::import::text::Fields;

/// The columns of a file by name, and those that were asked for in vain.
pub(crate) struct Header {
    positions: HashMap<String, usize>,
    missing: Vec<String>,
}

/// A column.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) name: String,
    index: usize,
}

impl Header {
    /// Of columns of the same name the first counts.
    pub(crate) fn new(names: &Fields) -> Self {
        let mut positions = HashMap::new();
        for (index, name) in names.iter().enumerate() {
            positions.entry(name.to_owned()).or_insert(index);
        }
        Self {
            positions,
            missing: Vec::new(),
        }
    }

    /// The column called `name`; where there is none it is noted as missing.
    pub(crate) fn cell(&mut self, name: &str) -> Cell {
        let index = self.positions.get(name).copied().unwrap_or_else(|| {
            if !self.missing.iter().any(|it| it == name) {
                self.missing.push(name.to_owned());
            }
            usize::MAX
        });
        Cell {
            name: name.to_owned(),
            index,
        }
    }

    pub(crate) fn missing(self) -> Vec<String> {
        self.missing
    }
}

impl Cell {
    pub(crate) fn problem(&self, reason: Reason) -> CellProblem {
        CellProblem::new(&self.name, reason)
    }

    /// The value, unless it is missing.
    pub(crate) fn optional<'a>(&self, fields: &'a Fields, missing: &[String]) -> Option<&'a str> {
        let text = fields.get(self.index);
        let absent = text.is_empty() || missing.iter().any(|it| it.eq_ignore_ascii_case(text));
        (!absent).then_some(text)
    }

    pub(crate) fn required<'a>(
        &self,
        fields: &'a Fields,
        missing: &[String],
    ) -> Result<&'a str, CellProblem> {
        self.optional(fields, missing)
            .ok_or_else(|| self.problem(Reason::MissingValue))
    }

    /// A count, which may be written with decimals (`3.0`).
    pub(crate) fn count(
        &self,
        fields: &Fields,
        missing: &[String],
    ) -> Result<Option<u16>, CellProblem> {
        self.optional(fields, missing)
            .map(|text| parse_count(text).map_err(|reason| self.problem(reason)))
            .transpose()
    }

    /// A number from zero up.
    pub(crate) fn measure(
        &self,
        fields: &Fields,
        missing: &[String],
    ) -> Result<Option<f64>, CellProblem> {
        self.optional(fields, missing)
            .map(|text| match text.parse::<f64>() {
                Ok(value) if value >= 0.0 && value.is_finite() => Ok(value),
                _ => Err(self.problem(Reason::NotAMeasure(text.to_owned()))),
            })
            .transpose()
    }
}

fn parse_count(text: &str) -> Result<u16, Reason> {
    if let Ok(count) = text.parse::<u16>() {
        return Ok(count);
    }
    match text.parse::<f64>() {
        Ok(value) if value < 0.0 => Err(Reason::Negative(text.to_owned())),
        Ok(value) if value.fract() == 0.0 && value <= f64::from(u16::MAX) =>
        {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked to be a whole number of sixteen bits"
            )]
            Ok(value as u16)
        }
        _ => Err(Reason::NotACount(text.to_owned())),
    }
}
