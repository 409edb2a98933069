//! A fixture while it is being written: what was known before, what is known now, and hence what
//! changed. Knows no database.

use std::collections::BTreeMap;

use domain::{
    FixtureStatus, Game, KickoffPrecision, MatchStats, Price, PricesAt, Quote, Score, SeasonType,
    summarise_quotes,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::code::{market, market_codes, micros, moment, stage, stage_code};
use crate::names::{Interned, Names};
use crate::pack::{pack_prices, pack_stats};
use crate::{FixtureRecord, ResultRecord, StoreError};

/// What is known of a fixture, with interned keys and stored times.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) competition: i64,
    pub(crate) season: i64,
    pub(crate) season_type: SeasonType,
    pub(crate) kickoff: i64,
    pub(crate) precision: KickoffPrecision,
    pub(crate) home: i64,
    pub(crate) away: i64,
    pub(crate) neutral: bool,
    pub(crate) status: FixtureStatus,
    pub(crate) score: Option<Score>,
    pub(crate) stats: MatchStats,
}

impl Facts {
    /// Whether what quotes boil down to is another for `now`.
    pub(crate) fn moved(&self, now: &Self) -> bool {
        self.kickoff != now.kickoff || self.competition != now.competition
    }

    /// What a record alone says, before any rule is applied.
    pub(crate) fn of(record: &FixtureRecord, competition: i64, season: i64) -> Self {
        Self {
            competition,
            season,
            season_type: record.season_type.unwrap_or_default(),
            kickoff: micros(record.kickoff),
            precision: record.kickoff_precision,
            home: record.home.0,
            away: record.away.0,
            neutral: record.neutral,
            status: FixtureStatus::Scheduled,
            score: None,
            stats: MatchStats::default(),
        }
    }

    /// Lets a record that tells the fixture itself change what is known of it.
    pub(crate) fn restate(&mut self, said: &Self, zone: &TimeZone) {
        self.competition = said.competition;
        self.season = said.season;
        self.home = said.home;
        self.away = said.away;
        self.neutral = said.neutral;
        let coarser = self.precision == KickoffPrecision::Minute
            && said.precision == KickoffPrecision::Day
            && same_day(self.kickoff, said.kickoff, zone);
        if !coarser {
            self.kickoff = said.kickoff;
            self.precision = said.precision;
        }
    }

    /// Lets a record change where the fixture stands.
    pub(crate) fn stand(&mut self, result: Option<ResultRecord>, status: Option<FixtureStatus>) {
        match (result, status) {
            (Some(result), _) => self.finish(&result),
            // Finished without a score, or left open: what is known stands.
            (None, None | Some(FixtureStatus::Finished)) => {}
            (None, Some(status)) => {
                self.status = status;
                self.score = None;
            }
        }
    }

    fn finish(&mut self, result: &ResultRecord) {
        self.status = FixtureStatus::Finished;
        self.score = Some(result.score);
        let (known, said) = (&mut self.stats, &result.stats);
        known.half_time = said.half_time.or(known.half_time);
        known.shots = said.shots.or(known.shots);
        known.shots_on_target = said.shots_on_target.or(known.shots_on_target);
        known.corners = said.corners.or(known.corners);
        known.yellow_cards = said.yellow_cards.or(known.yellow_cards);
        known.red_cards = said.red_cards.or(known.red_cards);
        known.expected_goals = said.expected_goals.or(known.expected_goals);
        known.rest_days = said.rest_days.or(known.rest_days);
    }

    /// The fields by name, as revisions keep them.
    fn fields(&self, names: &Names) -> Result<[(&'static str, String); 18], StoreError> {
        let stats = &self.stats;
        let kickoff = moment("fixtures.kickoff", self.kickoff)?;
        Ok([
            (
                "competition",
                json(&names.competitions.key(self.competition)?),
            ),
            ("season", json(&names.seasons.key(self.season)?)),
            ("season_type", json(&self.season_type)),
            ("kickoff", json(&kickoff)),
            ("kickoff_precision", json(&self.precision)),
            ("home", json(&self.home)),
            ("away", json(&self.away)),
            ("neutral", json(&self.neutral)),
            ("status", json(&self.status)),
            ("score", json(&self.score)),
            ("half_time", json(&stats.half_time)),
            ("shots", json(&stats.shots)),
            ("shots_on_target", json(&stats.shots_on_target)),
            ("corners", json(&stats.corners)),
            ("yellow_cards", json(&stats.yellow_cards)),
            ("red_cards", json(&stats.red_cards)),
            ("expected_goals", json(&stats.expected_goals)),
            ("rest_days", json(&stats.rest_days)),
        ])
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain values can always be written as JSON")
}

/// No day is longer: those on which clocks are set back have an hour or so more than others.
const DAY_MICROS_MAX: u64 = 26 * 3_600_000_000;

/// Whether two moments fall on one day where the competition is played.
pub(crate) fn same_day(a: i64, b: i64, zone: &TimeZone) -> bool {
    // Most are years apart, and the calendar is slow to ask.
    if a.abs_diff(b) > DAY_MICROS_MAX {
        return false;
    }
    let day = |it| Timestamp::from_microsecond(it).map(|it| zone.to_datetime(it).date());
    a == b || matches!((day(a), day(b)), (Ok(a), Ok(b)) if a == b)
}

/// What tells the quotes of a fixture apart, in the order they are stored in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct QuoteKey {
    pub(crate) taken_at: i64,
    pub(crate) bookmaker: i64,
    pub(crate) kind: i64,
    pub(crate) line: i64,
    pub(crate) stage: i64,
}

impl QuoteKey {
    /// Reads moment, bookmaker, kind, line and stage.
    pub(crate) fn new(numbers: [i64; 5]) -> Self {
        let [taken_at, bookmaker, kind, line, stage] = numbers;
        Self {
            taken_at,
            bookmaker,
            kind,
            line,
            stage,
        }
    }
}

/// A standing quote: fixture, moment, bookmaker, kind, line, stage, prices, the write it came from.
pub(crate) type StandingRow = (
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    i64,
);

/// Prices as they are stored.
pub(crate) type PriceRow = [Option<f64>; 3];

/// The prices of a quote: as they stand now, and as they stood with the write they came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offer {
    pub(crate) now: PriceRow,
    pub(crate) before: Option<(PriceRow, i64)>,
}

impl Offer {
    /// Whether it is not as it was written.
    pub(crate) fn is_new(&self) -> bool {
        self.before.is_none() || self.changes() != (0, 0)
    }

    /// Single prices added and replaced.
    pub(crate) fn changes(&self) -> (u64, u64) {
        let before = self.before.map_or([None; 3], |(prices, _)| prices);
        let mut changes = (0, 0);
        for (old, new) in before.into_iter().zip(self.now) {
            match (old, new) {
                (None, Some(_)) => changes.0 += 1,
                (Some(old), Some(new)) if old.to_bits() != new.to_bits() => changes.1 += 1,
                _ => {}
            }
        }
        changes
    }
}

/// A fixture while it is being written.
#[derive(Debug)]
pub(crate) struct Draft {
    /// Its number; given at the end to those that are new.
    pub(crate) id: i64,
    /// What was known before; `None` for a new one.
    pub(crate) before: Option<Facts>,
    /// What is known now.
    pub(crate) now: Facts,
    /// The import that last changed it.
    pub(crate) import: Option<i64>,
    /// The write that last changed it.
    pub(crate) recording: i64,
    /// Its quotes: the new ones, and the old where they were read.
    pub(crate) quotes: BTreeMap<QuoteKey, Offer>,
    /// What its quotes boil down to, packed.
    pub(crate) prices: Vec<u8>,
    /// How many single prices stand.
    pub(crate) price_count: i64,
}

impl Draft {
    pub(crate) fn new(facts: Facts) -> Self {
        Self {
            id: 0,
            before: None,
            now: facts,
            import: None,
            recording: 0,
            quotes: BTreeMap::new(),
            prices: Vec::new(),
            price_count: 0,
        }
    }

    /// Moments of the first and the last quote in memory.
    pub(crate) fn quoted(&self) -> Option<[i64; 2]> {
        let (first, _) = self.quotes.first_key_value()?;
        let (last, _) = self.quotes.last_key_value()?;
        Some([first.taken_at, last.taken_at])
    }

    /// Takes in a quote that is stored.
    pub(crate) fn stood(&mut self, row: &StandingRow) {
        let key = QuoteKey::new([row.1, row.2, row.3, row.4, row.5]);
        let prices = [row.6, row.7, row.8];
        let offer = Offer {
            now: prices,
            before: Some((prices, row.9)),
        };
        self.quotes.insert(key, offer);
    }

    /// Takes the quotes of a record in; a price that is not given leaves what is there.
    pub(crate) fn offer(&mut self, quotes: &[Quote], names: &mut Names) {
        for quote in quotes {
            let prices = quote.prices.map(|it| it.map(Price::decimal));
            if prices == [None; 3] && !quote.is_suspended() {
                continue;
            }
            let bookmaker = names
                .bookmakers
                .number(&quote.bookmaker, quote.bookmaker.as_str());
            let (kind, line) = market_codes(quote.market);
            let key = QuoteKey {
                taken_at: micros(quote.taken_at),
                bookmaker,
                kind,
                line,
                stage: stage_code(quote.stage),
            };
            let offer = self.quotes.entry(key).or_insert(Offer {
                now: [None; 3],
                before: None,
            });
            for (now, said) in offer.now.iter_mut().zip(prices) {
                *now = said.or(*now);
            }
        }
    }

    /// Whether what quotes boil down to depends on something that changed.
    pub(crate) fn moved(&self) -> bool {
        self.before
            .as_ref()
            .is_some_and(|before| before.moved(&self.now))
    }

    /// Whether anything but quotes changed, bit for bit.
    pub(crate) fn facts_changed(&self) -> bool {
        let Some(old) = &self.before else {
            return true;
        };
        let new = &self.now;
        let plain = |it: &Facts| {
            (
                [it.competition, it.season, it.kickoff, it.home, it.away],
                it.season_type,
                (it.precision, it.neutral, it.status, it.score),
            )
        };
        plain(old) != plain(new) || pack_stats(&old.stats) != pack_stats(&new.stats)
    }

    /// What was corrected: field, old and new value as JSON. Learning what was unknown, and a
    /// fixture's being played, correct nothing.
    pub(crate) fn revisions(
        &self,
        names: &Names,
    ) -> Result<Vec<(&'static str, String, String)>, StoreError> {
        let Some(before) = &self.before else {
            return Ok(Vec::new());
        };
        let played = before.score.is_none() && before.status == FixtureStatus::Scheduled;
        let changes = before
            .fields(names)?
            .into_iter()
            .zip(self.now.fields(names)?);
        Ok(changes
            .filter(|((_, old), (_, new))| old != new && old != "null")
            .filter(|((field, _), _)| {
                !(*field == "status" && played && self.now.status == FixtureStatus::Finished)
            })
            .map(|((field, old), (_, new))| (field, old, new))
            .collect())
    }

    /// Counts the quotes and boils them down: as they stood before kickoff, and at kickoff.
    pub(crate) fn summarise(
        &mut self,
        has_draw: bool,
        names: &mut Names,
    ) -> Result<(), StoreError> {
        let standing = self.quotes.values().flat_map(|it| it.now).flatten();
        self.price_count = i64::try_from(standing.count()).expect("a count of things in memory");
        let quotes: Vec<Quote> = self
            .quotes
            .iter()
            .map(|(key, offer)| quote(key, &offer.now, &names.bookmakers))
            .collect::<Result<_, _>>()?;
        let kickoff = moment("fixtures.kickoff", self.now.kickoff)?;
        let pregame = kickoff
            .saturating_sub(Game::PREGAME_LEAD)
            .expect("a fixed hour never overflows");
        let moments = [PricesAt::Moment(pregame), PricesAt::Start(kickoff)];
        let prices = moments.map(|at| summarise_quotes(&quotes, at, has_draw));
        self.prices = pack_prices(&prices, &mut names.bookmakers);
        Ok(())
    }
}

/// Reads a stored quote.
pub(crate) fn quote(
    key: &QuoteKey,
    prices: &PriceRow,
    bookmakers: &Interned<domain::BookmakerKey>,
) -> Result<Quote, StoreError> {
    let mut checked = [None; 3];
    for (slot, price) in checked.iter_mut().zip(prices) {
        *slot = price
            .map(|it| Price::new(it).map_err(|_| crate::code::corrupt("quotes.price", it)))
            .transpose()?;
    }
    Ok(Quote {
        bookmaker: bookmakers.key(key.bookmaker)?.clone(),
        market: market(key.kind, key.line)?,
        stage: stage(key.stage)?,
        taken_at: moment("quotes.taken_at", key.taken_at)?,
        prices: checked,
    })
}
