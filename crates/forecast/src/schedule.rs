//! When models learn: base models every match day, blends and claims twice a year. Fixed moments
//! of the calendar, so that backtest and service agree on them without talking.

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

/// The hour of the day (UTC) between two match days: midnight on America's west coast in winter,
/// when its late games are over, and before the first of the next day in Europe are forecast.
const BOUNDARY_HOUR: i64 = 8;

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// The newest refit moment not after `as_of`: 08:00 UTC of the same or the previous day.
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
    use domain::{KickoffPrecision, Sport};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_match_day_ends_when_it_is_over_on_the_american_west_coast() {
        let cut = |text| cut_for(at(text)).to_string();
        assert_eq!(cut("2022-08-06T15:00:00Z"), "2022-08-06T08:00:00Z");
        assert_eq!(cut("2022-08-06T07:59:59Z"), "2022-08-05T08:00:00Z");
        assert_eq!(cut("2022-08-06T08:00:00Z"), "2022-08-06T08:00:00Z");
        assert_eq!(cut("1969-12-31T23:59:59.5Z"), "1969-12-31T08:00:00Z");
        assert_eq!(cut("1969-12-31T07:59:59.5Z"), "1969-12-30T08:00:00Z");
        assert_eq!(cut_for(Timestamp::MIN), Timestamp::MIN);
    }

    #[test]
    fn a_night_in_america_is_known_before_the_next_day_begins_in_europe() {
        let known = |precision: KickoffPrecision, kickoff, sport| {
            precision.result_known_at(at(kickoff), sport) <= at("2022-01-16T08:00:00Z")
        };
        let (day, minute) = (KickoffPrecision::Day, KickoffPrecision::Minute);
        // Noon in New York, and half past seven in Los Angeles.
        assert!(known(day, "2022-01-15T17:00:00Z", Sport::Basketball));
        assert!(known(minute, "2022-01-16T03:30:00Z", Sport::Basketball));
        assert!(known(
            minute,
            "2022-01-16T01:20:00Z",
            Sport::AmericanFootball
        ));
        let first_in_spain = at("2022-08-14T10:00:00Z") - SignedDuration::from_hours(1);
        assert_eq!(cut_for(first_in_spain), at("2022-08-14T08:00:00Z"));
    }

    #[test]
    fn blends_are_fitted_twice_a_year() {
        let stages = stages(at("2020-03-01T00:00:00Z"), at("2021-07-01T08:00:00Z"));
        let stages: Vec<String> = stages.iter().map(Timestamp::to_string).collect();
        assert_eq!(
            stages,
            [
                "2020-07-01T08:00:00Z",
                "2021-01-01T08:00:00Z",
                "2021-07-01T08:00:00Z"
            ]
        );
    }
}
