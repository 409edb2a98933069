//! Numbers and moments as people read them; the program in `web/` writes them the same way.

use domain::{KickoffPrecision, Market, MarketKind, Outcome};
use jiff::{Timestamp, tz::TimeZone};

use engine::{EdgeFlag, FixtureView};

/// `52.3%`.
pub(super) fn percent(probability: f64) -> String {
    format!("{:.1}%", probability * 100.0)
}

/// `+2.1%`, `−1.3%`; a signless zero.
pub(super) fn signed_percent(value: f64) -> String {
    let tenths = (value * 1000.0).round() / 10.0;
    if tenths > 0.0 {
        format!("+{tenths:.1}%")
    } else if tenths < 0.0 {
        format!("\u{2212}{:.1}%", -tenths)
    } else {
        "0.0%".to_owned()
    }
}

/// A number with so many decimals and a true minus sign.
pub(super) fn number(value: f64, decimals: usize) -> String {
    let text = format!("{:.*}", decimals, value.abs());
    let zero = text.bytes().all(|it| matches!(it, b'0' | b'.'));
    if value < 0.0 && !zero {
        format!("\u{2212}{text}")
    } else {
        text
    }
}

/// `1,234,567`.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Seconds from which on a span is told in days: two, or what rounds to them.
const DAYS_FROM: i64 = 171_000;

/// A span of time to the nearest of its largest sensible unit: `45 s`, `12 min`, `7 h`, `3 d`.
pub(super) fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let whole = |unit: i64| (seconds + unit / 2) / unit;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3570 => format!("{} min", whole(60)),
        3570..DAYS_FROM => format!("{} h", whole(3600)),
        _ => format!("{} d", whole(86_400)),
    }
}

/// What the ages of a game's prices and forecasts count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    /// From now, while the game is to come or under way.
    Now(Timestamp),
    /// From kickoff once it is over, as exactly as that is known.
    Kickoff(Timestamp, KickoffPrecision),
}

impl Since {
    /// Of a game that kicks off then; `under_way` where it is being played.
    pub(super) fn of(
        kickoff: (Timestamp, KickoffPrecision),
        now: Timestamp,
        under_way: bool,
    ) -> Self {
        if kickoff.0 > now || under_way {
            Self::Now(now)
        } else {
            Self::Kickoff(kickoff.0, kickoff.1)
        }
    }

    /// Whether ages grow.
    pub(super) fn ticks(self) -> bool {
        matches!(self, Self::Now(_))
    }
}

/// How old something taken at `at` is.
pub(super) fn age(at: Timestamp, since: Since) -> String {
    match since {
        Since::Now(now) => format!("{} ago", span(now.as_second() - at.as_second())),
        Since::Kickoff(kickoff, precision) => {
            let before = kickoff.as_second() - at.as_second();
            match before {
                0 => "at kickoff".to_owned(),
                1..DAYS_FROM if precision == KickoffPrecision::Day => "before the game".to_owned(),
                1.. => format!("{} before kickoff", span(before)),
                _ => format!("{} after kickoff", span(-before)),
            }
        }
    }
}

/// `Sat 6 Aug 2022`.
pub(super) fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone())
        .strftime("%a %-d %b %Y")
        .to_string()
}

/// `2022-08-06`.
pub(super) fn iso_day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone())
        .strftime("%Y-%m-%d")
        .to_string()
}

/// `15:00`, or a dash where only the day is known.
pub(super) fn time(at: Timestamp, precision: KickoffPrecision, zone: &TimeZone) -> String {
    match precision {
        KickoffPrecision::Minute => at
            .to_zoned_datetime(zone.clone())
            .strftime("%H:%M")
            .to_string(),
        KickoffPrecision::Day => "\u{2013}".to_owned(),
    }
}

/// The day of a fixture: in its visitor's zone, or the day itself where only that is known.
pub(super) fn fixture_day(view: &FixtureView, zone: &TimeZone) -> (String, String) {
    let fixture = &view.fixture;
    day_of((fixture.kickoff, fixture.kickoff_precision), zone)
}

/// The same of a kickoff that is known as exactly as this.
pub(super) fn day_of(
    (kickoff, precision): (Timestamp, KickoffPrecision),
    zone: &TimeZone,
) -> (String, String) {
    let zone = match precision {
        KickoffPrecision::Minute => zone,
        KickoffPrecision::Day => &TimeZone::UTC,
    };
    (iso_day(kickoff, zone), day(kickoff, zone))
}

/// A market by name: `Winner`, `Total 2.5`, `Handicap −0.75`.
pub(super) fn market(market: Market) -> String {
    let line = market.line().map(|it| it.value());
    match (market.kind(), line) {
        (MarketKind::H2h, _) => "Winner".to_owned(),
        (MarketKind::Totals, line) => format!("Total {}", line.unwrap_or_default()),
        (MarketKind::Spreads, line) => {
            let line = line.unwrap_or_default();
            let sign = if line > 0.0 { "+" } else { "" };
            let line = line.to_string().replace('-', "\u{2212}");
            format!("Handicap {sign}{line}")
        }
        (MarketKind::BothTeamsToScore, _) => "Both teams score".to_owned(),
        (MarketKind::CorrectScore, _) => "Correct score".to_owned(),
    }
}

/// An outcome by name: `Home`, `Over`, `2\u{2013}1`.
pub(super) fn outcome(outcome: Outcome) -> String {
    match outcome {
        Outcome::Exactly(home, away) => format!("{home}\u{2013}{away}"),
        other => {
            let text = other.to_string();
            text[..1].to_ascii_uppercase() + &text[1..]
        }
    }
}

/// A key for people: `market_average` becomes `market average`.
pub(super) fn words(key: &str) -> String {
    key.replace('_', " ")
}

/// Why an edge is doubtful, in a sentence.
pub(super) fn flag(flag: EdgeFlag) -> &'static str {
    match flag {
        EdgeFlag::ImpossibleBook => {
            "The best prices together pay more than they cost: one of them is wrong or gone."
        }
        EdgeFlag::StalePrice => "The price is old and has probably moved.",
        EdgeFlag::Unproven => {
            "Too few closing prices are known to tell what such prices turn out to be worth: the \
             expected value is what the market\u{2019}s own probability makes of the price."
        }
        EdgeFlag::Outlier => "The price stands far from every other bookmaker\u{2019}s.",
        EdgeFlag::Longshot => {
            "The price is longer than those that expected values are learned from."
        }
    }
}

/// Names of the outcomes of who wins, with and without a draw.
pub(super) fn winners(width: usize) -> &'static [(&'static str, &'static str, &'static str)] {
    if width == 3 {
        &[
            ("home", "Home", "H"),
            ("draw", "Draw", "D"),
            ("away", "Away", "A"),
        ]
    } else {
        &[("home", "Home", "H"), ("away", "Away", "A")]
    }
}

#[cfg(test)]
mod tests {
    use domain::Line;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn shares_and_values_have_one_decimal_and_a_true_sign() {
        assert_eq!(
            [percent(0.5229), percent(0.0), percent(1.0)],
            ["52.3%", "0.0%", "100.0%"]
        );
        let signed = [0.021, -0.013, 0.0, -0.0004, 0.0004].map(signed_percent);
        assert_eq!(signed, ["+2.1%", "\u{2212}1.3%", "0.0%", "0.0%", "0.0%"]);
        assert_eq!(
            [number(-0.5, 2), number(-0.001, 2), number(1.255, 1)],
            ["\u{2212}0.50", "0.00", "1.3"]
        );
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
    }

    #[test]
    fn a_span_is_told_to_the_nearest_of_its_largest_sensible_unit() {
        for (seconds, words) in [
            (-5, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (89, "1 min"),
            (90, "2 min"),
            (3569, "59 min"),
            (3570, "1 h"),
            (10_740, "3 h"),
            (170_999, "47 h"),
            (171_000, "2 d"),
            (215_999, "2 d"),
            (216_000, "3 d"),
        ] {
            assert_eq!(span(seconds), words, "{seconds}");
        }
    }

    #[test]
    fn ages_count_from_now_until_a_game_is_over_and_from_kickoff_after() {
        let kickoff = at("2026-01-02T15:00:00Z");
        let taken = at("2026-01-02T13:30:00Z");
        let after = at("2026-01-03T00:00:00Z");
        let of = |precision, now, under_way| Since::of((kickoff, precision), now, under_way);
        let minute = |now, under_way| of(KickoffPrecision::Minute, at(now), under_way);
        let ages = [
            age(taken, minute("2026-01-02T14:00:00Z", false)),
            age(taken, minute("2026-01-02T15:30:00Z", true)),
            age(taken, minute("2026-01-03T00:00:00Z", false)),
            age(taken, of(KickoffPrecision::Day, after, false)),
            age(
                at("2025-12-30T15:00:00Z"),
                of(KickoffPrecision::Day, after, false),
            ),
            age(kickoff, of(KickoffPrecision::Day, after, false)),
            age(
                at("2026-01-02T15:07:30Z"),
                minute("2026-01-03T00:00:00Z", false),
            ),
        ];
        let words = [
            "30 min ago",
            "2 h ago",
            "2 h before kickoff",
            "before the game",
            "3 d before kickoff",
            "at kickoff",
            "8 min after kickoff",
        ];
        assert_eq!(ages, words);
    }

    #[test]
    fn days_and_times_are_the_visitors() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let late = at("2022-08-07T01:30:00Z");
        assert_eq!(day(late, &zone), "Sat 6 Aug 2022");
        assert_eq!(iso_day(late, &TimeZone::UTC), "2022-08-07");
        assert_eq!(time(late, KickoffPrecision::Minute, &zone), "21:30");
        assert_eq!(time(late, KickoffPrecision::Day, &zone), "\u{2013}");
    }

    #[test]
    fn markets_outcomes_and_doubts_have_names() {
        let line = |quarters| Line::from_quarters(quarters);
        let names = [
            Market::H2H,
            Market::totals(line(10)),
            Market::spreads(line(-3)),
            Market::spreads(line(2)),
            Market::spreads(line(0)),
            Market::BOTH_TEAMS_TO_SCORE,
            Market::CORRECT_SCORE,
        ]
        .map(market);
        assert_eq!(
            names,
            [
                "Winner",
                "Total 2.5",
                "Handicap \u{2212}0.75",
                "Handicap +0.5",
                "Handicap 0",
                "Both teams score",
                "Correct score"
            ]
        );
        assert_eq!(outcome(Outcome::Exactly(2, 1)), "2\u{2013}1");
        assert_eq!(outcome(Outcome::Under), "Under");
        assert_eq!(words("market_average"), "market average");
        let doubts = [
            EdgeFlag::ImpossibleBook,
            EdgeFlag::StalePrice,
            EdgeFlag::Outlier,
            EdgeFlag::Unproven,
            EdgeFlag::Longshot,
        ]
        .map(flag);
        assert!(doubts.iter().all(|it| it.ends_with('.')));
        assert_eq!((winners(3).len(), winners(2).len()), (3, 2));
    }
}
