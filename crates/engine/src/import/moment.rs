//! When things happen: kickoffs from local dates and times, and when quotes count as taken.
//!
//! Sources seldom say when a price was taken. By convention a closing price is taken a minute
//! before kickoff. football-data.co.uk collects its first prices on Friday afternoons for games
//! from Friday to Monday, and on Tuesday afternoons for the rest: those are taken at 15:00 London
//! time of that day, and never less than two hours before kickoff.

use domain::{KickoffPrecision, QuoteStage};
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::import::row::Reason;

/// How long before kickoff a closing price counts as taken.
const CLOSING_LEAD: SignedDuration = SignedDuration::from_mins(1);
/// The least time between an opening price and kickoff.
const OPENING_LEAD_MIN: SignedDuration = SignedDuration::from_hours(2);
/// The hour of the afternoon at which football-data.co.uk counts as collecting prices.
const COLLECTED_AT: i8 = 15;

/// When opening prices of a source count as taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpeningConvention {
    /// On the Friday or Tuesday afternoon before, London time.
    FridayOrTuesday,
    /// A day before kickoff.
    #[default]
    DayBefore,
}

/// The instant of a local date and time; gaps and folds of the clock resolve as is customary
/// (later in a gap, the first of two in a fold).
pub(crate) fn instant(date: Date, time: Time, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_timestamp(DateTime::from_parts(date, time)).ok()
}

/// A kickoff of which only the day is known: noon in the competition's zone.
pub(crate) fn noon(date: Date, zone: &TimeZone) -> Option<(Timestamp, KickoffPrecision)> {
    instant(date, Time::constant(12, 0, 0, 0), zone).map(|at| (at, KickoffPrecision::Day))
}

/// When a quote of `stage` counts as taken for a game at `kickoff`.
pub(crate) fn taken_at(
    stage: QuoteStage,
    kickoff: Timestamp,
    convention: OpeningConvention,
    london: &TimeZone,
) -> Timestamp {
    let before = |lead: SignedDuration| {
        kickoff
            .saturating_sub(lead)
            .expect("a signed duration never overflows when saturating")
    };
    match (stage, convention) {
        (QuoteStage::Closing, _) => before(CLOSING_LEAD),
        (QuoteStage::Intermediate | QuoteStage::Suspended, _) => before(OPENING_LEAD_MIN),
        (QuoteStage::Opening, OpeningConvention::DayBefore) => {
            before(SignedDuration::from_hours(24))
        }
        (QuoteStage::Opening, OpeningConvention::FridayOrTuesday) => {
            let collected = collection(kickoff, london);
            let latest = before(OPENING_LEAD_MIN);
            collected.map_or(latest, |at| at.min(latest))
        }
    }
}

/// The Friday or Tuesday afternoon on or before the day of `kickoff`.
fn collection(kickoff: Timestamp, london: &TimeZone) -> Option<Timestamp> {
    let day = london.to_datetime(kickoff).date();
    let back = match day.weekday() {
        Weekday::Friday | Weekday::Tuesday => 0,
        Weekday::Saturday | Weekday::Wednesday => 1,
        Weekday::Sunday | Weekday::Thursday => 2,
        Weekday::Monday => 3,
    };
    let collected = day.checked_sub(back.days()).ok()?;
    instant(collected, Time::constant(COLLECTED_AT, 0, 0, 0), london)
}

/// Reads a date by the first of `formats` that gives a year from 1850 to 2100.
pub(crate) fn parse_date(text: &str, formats: &[String]) -> Result<Date, Reason> {
    formats
        .iter()
        .filter_map(|format| Date::strptime(format, text).ok())
        .find(|date| (1850..=2100).contains(&date.year()))
        .ok_or_else(|| Reason::UnknownDate(text.to_owned()))
}

/// Reads a time of day as `H:MM`, `HH:MM` or `HH:MM:SS`.
pub(crate) fn parse_time(text: &str) -> Result<Time, Reason> {
    let unknown = || Reason::UnknownTime(text.to_owned());
    let mut parts = text.split(':');
    let mut part = || -> Result<Option<i8>, Reason> {
        let Some(digits) = parts.next() else {
            return Ok(None);
        };
        let valid = matches!(digits.len(), 1 | 2) && digits.bytes().all(|it| it.is_ascii_digit());
        let number = digits.parse().map_err(|_| unknown())?;
        if valid {
            Ok(Some(number))
        } else {
            Err(unknown())
        }
    };
    let (hour, minute, second) = (part()?, part()?, part()?);
    let (Some(hour), Some(minute)) = (hour, minute) else {
        return Err(unknown());
    };
    if parts.next().is_some() {
        return Err(unknown());
    }
    Time::new(hour, minute, second.unwrap_or(0), 0).map_err(|_| unknown())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn london() -> TimeZone {
        TimeZone::get("Europe/London").unwrap()
    }

    fn opening(kickoff: &str) -> String {
        let kickoff: Timestamp = kickoff.parse().unwrap();
        taken_at(
            QuoteStage::Opening,
            kickoff,
            OpeningConvention::FridayOrTuesday,
            &london(),
        )
        .to_string()
    }

    #[test]
    fn weekend_games_are_priced_on_friday_afternoon() {
        assert_eq!(opening("2023-08-12T14:00:00Z"), "2023-08-11T14:00:00Z");
        assert_eq!(opening("2023-12-04T20:00:00Z"), "2023-12-01T15:00:00Z");
        assert_eq!(opening("2023-12-01T20:00:00Z"), "2023-12-01T15:00:00Z");
    }

    #[test]
    fn midweek_games_are_priced_on_tuesday_afternoon() {
        assert_eq!(opening("2023-12-07T20:00:00Z"), "2023-12-05T15:00:00Z");
        assert_eq!(opening("2023-12-05T19:45:00Z"), "2023-12-05T15:00:00Z");
    }

    #[test]
    fn an_opening_price_lies_two_hours_before_kickoff_at_least() {
        assert_eq!(opening("2023-12-01T12:00:00Z"), "2023-12-01T10:00:00Z");
    }

    #[test]
    fn other_stages_lie_a_day_two_hours_or_a_minute_before_kickoff() {
        let kickoff: Timestamp = "2023-12-01T12:00:00Z".parse().unwrap();
        let check = |stage, expected: &str| {
            let at = taken_at(stage, kickoff, OpeningConvention::DayBefore, &london());
            assert_eq!(at.to_string(), expected);
        };
        check(QuoteStage::Opening, "2023-11-30T12:00:00Z");
        check(QuoteStage::Intermediate, "2023-12-01T10:00:00Z");
        check(QuoteStage::Closing, "2023-12-01T11:59:00Z");
    }

    #[test]
    fn dates_are_read_with_two_and_four_digits_of_the_year() {
        let formats = ["%d/%m/%Y".to_owned(), "%d/%m/%y".to_owned()];
        let check = |text: &str, expected: &str| {
            assert_eq!(parse_date(text, &formats).unwrap().to_string(), expected);
        };
        check("14/08/2005", "2005-08-14");
        check("14/08/05", "2005-08-14");
        check("1/8/98", "1998-08-01");
        for bad in ["", "31/02/05", "2005-08-14", "14/08/3005", "soon"] {
            assert_eq!(
                parse_date(bad, &formats),
                Err(Reason::UnknownDate(bad.to_owned()))
            );
        }
    }

    #[test]
    fn times_are_read_strictly() {
        assert_eq!(parse_time("9:30").unwrap().to_string(), "09:30:00");
        assert_eq!(parse_time("20:45:30").unwrap().to_string(), "20:45:30");
        for bad in [
            "",
            "20",
            "25:00",
            "20:60",
            "20:00:00:00",
            "+1:00",
            "020:00",
            "x:00",
        ] {
            assert_eq!(parse_time(bad), Err(Reason::UnknownTime(bad.to_owned())));
        }
    }

    #[test]
    fn summer_time_is_heeded_and_a_skipped_hour_moves_on() {
        let at = |date: &str, time: &str| {
            instant(date.parse().unwrap(), time.parse().unwrap(), &london())
                .unwrap()
                .to_string()
        };
        assert_eq!(at("2023-07-01", "20:00:00"), "2023-07-01T19:00:00Z");
        assert_eq!(at("2023-12-01", "20:00:00"), "2023-12-01T20:00:00Z");
        assert_eq!(at("2023-03-26", "01:30:00"), "2023-03-26T01:30:00Z");
    }
}
