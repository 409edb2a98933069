//! How domain values are written in columns: times as microseconds, choices as small numbers.

use domain::{
    FixtureStatus, KickoffPrecision, Line, Market, MarketKind, QuoteStage, SeasonType, Sport,
};
use jiff::Timestamp;

use crate::StoreError;

/// Microseconds since 1970, rounded down: what is finer is not kept.
pub(crate) fn micros(moment: Timestamp) -> i64 {
    let micros = moment.as_nanosecond().div_euclid(1000);
    i64::try_from(micros).expect("the range of a timestamp fits in 64 bits of microseconds")
}

/// The first whole microsecond not before `moment`, for bounds that stored times are compared to.
pub(crate) fn micros_up(moment: Timestamp) -> i64 {
    let floor = micros(moment);
    if i128::from(floor) * 1000 == moment.as_nanosecond() {
        floor
    } else {
        floor + 1
    }
}

/// How finely the last use of a key is kept, so that reads do not become writes.
const USE_RESOLUTION_MICROS: i64 = 60_000_000;

/// The whole minute a moment is in.
pub(crate) fn whole_minute(moment: Timestamp) -> i64 {
    micros(moment).div_euclid(USE_RESOLUTION_MICROS) * USE_RESOLUTION_MICROS
}

/// A list as JSON.
pub(crate) fn json<T: serde::Serialize>(list: impl IntoIterator<Item = T>) -> String {
    let list: Vec<T> = list.into_iter().collect();
    serde_json::to_string(&list).expect("numbers and texts can always be written as JSON")
}

pub(crate) fn moment(column: &'static str, micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|_| corrupt(column, micros))
}

/// Complains of a stored value.
pub(crate) fn corrupt(column: &'static str, value: impl ToString) -> StoreError {
    StoreError::Corrupt {
        column,
        value: value.to_string(),
    }
}

pub(crate) fn sport(text: &str) -> Result<Sport, StoreError> {
    Sport::parse(text).ok_or_else(|| corrupt("competitions.sport", text))
}

const STATUSES: [FixtureStatus; 4] = [
    FixtureStatus::Scheduled,
    FixtureStatus::Finished,
    FixtureStatus::Postponed,
    FixtureStatus::Cancelled,
];
const PRECISIONS: [KickoffPrecision; 2] = [KickoffPrecision::Day, KickoffPrecision::Minute];
const STAGES: [QuoteStage; 4] = [
    QuoteStage::Opening,
    QuoteStage::Intermediate,
    QuoteStage::Closing,
    QuoteStage::Suspended,
];

fn encode<T: PartialEq>(all: &[T], value: &T) -> i64 {
    let index = all.iter().position(|it| it == value);
    i64::try_from(index.expect("the list holds every variant")).expect("a list is short")
}

fn decode<T: Copy>(all: &[T], column: &'static str, code: i64) -> Result<T, StoreError> {
    usize::try_from(code)
        .ok()
        .and_then(|index| all.get(index).copied())
        .ok_or_else(|| corrupt(column, code))
}

pub(crate) fn status_code(status: FixtureStatus) -> i64 {
    encode(&STATUSES, &status)
}

pub(crate) fn status(code: i64) -> Result<FixtureStatus, StoreError> {
    decode(&STATUSES, "fixtures.status", code)
}

pub(crate) fn precision_code(precision: KickoffPrecision) -> i64 {
    encode(&PRECISIONS, &precision)
}

pub(crate) fn precision(code: i64) -> Result<KickoffPrecision, StoreError> {
    decode(&PRECISIONS, "fixtures.precision", code)
}

pub(crate) fn season_type_code(season_type: SeasonType) -> i64 {
    encode(&SeasonType::ALL, &season_type)
}

pub(crate) fn season_type(code: i64) -> Result<SeasonType, StoreError> {
    decode(&SeasonType::ALL, "fixtures.season_type", code)
}

pub(crate) fn stage_code(stage: QuoteStage) -> i64 {
    encode(&STAGES, &stage)
}

pub(crate) fn stage(code: i64) -> Result<QuoteStage, StoreError> {
    decode(&STAGES, "quotes.stage", code)
}

/// A market as kind and line in quarters; 0 where the kind has no line.
pub(crate) fn market_codes(market: Market) -> (i64, i64) {
    let line = market.line().map_or(0, Line::quarters);
    (encode(&MarketKind::ALL, &market.kind()), i64::from(line))
}

pub(crate) fn market(kind: i64, line: i64) -> Result<Market, StoreError> {
    let kind = decode(&MarketKind::ALL, "quotes.kind", kind)?;
    let quarters = i32::try_from(line).map_err(|_| corrupt("quotes.line", line))?;
    let line = kind.has_line().then(|| Line::from_quarters(quarters));
    Ok(Market::new(kind, line).expect("a line is given exactly where the kind has one"))
}
