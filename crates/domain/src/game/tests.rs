//! What quotes boil down to.

use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::{prop_assert, prop_assert_eq};

use super::{
    Game, MarketPrices, Prices, REFERENCE_BOOKMAKERS, REFERENCE_LAG_MAX, reference_taken_at,
    summarise_quotes,
};
use crate::{
    BookmakerKey, CompetitionKey, FixtureId, FixtureStatus, Line, Market, MatchStats, Price,
    PricesAt, Quote, QuoteStage, SeasonKey, SeasonType, Sport, TeamId,
};

/// Hour `hour` of a day in which everything here happens.
fn hour(hour: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour)
}

/// A value that is no price leaves the outcome open.
fn quote(bookmaker: &str, market: Market, at: i64, values: [f64; 3]) -> Quote {
    Quote {
        bookmaker: BookmakerKey::new(bookmaker).unwrap(),
        market,
        stage: QuoteStage::Opening,
        taken_at: hour(at),
        prices: values.map(|it| Price::new(it).ok()),
    }
}

fn closing(quote: Quote) -> Quote {
    Quote {
        stage: QuoteStage::Closing,
        ..quote
    }
}

fn h2h(bookmaker: &str, at: i64, values: [f64; 3]) -> Quote {
    quote(bookmaker, Market::H2H, at, values)
}

fn totals(bookmaker: &str, at: i64, line: f64, values: [f64; 2]) -> Quote {
    let market = Market::totals(Line::new(line).unwrap());
    quote(bookmaker, market, at, [values[0], values[1], 0.0])
}

#[test]
fn prices_that_nobody_can_have_meant_count_for_nothing() {
    let sane = h2h("bet365", 1, [2.0, 4.0, 4.0]);
    let typo = [h2h("pinnacle", 2, [50.0, 50.0, 50.0]), sane.clone()];
    assert_eq!(summary(&typo), summary(std::slice::from_ref(&sane)));
    // Of what it could mean, the older one stands.
    let mistyped = [sane.clone(), h2h("bet365", 2, [20.0, 4.0, 4.0])];
    assert_eq!(summary(&mistyped), summary(&[sane]));
    let partial = h2h("bet365", 1, [9.0, 9.0, 0.0]);
    assert!(partial.is_possible(true));
    assert!(!partial.is_possible(false));
    assert!(h2h("market_best", 1, [9.0, 9.0, 9.0]).is_possible(true));
    assert_eq!(
        summary(&[h2h("bet365", 1, [9.0, 9.0, 9.0])]),
        Prices::default()
    );
}

fn summary(quotes: &[Quote]) -> Prices {
    summarise_quotes(quotes, hour(24), true)
}

fn who_wins(quotes: &[Quote]) -> MarketPrices {
    summary(quotes).h2h.unwrap()
}

fn decimals(prices: [Option<Price>; 3]) -> [f64; 3] {
    prices.map(|it| it.map_or(0.0, Price::decimal))
}

fn best(prices: &MarketPrices) -> [(f64, &str); 3] {
    prices.best.each_ref().map(|it| {
        it.as_ref()
            .map_or((0.0, ""), |it| (it.price.decimal(), it.bookmaker.as_str()))
    })
}

fn suspended(bookmaker: &str, market: Market, at: i64) -> Quote {
    Quote {
        stage: QuoteStage::Suspended,
        ..quote(bookmaker, market, at, [0.0; 3])
    }
}

#[test]
fn what_is_suspended_is_not_on_offer_until_it_is_priced_again() {
    let other = h2h("bet365", 2, [2.1, 3.0, 4.0]);
    let mut quotes = vec![h2h("pinnacle", 1, [2.0, 3.1, 4.1]), other.clone()];
    quotes.push(totals("pinnacle", 1, 2.5, [1.9, 1.9]));
    let before = summary(&quotes);
    quotes.push(suspended("pinnacle", Market::H2H, 3));
    let now = summary(&quotes);
    assert_eq!(
        now.h2h,
        summary(&[other]).h2h,
        "as if only others had prices"
    );
    assert_eq!(now.h2h.as_ref().unwrap().bookmakers, 1);
    assert_eq!(now.totals, before.totals, "another market");
    let at = |moment| summarise_quotes(&quotes, hour(moment), true).h2h;
    assert_eq!(at(2), before.h2h, "as of before");
    let taken_at = |at| reference_taken_at(&quotes, Market::H2H, hour(at), true);
    assert_eq!([taken_at(2), taken_at(3)], [Some(hour(1)), Some(hour(2))]);
    quotes.push(suspended("bet365", Market::H2H, 3));
    assert_eq!(summary(&quotes).h2h, None);
    quotes.push(h2h("pinnacle", 4, [1.8, 3.3, 4.4]));
    assert_eq!(decimals(who_wins(&quotes).reference), [1.8, 3.3, 4.4]);
    // At the same moment it is the last word.
    quotes.push(suspended("pinnacle", Market::H2H, 4));
    assert_eq!(summary(&quotes).h2h, None);
}

#[test]
fn a_market_suspended_because_the_game_begins_closed_where_it_stood() {
    let quotes = [
        h2h("bet365", 20, [2.2, 3.0, 4.0]),
        suspended("bet365", Market::H2H, 23),
        h2h("pinnacle", 20, [2.0, 3.1, 4.1]),
        suspended("pinnacle", Market::H2H, 24),
    ];
    let at = |at: PricesAt| summarise_quotes(&quotes, at, true).h2h;
    assert_eq!(at(PricesAt::Moment(hour(24))), None);
    let closing = at(PricesAt::Start(hour(24))).unwrap();
    assert_eq!(decimals(closing.reference), [2.0, 3.1, 4.1]);
    assert_eq!(closing.bookmakers, 1, "an hour before is not because of it");
    let later = at(PricesAt::Start(hour(25)));
    assert_eq!(later, None, "of a game that began an hour later");
}

#[test]
fn nothing_comes_of_nothing() {
    assert_eq!(summary(&[]), Prices::default());
}

#[test]
fn the_sharpest_bookmaker_that_prices_everything_is_the_reference() {
    let mut quotes = vec![h2h("unibet", 1, [2.1, 3.1, 4.1])];
    for (place, name) in REFERENCE_BOOKMAKERS.iter().enumerate().rev() {
        #[expect(clippy::cast_precision_loss, reason = "one of four")]
        let home = 2.0 + place as f64 / 10.0;
        quotes.push(h2h(name, 1, [home, 3.0, 4.0]));
        let prices = who_wins(&quotes);
        assert_eq!(prices.reference_bookmaker.as_str(), *name);
        assert_eq!(decimals(prices.reference), [home, 3.0, 4.0]);
    }
    quotes.retain(|it| it.bookmaker.as_str() != "pinnacle");
    quotes.push(h2h("pinnacle", 2, [2.0, 0.0, 4.0]));
    assert_eq!(
        who_wins(&quotes).reference_bookmaker.as_str(),
        "market_average"
    );
}

#[test]
fn without_a_reference_the_mean_of_implied_probabilities_stands_in() {
    let quotes = [
        h2h("unibet", 1, [2.0, 4.0, 4.0]),
        h2h("bwin", 1, [4.0, 4.0, 2.0]),
        h2h("market_best", 1, [9.0, 9.0, 9.0]),
        h2h("partial", 1, [9.0, 9.0, 0.0]),
    ];
    let prices = who_wins(&quotes);
    assert_eq!(prices.reference_bookmaker.as_str(), "market_mean");
    assert_eq!(decimals(prices.reference), [1.0 / 0.375, 4.0, 1.0 / 0.375]);
    assert_eq!(prices.bookmakers, 3);
}

#[test]
fn a_market_nobody_prices_whole_has_no_summary() {
    let quotes = [
        h2h("pinnacle", 1, [2.0, 1.9, 0.0]),
        h2h("market_best", 1, [2.0, 3.0, 4.0]),
    ];
    assert_eq!(summary(&quotes).h2h, None);
    // Without a draw the first two are everything.
    let prices = summarise_quotes(&quotes, hour(24), false).h2h.unwrap();
    assert_eq!(decimals(prices.reference), [2.0, 1.9, 0.0]);
    assert_eq!(best(&prices)[2], (0.0, ""));
}

#[test]
fn a_third_price_where_there_are_two_outcomes_is_ignored() {
    let quotes = [h2h("pinnacle", 1, [2.0, 1.9, 7.0])];
    let prices = summarise_quotes(&quotes, hour(24), false).h2h.unwrap();
    assert_eq!(decimals(prices.reference), [2.0, 1.9, 0.0]);
    assert_eq!(prices.best[2], None);
}

#[test]
fn of_each_bookmaker_the_newest_quote_not_after_the_moment_counts() {
    let quotes = [
        h2h("pinnacle", 3, [2.3, 3.0, 4.0]),
        h2h("pinnacle", 1, [2.1, 3.0, 4.0]),
        h2h("pinnacle", 2, [2.2, 3.0, 4.0]),
    ];
    for (at, home) in [(1, 2.1), (2, 2.2), (3, 2.3), (24, 2.3)] {
        let prices = summarise_quotes(&quotes, hour(at), true).h2h.unwrap();
        assert_eq!(decimals(prices.reference)[0], home);
        assert_eq!(prices.best[0].as_ref().unwrap().taken_at, hour(at.min(3)));
    }
    assert_eq!(summarise_quotes(&quotes, hour(0), true), Prices::default());
    // At one moment the later stage is the newer word.
    let quotes = [
        closing(h2h("pinnacle", 1, [1.8, 3.0, 4.0])),
        h2h("pinnacle", 1, [2.1, 3.0, 4.0]),
    ];
    assert_eq!(decimals(who_wins(&quotes).reference)[0], 1.8);
}

#[test]
fn the_best_price_is_of_somebody_one_can_bet_with() {
    let quotes = [
        h2h("bet365", 1, [2.0, 3.2, 4.0]),
        h2h("pinnacle", 1, [2.1, 3.2, 4.0]),
        h2h("market_average", 1, [9.0, 9.0, 9.0]),
        h2h("market_best", 1, [2.1, 3.2, 4.5]),
        h2h("partial", 1, [0.0, 3.3, 0.0]),
    ];
    let prices = who_wins(&quotes);
    let expected = [(2.1, "pinnacle"), (3.3, "partial"), (4.5, "market_best")];
    assert_eq!(best(&prices), expected);
    assert_eq!(prices.bookmakers, 3);
}

#[test]
fn of_the_reference_bookmakers_lines_the_most_balanced_is_the_main_one() {
    let quotes = [
        totals("pinnacle", 1, 2.25, [1.75, 2.15]),
        totals("pinnacle", 1, 2.5, [1.92, 1.96]),
        totals("pinnacle", 1, 2.75, [2.1, 1.8]),
    ];
    let prices = summary(&quotes).totals.unwrap();
    assert_eq!(prices.market, Market::totals(Line::new(2.5).unwrap()));
}

#[test]
fn a_line_of_a_duller_bookmaker_never_replaces_one_of_a_sharper() {
    let quotes = [
        totals("pinnacle", 1, 2.5, [1.8, 2.1]),
        totals("bet365", 1, 2.75, [1.9, 1.9]),
        totals("unibet", 1, 3.0, [1.9, 1.9]),
    ];
    for from in 0..3 {
        let line = summary(&quotes[from..])
            .totals
            .unwrap()
            .market
            .line()
            .unwrap();
        assert_eq!(line.quarters(), 10 + i32::try_from(from).unwrap());
    }
}

#[test]
fn a_line_that_was_moved_away_from_is_stale_however_balanced() {
    let spreads = |line, at, values: [f64; 2]| {
        let market = Market::spreads(Line::new(line).unwrap());
        quote("pinnacle", market, at, [values[0], values[1], 0.0])
    };
    let quotes = [
        spreads(-0.5, 1, [1.93, 1.93]),
        closing(spreads(-0.75, 20, [1.9, 1.96])),
    ];
    let line = |at| {
        let prices = summarise_quotes(&quotes, hour(at), true);
        prices.spreads.unwrap().market.line().unwrap().value()
    };
    assert_eq!([line(19), line(20)], [-0.5, -0.75]);
}

#[test]
fn a_reference_that_has_not_kept_up_with_the_others_is_none() {
    let old = h2h("pinnacle", 1, [1.8, 3.6, 4.6]);
    let fresh = |at| {
        let [one, two] = ["bwin", "unibet"].map(|it| h2h(it, at, [2.0, 4.0, 4.0]));
        [old.clone(), one, two]
    };
    let at = |at: i64| {
        let taken_at = reference_taken_at(&fresh(at), Market::H2H, hour(24), true);
        (
            who_wins(&fresh(at)).reference_bookmaker.to_string(),
            taken_at.unwrap(),
        )
    };
    let lag = REFERENCE_LAG_MAX.as_hours();
    assert_eq!(at(1 + lag), ("pinnacle".to_owned(), hour(1)));
    assert_eq!(at(2 + lag), ("market_mean".to_owned(), hour(2 + lag)));
    let prices = who_wins(&fresh(2 + lag));
    assert_eq!(decimals(prices.reference), [2.0, 4.0, 4.0]);
    assert_eq!(best(&prices)[2], (4.6, "pinnacle"));
    let alone = &fresh(2 + lag)[..2];
    assert_eq!(who_wins(alone).reference_bookmaker.as_str(), "pinnacle");
    // The next in rank that has kept up comes before the mean.
    let mut quotes = fresh(2 + lag).to_vec();
    quotes.push(h2h("bet365", lag, [2.2, 4.0, 3.6]));
    assert_eq!(who_wins(&quotes).reference_bookmaker.as_str(), "bet365");
}

#[test]
fn an_opening_price_is_no_close_where_others_have_closed() {
    let opening = h2h("pinnacle", 20, [1.8, 3.6, 4.6]);
    let quotes = [opening, closing(h2h("bet365", 20, [2.0, 4.0, 4.0]))];
    assert_eq!(who_wins(&quotes).reference_bookmaker.as_str(), "bet365");
    assert_eq!(decimals(who_wins(&quotes).reference), [2.0, 4.0, 4.0]);
    let left = totals("pinnacle", 20, 2.5, [1.9, 1.9]);
    let moved = closing(totals("bet365", 20, 3.0, [1.8, 2.0]));
    let line = summary(&[left, moved]).totals.unwrap().market.line();
    assert_eq!(line.unwrap().value(), 3.0);
    // An opening later than a close, as by made-up times, leaves the close.
    let quotes = [
        closing(h2h("bet365", 1, [2.0, 4.0, 4.0])),
        h2h("pinnacle", 20, [1.8, 3.6, 4.6]),
    ];
    assert_eq!(decimals(who_wins(&quotes).reference), [2.0, 4.0, 4.0]);
}

#[test]
fn markets_do_not_disturb_each_other() {
    let quotes = [
        h2h("pinnacle", 1, [2.0, 3.0, 4.0]),
        totals("pinnacle", 1, 2.5, [1.9, 1.9]),
        quote("pinnacle", Market::BOTH_TEAMS_TO_SCORE, 1, [1.7, 2.1, 0.0]),
        quote("pinnacle", Market::CORRECT_SCORE, 1, [7.0, 8.0, 9.0]),
    ];
    let prices = summary(&quotes);
    assert_eq!(prices.h2h, summary(&quotes[..1]).h2h);
    assert_eq!(prices.totals, summary(&quotes[1..2]).totals);
    assert_eq!(prices.spreads, None);
}

#[test]
fn pregame_is_an_hour_before_kickoff() {
    let game = Game {
        fixture: FixtureId(1),
        competition: CompetitionKey::new("E0").unwrap(),
        season: SeasonKey::new("2023/24").unwrap(),
        season_type: SeasonType::Regular,
        sport: Sport::Football,
        kickoff: hour(5),
        known_at: hour(8),
        home: TeamId(1),
        away: TeamId(2),
        neutral: false,
        status: FixtureStatus::Scheduled,
        score: None,
        stats: MatchStats::default(),
        pregame: Prices::default(),
        closing: Prices::default(),
    };
    assert_eq!(game.pregame_at(), hour(4));
    let early = Game {
        kickoff: Timestamp::MIN,
        ..game
    };
    assert_eq!(early.pregame_at(), Timestamp::MIN);
}

fn any_quote() -> impl Strategy<Value = Quote> {
    let bookmakers = [
        "pinnacle",
        "bet365",
        "unibet",
        "market_average",
        "market_best",
    ];
    let bookmaker = (0..bookmakers.len()).prop_map(move |it| bookmakers[it]);
    let price = prop_oneof![1 => Just(0.0), 5 => 1.01..9.0_f64];
    let values = [price.clone(), price.clone(), price];
    (bookmaker, 0..4_i32, 0..4_i64, any::<bool>(), values).prop_map(
        |(bookmaker, line, at, last, values)| {
            let market = match line {
                0 => Market::H2H,
                _ => Market::totals(Line::from_quarters(8 + line)),
            };
            let quote = quote(bookmaker, market, at, values);
            if last { closing(quote) } else { quote }
        },
    )
}

proptest! {
    #[test]
    fn the_order_of_quotes_is_irrelevant(quotes in vec(any_quote(), 0..24), turn in 0..24_usize) {
        let mut turned = quotes.clone();
        turned.reverse();
        turned.rotate_left(turn.min(quotes.len()));
        prop_assert_eq!(summary(&turned), summary(&quotes));
    }

    #[test]
    fn quotes_after_the_moment_change_nothing(quotes in vec(any_quote(), 0..24), at in 0..4_i64) {
        let known: Vec<Quote> = quotes.iter().filter(|it| it.taken_at <= hour(at)).cloned().collect();
        let all = summarise_quotes(&quotes, hour(at), true);
        prop_assert_eq!(summarise_quotes(&known, hour(at), true), all);
    }

    #[test]
    fn no_standing_quote_one_can_bet_on_beats_the_best(quotes in vec(any_quote(), 0..24)) {
        let prices = summary(&quotes);
        for market in [prices.h2h, prices.totals].into_iter().flatten() {
            let quotes = quotes.iter().filter(|it| it.is_possible(true));
            for quote in quotes.clone().filter(|it| it.market == market.market) {
                let newer = |it: &&Quote| {
                    it.market == quote.market
                        && it.bookmaker == quote.bookmaker
                        && (it.taken_at, it.stage) >= (quote.taken_at, quote.stage)
                };
                let standing = quotes.clone().filter(newer).count() == 1;
                if !standing || quote.bookmaker.as_str() == "market_average" {
                    continue;
                }
                let width = market.market.outcomes(true).len();
                for (offered, best) in quote.prices.iter().zip(&market.best).take(width) {
                    if let Some(offered) = offered {
                        prop_assert!(best.as_ref().is_some_and(|it| it.price >= *offered));
                    }
                }
            }
        }
    }
}
