//! Odds as people write them: decimal, American, fractional.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Price;

/// How odds are written for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OddsFormat {
    /// What one unit returns: `2.50`.
    Decimal,
    /// What 100 win, or what wins 100: `+150`, `-200`.
    American,
    /// What is won over what is staked: `6/4`.
    Fractional,
}

/// Why a text cannot be read as odds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is not a price in {} odds", .format.as_str())]
pub struct ParseOddsError {
    /// The format expected.
    pub format: OddsFormat,
    /// The text as it came.
    pub text: String,
}

/// The largest denominator of fractional odds.
const DENOMINATOR_MAX: u32 = 100;

/// Up to this denominator a fraction that is exact is written, simpler ones close by or not.
const EXACT_DENOMINATOR_MAX: u32 = 20;

impl OddsFormat {
    /// Every format, in the order of declaration.
    pub const ALL: [Self; 3] = [Self::Decimal, Self::American, Self::Fractional];

    /// The key used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decimal => "decimal",
            Self::American => "american",
            Self::Fractional => "fractional",
        }
    }

    /// Reads [`OddsFormat::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == text)
    }

    /// Writes a price: decimal to the hundredth (to the thousandth below 1.10), American to the
    /// unit, fractional exactly in twentieths or coarser, else as the simplest fraction within half a
    /// percent of the profit.
    pub fn write(self, price: Price) -> String {
        let profit = price.decimal() - 1.0;
        match self {
            Self::Decimal if profit < 0.1 => format!("{:.3}", price.decimal()),
            Self::Decimal => format!("{:.2}", price.decimal()),
            Self::American if profit >= 1.0 => format!("+{:.0}", profit * 100.0),
            Self::American => format!("-{:.0}", 100.0 / profit),
            Self::Fractional => write_fraction(profit),
        }
    }

    /// Reads odds written in this format; evens may be `evens` in fractional odds.
    pub fn read(self, text: &str) -> Result<Price, ParseOddsError> {
        let decimal = match self {
            Self::Decimal => text.trim().parse().ok(),
            Self::American => read_american(text.trim()),
            Self::Fractional => read_fraction(text.trim()),
        };
        decimal
            .and_then(|it| Price::new(it).ok())
            .ok_or_else(|| ParseOddsError {
                format: self,
                text: text.to_owned(),
            })
    }
}

fn write_fraction(profit: f64) -> String {
    let fraction = |denominator: u32| {
        let numerator = (profit * f64::from(denominator)).round();
        (
            numerator,
            denominator,
            (numerator / f64::from(denominator) / profit - 1.0).abs(),
        )
    };
    let exact = (1..=EXACT_DENOMINATOR_MAX)
        .map(fraction)
        .find(|it| it.2 <= 1e-9);
    let close = || (1..=DENOMINATOR_MAX).map(fraction).find(|it| it.2 <= 0.005);
    match exact.or_else(close) {
        Some((numerator, denominator, _)) => format!("{numerator:.0}/{denominator}"),
        // Profits below a hundredth: one over how many units win one.
        None => format!("1/{:.0}", 1.0 / profit),
    }
}

fn read_american(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    if value >= 100.0 {
        Some(1.0 + value / 100.0)
    } else if value <= -100.0 {
        Some(1.0 - 100.0 / value)
    } else {
        None
    }
}

fn read_fraction(text: &str) -> Option<f64> {
    if text.eq_ignore_ascii_case("evens") {
        return Some(2.0);
    }
    let (won, staked) = text.split_once('/')?;
    let (won, staked): (f64, f64) = (won.trim().parse().ok()?, staked.trim().parse().ok()?);
    (won > 0.0 && staked > 0.0).then(|| 1.0 + won / staked)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(decimal: f64, written: [&str; 3]) {
        let price = Price::new(decimal).unwrap();
        assert_eq!(OddsFormat::ALL.map(|it| it.write(price)), written);
        for (format, text) in OddsFormat::ALL.into_iter().zip(written) {
            let back = format.read(text).unwrap().decimal();
            assert!((back - decimal).abs() <= 0.0011, "{text} read as {back}");
        }
    }

    #[test]
    fn a_price_is_written_and_read_in_every_format() {
        check(2.5, ["2.50", "+150", "3/2"]);
        check(2.0, ["2.00", "+100", "1/1"]);
        check(1.5, ["1.50", "-200", "1/2"]);
        check(1.91, ["1.91", "-110", "10/11"]);
        check(1.0625, ["1.062", "-1600", "1/16"]);
        check(51.0, ["51.00", "+5000", "50/1"]);
        check(1.0025, ["1.002", "-40000", "1/400"]);
    }

    #[test]
    fn a_fraction_in_twentieths_is_exact_and_a_finer_one_simple() {
        for (decimal, written) in [(1.95, "19/20"), (3.2, "11/5"), (1.37, "7/19")] {
            let price = Price::new(decimal).unwrap();
            assert_eq!(OddsFormat::Fractional.write(price), written);
        }
    }

    #[test]
    fn what_is_no_price_in_a_format_is_refused_by_name() {
        let cases = [
            (
                OddsFormat::Decimal,
                vec!["", "x", "1", "0.5", "-3", "inf", "NaN", "10001"],
            ),
            (
                OddsFormat::American,
                vec!["", "x", "99", "-99.9", "0", "NaN", "+2000000"],
            ),
            (
                OddsFormat::Fractional,
                vec!["", "2", "0/1", "1/0", "-1/-2", "a/b", "1/b", "99999/1"],
            ),
        ];
        for (format, texts) in cases {
            for text in texts {
                let error = format.read(text).unwrap_err();
                assert_eq!(
                    error,
                    ParseOddsError {
                        format,
                        text: text.to_owned()
                    }
                );
            }
        }
        let error = OddsFormat::American.read("x").unwrap_err();
        assert_eq!(error.to_string(), "\"x\" is not a price in american odds");
    }

    #[test]
    fn evens_and_spaces_are_understood() {
        assert_eq!(
            OddsFormat::Fractional.read(" Evens ").unwrap().decimal(),
            2.0
        );
        assert_eq!(OddsFormat::Fractional.read("6 / 4").unwrap().decimal(), 2.5);
        assert_eq!(OddsFormat::American.read("+100").unwrap().decimal(), 2.0);
        assert_eq!(OddsFormat::American.read("-100").unwrap().decimal(), 2.0);
    }

    #[test]
    fn a_format_has_a_key_in_the_api_and_in_json() {
        for format in OddsFormat::ALL {
            assert_eq!(OddsFormat::parse(format.as_str()), Some(format));
            let json = serde_json::to_string(&format).unwrap();
            assert_eq!(json, format!("\"{}\"", format.as_str()));
        }
        assert_eq!(OddsFormat::parse("hongkong"), None);
    }

    proptest! {
        #[test]
        fn writing_and_reading_keeps_a_price_within_a_hundredth_of_its_profit(
            decimal in 1.02..1000.0_f64,
        ) {
            let price = Price::new(decimal).unwrap();
            for format in OddsFormat::ALL {
                let back = format.read(&format.write(price)).unwrap().decimal();
                let tolerance = 0.01 * (decimal - 1.0) + 0.0051;
                prop_assert!((back - decimal).abs() <= tolerance, "{:?}: {}", format, back);
            }
        }
    }
}
