//! Seasons: read from a column in any of their spellings, or told from the date.

use std::collections::HashMap;

use domain::{CompetitionKey, SeasonKey};
use jiff::civil::Date;

use super::cell::{Cell, Header};
use crate::import::mapping::{SeasonMapping, SeasonStyle};
use crate::import::row::{CellProblem, Reason};
use crate::import::text::Fields;

/// How many days a competition may pause in July without its season being over: 2019/20 ended in
/// August, with games every few days.
const PAUSE_DAYS_MAX: i32 = 21;

pub(crate) struct SeasonPlan {
    cell: Option<Cell>,
    style: SeasonStyle,
    /// The last day and its season's first year of each competition, for seasons told by date.
    last: HashMap<CompetitionKey, (Date, i16)>,
}

impl SeasonPlan {
    pub(crate) fn bind(mapping: &SeasonMapping, header: &mut Header) -> Self {
        Self {
            cell: mapping.column.as_ref().map(|name| header.cell(name)),
            style: mapping.style,
            last: HashMap::new(),
        }
    }

    /// The season as the row has it; `None` where the date decides.
    pub(crate) fn written(
        &self,
        fields: &Fields,
        missing: &[String],
    ) -> Result<Option<SeasonKey>, CellProblem> {
        let Some(cell) = &self.cell else {
            return Ok(None);
        };
        let text = cell.required(fields, missing)?;
        let season = match self.style {
            SeasonStyle::StartYear => year(text).map(split_season),
            SeasonStyle::EndYear => year(text).map(|it| split_season(it - 1)),
            SeasonStyle::AsIs | SeasonStyle::CalendarYear | SeasonStyle::SplitYear => {
                parse_season(text)
            }
        };
        season
            .map(Some)
            .ok_or_else(|| cell.problem(Reason::UnknownSeason(text.to_owned())))
    }

    /// The season of a game on `day`: a season of two years begins in July, unless the season
    /// before is still being played.
    pub(crate) fn told_by_date(&mut self, competition: &CompetitionKey, day: Date) -> SeasonKey {
        if self.style == SeasonStyle::CalendarYear {
            return SeasonKey::new(day.year().to_string()).expect("a year is a key");
        }
        let mut first = if day.month() >= 7 {
            day.year()
        } else {
            day.year() - 1
        };
        let late = day.month() == 7 || (day.month() == 8 && day.day() <= 10);
        if let Some((last, season)) = self.last.get(competition)
            && late
            && *season == first - 1
            && (day - *last).get_days().abs() <= PAUSE_DAYS_MAX
        {
            first = *season;
        }
        self.last.insert(competition.clone(), (day, first));
        split_season(first)
    }
}

/// The key of a season that begins in `first` and ends in the next year.
pub(crate) fn split_season(first: i16) -> SeasonKey {
    let text = format!("{first}/{:02}", (first + 1).rem_euclid(100));
    SeasonKey::new(text).expect("two years and a stroke are a key")
}

/// Years a season may go on beyond its first: cups are qualified for in several.
const YEARS_MAX: i16 = 4;

/// Reads `2023`, `2022/23`, `2022-23`, `2022/2023`, `2022-2023` and `22/23`, and any other key as it
/// is, but for two years that are too far apart.
pub(crate) fn parse_season(text: &str) -> Option<SeasonKey> {
    if let Some(short) = short_season(text) {
        return short;
    }
    if let Some((first, last)) = text.split_once(['/', '-'])
        && let (Some(first), Ok(last)) = (year(first), last.parse::<i16>())
    {
        let is = |year: i16| last == year || last == year.rem_euclid(100);
        if is(first + 1) {
            return Some(split_season(first));
        }
        if !(2..=YEARS_MAX).any(|it| is(first + it)) {
            return None;
        }
    }
    SeasonKey::new(text).ok()
}

/// A season of two years of two digits each, such as `23/24`, which is of this century or, from 70 on,
/// of the last; within, nothing where the second does not follow the first.
fn short_season(text: &str) -> Option<Option<SeasonKey>> {
    let (first, last) = text.split_once(['/', '-'])?;
    let two = |it: &str| -> Option<i16> {
        let is_two = it.len() == 2 && it.bytes().all(|it| it.is_ascii_digit());
        is_two.then(|| it.parse().ok()).flatten()
    };
    let (first, last) = (two(first)?, two(last)?);
    let century = if first < 70 { 2000 } else { 1900 };
    Some((last == (first + 1) % 100).then(|| split_season(century + first)))
}

/// Whether a game of this day can be of a season that is named by its first year: from the year
/// before it, for what is played early, to the one after its last, for what is played late.
pub(crate) fn holds(season: &SeasonKey, day: Date) -> bool {
    let first = season.as_str().split(['/', '-']).next().and_then(year);
    first.is_none_or(|first| (first - 1..=first + YEARS_MAX + 1).contains(&day.year()))
}

fn year(text: &str) -> Option<i16> {
    let year = text.strip_suffix(".0").unwrap_or(text).parse().ok()?;
    (1850..=2100).contains(&year).then_some(year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_years_of_two_digits_are_a_season_where_one_follows_the_other() {
        let read = |text| parse_season(text).map(|it| it.as_str().to_owned());
        for (text, season) in [
            ("23/24", Some("2023/24")),
            ("99-00", Some("1999/00")),
            ("69/70", Some("2069/70")),
            ("23/25", None),
            ("2023/24", Some("2023/24")),
            ("2/3", Some("2/3")),
        ] {
            assert_eq!(read(text).as_deref(), season, "{text}");
        }
    }
}
