use super::*;

fn line(value: f64) -> Line {
    Line::new(value).unwrap()
}

#[test]
fn a_kind_reads_back_what_it_writes() {
    for kind in MarketKind::ALL {
        assert_eq!(MarketKind::parse(kind.as_str()), Some(kind));
        assert_eq!(
            serde_json::to_string(&kind).unwrap(),
            format!("\"{}\"", kind.as_str())
        );
    }
    assert_eq!(MarketKind::parse("corners"), None);
}

#[test]
fn a_line_is_a_multiple_of_a_quarter_within_bounds() {
    for value in [0.0, 2.5, -0.75, 1000.0, -1000.0, 41.25] {
        assert_eq!(line(value).value(), value);
    }
    for value in [0.1, 2.51, 1000.25, f64::NAN, f64::INFINITY] {
        assert!(Line::new(value).is_err());
    }
    let error = Line::new(0.3).unwrap_err();
    let says = "0.3 is not a line: use a multiple of 0.25 between -1000 and 1000";
    assert_eq!(error.to_string(), says);
}

#[test]
fn a_line_is_kept_in_quarters_and_written_in_goals() {
    assert_eq!(
        (Line::from_quarters(-3), line(-0.75).quarters()),
        (line(-0.75), -3)
    );
    assert_eq!(format!("{} {:.2}", line(2.5), line(-1.0)), "2.5 -1.00");
    assert_eq!(serde_json::to_string(&line(2.5)).unwrap(), "2.5");
    assert_eq!(serde_json::from_str::<Line>("-1.25").unwrap(), line(-1.25));
    assert!(serde_json::from_str::<Line>("0.3").is_err());
}

#[test]
fn a_market_has_a_line_exactly_where_its_kind_has_one() {
    for kind in MarketKind::ALL {
        let with = Market::new(kind, Some(line(1.5)));
        let without = Market::new(kind, None);
        assert_eq!(
            (with.is_ok(), without.is_ok()),
            (kind.has_line(), !kind.has_line())
        );
    }
    let missing = Market::new(MarketKind::Totals, None).unwrap_err();
    assert_eq!(missing, ParseMarketError::LineMissing(MarketKind::Totals));
    assert_eq!(missing.to_string(), "market totals needs a line");
    let given = Market::new(MarketKind::H2h, Some(line(1.0))).unwrap_err();
    assert_eq!(given, ParseMarketError::LineGiven(MarketKind::H2h));
    assert_eq!(given.to_string(), "market h2h has no line");
}

#[test]
fn the_named_markets_are_what_the_checked_constructor_makes() {
    let cases = [
        (Market::H2H, MarketKind::H2h, None),
        (
            Market::BOTH_TEAMS_TO_SCORE,
            MarketKind::BothTeamsToScore,
            None,
        ),
        (Market::CORRECT_SCORE, MarketKind::CorrectScore, None),
        (
            Market::totals(line(2.5)),
            MarketKind::Totals,
            Some(line(2.5)),
        ),
        (
            Market::spreads(line(-0.25)),
            MarketKind::Spreads,
            Some(line(-0.25)),
        ),
    ];
    for (market, kind, line) in cases {
        assert_eq!(Market::new(kind, line), Ok(market));
        assert_eq!((market.kind(), market.line()), (kind, line));
    }
}

#[test]
fn outcomes_stand_in_the_order_prices_are_kept_in() {
    use Outcome::{Away, Draw, Home, No, Over, Under, Yes};
    let outcomes = |market: Market, has_draw| market.outcomes(has_draw).to_vec();
    assert_eq!(outcomes(Market::H2H, true), [Home, Draw, Away]);
    assert_eq!(outcomes(Market::H2H, false), [Home, Away]);
    assert_eq!(outcomes(Market::spreads(line(1.0)), true), [Home, Away]);
    assert_eq!(outcomes(Market::totals(line(2.5)), true), [Over, Under]);
    assert_eq!(outcomes(Market::BOTH_TEAMS_TO_SCORE, true), [Yes, No]);
    assert_eq!(outcomes(Market::CORRECT_SCORE, true), []);
}

#[test]
fn an_outcome_reads_back_what_it_writes() {
    let outcomes = [
        (Outcome::Home, "home"),
        (Outcome::Draw, "draw"),
        (Outcome::Away, "away"),
        (Outcome::Over, "over"),
        (Outcome::Under, "under"),
        (Outcome::Yes, "yes"),
        (Outcome::No, "no"),
        (Outcome::Exactly(2, 1), "2-1"),
    ];
    for (outcome, text) in outcomes {
        assert_eq!(
            (outcome.to_string().as_str(), text.parse()),
            (text, Ok(outcome))
        );
        let json = serde_json::to_string(&outcome).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Outcome>(&json).unwrap(), outcome);
    }
}

#[test]
fn what_is_no_outcome_is_refused_by_name() {
    for text in ["", "tie", "2:1", "x-1", "1-x", "256-0"] {
        assert_eq!(
            text.parse::<Outcome>(),
            Err(format!("{text:?} is not an outcome"))
        );
    }
    assert!(serde_json::from_str::<Outcome>("\"tie\"").is_err());
}
