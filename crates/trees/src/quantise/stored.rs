//! Columns as bytes and back; whatever they index is checked before it is believed.

use super::{COLUMNS_MAX, Column, Feature, Group, Quantiser};
use crate::ReadError;
use crate::compact::{Reader, Writer};

impl Quantiser {
    /// Writes the columns.
    pub(crate) fn write(&self, to: &mut Writer) {
        to.u8(u8::from(self.single));
        to.len(self.width);
        to.len(self.thresholds.len());
        self.thresholds.iter().for_each(|it| to.f64(*it));
        to.len(self.features.len());
        for it in &self.features {
            to.u32(it.feature);
            to.u32(it.thresholds);
            to.u32(it.columns);
        }
        to.len(self.columns.len());
        for it in &self.columns {
            to.u32(it.at);
            to.u8(it.missing);
            to.u32(it.below);
            to.u8(u8::from(it.equal.is_some()));
            to.f64(it.equal.unwrap_or(0.0));
        }
        to.len(self.groups.len());
        for it in &self.groups {
            to.u32(it.feature);
            to.u8(it.missing);
            to.u8(u8::from(it.fraction_is_zero));
            to.u32(it.at);
            to.u32(it.sets);
            to.u32(it.categories);
            to.u32(it.table);
        }
        to.len(self.table.len());
        self.table.iter().for_each(|it| to.u8(*it as u8));
    }

    /// Reads columns for rows of so many features.
    pub(crate) fn read(from: &mut Reader<'_>, features: usize) -> Result<Self, ReadError> {
        let single = from.flag()?;
        let width = from.len(0)?;
        from.hold(width <= COLUMNS_MAX, "too many columns")?;
        let mut it = Self {
            single,
            width,
            ..Self::default()
        };
        it.thresholds = from.many(8, Reader::f64)?;
        it.features = from.many(12, |from| {
            let it = Feature {
                feature: from.u32()?,
                thresholds: from.u32()?,
                columns: from.u32()?,
            };
            from.hold((it.feature as usize) < features, "no such feature")?;
            Ok(it)
        })?;
        it.columns = from.many(18, |from| {
            let at = from.u32()?;
            from.hold((at as usize) < width, "no such column")?;
            let (missing, below) = (from.missing()?, from.u32()?);
            let (asks, value) = (from.flag()?, from.f64()?);
            let equal = asks.then_some(value);
            Ok(Column {
                at,
                missing,
                below,
                equal,
            })
        })?;
        let sum = |of: fn(&Feature) -> u32| it.features.iter().map(|it| of(it) as usize).sum();
        let counts: (usize, usize) = (sum(|it| it.thresholds), sum(|it| it.columns));
        let held = (it.thresholds.len(), it.columns.len());
        from.hold(counts == held, "features and columns do not add up")?;
        it.groups = from.many(22, |from| Group::read(from, width, features))?;
        it.table = from.many(1, |from| Ok(from.u8()? as i8))?;
        let fits = |group: &Group| {
            let bytes = (u64::from(group.categories) + 2).checked_mul(u64::from(group.sets));
            let end = bytes.and_then(|it| it.checked_add(u64::from(group.table)));
            end.is_some_and(|end| end <= it.table.len() as u64)
        };
        from.hold(
            it.groups.iter().all(fits),
            "sets of categories beyond their table",
        )?;
        Ok(it)
    }
}

impl Group {
    fn read(from: &mut Reader<'_>, width: usize, features: usize) -> Result<Self, ReadError> {
        let it = Self {
            feature: from.u32()?,
            missing: from.missing()?,
            fraction_is_zero: from.flag()?,
            at: from.u32()?,
            sets: from.u32()?,
            categories: from.u32()?,
            table: from.u32()?,
        };
        from.hold((it.feature as usize) < features, "no such feature")?;
        let end = u64::from(it.at) + u64::from(it.sets.max(1));
        from.hold(end <= width as u64, "no such column")?;
        let most = if it.sets == 0 {
            super::LINES
        } else {
            u32::MAX - 2
        };
        from.hold(it.categories <= most, "too many categories")?;
        Ok(it)
    }
}
