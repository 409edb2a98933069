//! Columns as bytes and back; whatever they index is checked before it is believed.

use super::{COLUMNS_MAX, Equal, Group, Quantiser};
use crate::ReadError;
use crate::compact::{Reader, Writer};

impl Quantiser {
    /// Writes the columns.
    pub(crate) fn write(&self, to: &mut Writer) {
        to.u8(u8::from(self.single));
        to.len(self.width);
        to.len(self.thresholds.len());
        self.thresholds.iter().for_each(|it| to.f64(*it));
        to.len(self.features.feature.len());
        for (feature, count) in self.features.feature.iter().zip(&self.features.count) {
            to.u32(*feature);
            to.u32(*count);
        }
        to.len(self.ranks.of.len());
        for at in 0..self.ranks.of.len() {
            to.u32(self.ranks.of[at]);
            to.u32(self.ranks.below[at]);
            to.u8(self.ranks.rule(at));
        }
        to.len(self.equals.len());
        for it in &self.equals {
            to.u32(it.feature);
            to.u8(it.missing);
            to.f64(it.value);
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
        for _ in 0..from.len(8)? {
            let (feature, count) = (from.u32()?, from.u32()?);
            from.hold((feature as usize) < features, "no such feature")?;
            let pushed = it.features.push(feature, count);
            from.hold(pushed.is_some(), "too many thresholds")?;
            it.reach = it.reach.max(feature as usize + 1);
        }
        let counts: usize = it.features.count.iter().map(|it| *it as usize).sum();
        let held = it.thresholds.len();
        from.hold(counts == held, "features and thresholds do not add up")?;
        for _ in 0..from.len(9)? {
            let (of, below, missing) = (from.u32()?, from.u32()?, from.missing()?);
            let known = (of as usize) < it.features.feature.len();
            from.hold(known, "no such feature")?;
            it.ranks.push(of, below, missing);
        }
        it.equals = from.many(13, |from| {
            let (feature, missing, value) = (from.u32()?, from.missing()?, from.f64()?);
            from.hold((feature as usize) < features, "no such feature")?;
            Ok(Equal {
                feature,
                missing,
                value,
            })
        })?;
        let columns = it.ranks.of.len() + it.equals.len();
        from.hold(columns <= width, "no such column")?;
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
