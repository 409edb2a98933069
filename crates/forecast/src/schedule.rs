//! When models learn: base models every match day, blends and claims twice a year. Fixed moments
//! of the calendar, so that backtest and service agree on them without talking.

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

/// The hour of the day (UTC) at which a match day is over everywhere.
const BOUNDARY_HOUR: i64 = 6;

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// The newest refit moment not after `as_of`: 06:00 UTC of the same or the previous day.
pub fn cut_for(as_of: Timestamp) -> Timestamp {
    let shift = BOUNDARY_HOUR * 60 * 60;
    let second = as_of.as_second() - i64::from(as_of.subsec_nanosecond() < 0);
    let day = (second - shift).div_euclid(DAY_SECONDS);
    Timestamp::from_second(day * DAY_SECONDS + shift).unwrap_or(Timestamp::MIN)
}

/// The first refit moment after `as_of`.
pub fn next_cut(as_of: Timestamp) -> Timestamp {
    cut_for(as_of)
        .checked_add(SignedDuration::from_hours(24))
        .unwrap_or(Timestamp::MAX)
}

/// The moments in `(from, until]` at which blends and claims are fitted anew: 1 January and
/// 1 July, at the boundary of the match day.
pub(crate) fn stages(from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    let years = from.to_zoned_datetime(TimeZone::UTC).year()
        ..=until.to_zoned_datetime(TimeZone::UTC).year();
    years
        .flat_map(|year| [(year, 1), (year, 7)])
        .filter_map(|(year, month)| {
            let midnight = civil::date(year, month, 1).at(0, 0, 0, 0);
            let midnight = midnight.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp();
            midnight
                .checked_add(SignedDuration::from_hours(BOUNDARY_HOUR))
                .ok()
        })
        .filter(|it| *it > from && *it <= until)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_match_day_ends_at_six_in_the_morning() {
        let cut = |text| cut_for(at(text)).to_string();
        assert_eq!(cut("2022-08-06T15:00:00Z"), "2022-08-06T06:00:00Z");
        assert_eq!(cut("2022-08-06T05:59:59Z"), "2022-08-05T06:00:00Z");
        assert_eq!(cut("2022-08-06T06:00:00Z"), "2022-08-06T06:00:00Z");
        assert_eq!(cut("1969-12-31T23:59:59.5Z"), "1969-12-31T06:00:00Z");
        assert_eq!(cut("1969-12-31T05:59:59.5Z"), "1969-12-30T06:00:00Z");
        assert_eq!(cut_for(Timestamp::MIN), Timestamp::MIN);
    }

    #[test]
    fn blends_are_fitted_twice_a_year() {
        let stages = stages(at("2020-03-01T00:00:00Z"), at("2021-07-01T06:00:00Z"));
        let stages: Vec<String> = stages.iter().map(Timestamp::to_string).collect();
        assert_eq!(
            stages,
            [
                "2020-07-01T06:00:00Z",
                "2021-01-01T06:00:00Z",
                "2021-07-01T06:00:00Z"
            ]
        );
    }
}
