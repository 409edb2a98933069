//! The CSV files of football-data.co.uk: main leagues (one file a season) and extra countries
//! (one file for all seasons), in every set of columns since 1993.
//!
//! A price column is a bookmaker's code, `C` where the price is a closing one, and an outcome:
//! `B365H`, `PSCD`, `Avg>2.5`, `MaxC<2.5`, `BbAvAHA`, `PCAHH`. Times are British.

use std::collections::{BTreeMap, HashMap};

use domain::{BookmakerKey, MarketKind, OddsFormat, QuoteStage, SourceKey};

use crate::import::Refusal;
use crate::import::mapping::{
    FixtureMapping, Letters, LineMapping, Mapping, QuoteMapping, ResultMapping, SeasonMapping,
    SeasonStyle, Stat, ValueMapping,
};
use crate::import::moment::OpeningConvention;
use crate::import::text::Fields;

/// The codes of bookmakers and aggregates, and the keys they go by here. A code that stands
/// earlier wins where two name the same bookmaker.
const BOOKMAKERS: [(&str, &str); 30] = [
    ("B365", "bet365"),
    ("BF", "betfair"),
    ("BFD", "betfred"),
    ("BFE", "betfair_exchange"),
    ("BMGM", "betmgm"),
    ("BS", "blue_square"),
    ("BV", "betvictor"),
    ("VC", "betvictor"),
    ("BW", "bwin"),
    ("CL", "coral"),
    ("GB", "gamebookers"),
    ("IW", "interwetten"),
    ("LB", "ladbrokes"),
    ("PS", "pinnacle"),
    ("P", "pinnacle"),
    ("SB", "sportingbet"),
    ("SJ", "stan_james"),
    ("SO", "sporting_odds"),
    ("SY", "stanleybet"),
    ("WH", "william_hill"),
    ("1XB", "1xbet"),
    ("Max", "market_best"),
    ("BbMx", "market_best"),
    ("Avg", "market_average"),
    ("BbAv", "market_average"),
    ("888", "888sport"),
    ("UN", "unibet"),
    ("TI", "titanbet"),
    ("10B", "10bet"),
    ("MB", "marathonbet"),
];

const STATS: [(Stat, &str, &str); 6] = [
    (Stat::HalfTime, "HTHG", "HTAG"),
    (Stat::Shots, "HS", "AS"),
    (Stat::ShotsOnTarget, "HST", "AST"),
    (Stat::Corners, "HC", "AC"),
    (Stat::YellowCards, "HY", "AY"),
    (Stat::RedCards, "HR", "AR"),
];

/// Whether a header is one of football-data.co.uk.
pub(crate) fn claims(header: &Fields) -> bool {
    let has = |name: &str| header.iter().any(|it| it == name);
    (has("Div") && has("HomeTeam")) || (has("Country") && has("Home") && has("HG"))
}

/// What the columns of a file mean.
pub(crate) fn mapping(header: &Fields) -> Result<Mapping, Refusal> {
    let columns: Vec<&str> = header.iter().collect();
    let extra = columns.contains(&"Country");
    let (fixture, result) = if extra {
        fixture(["Country", "Home", "Away", "HG", "AG"], Some("Season"))
    } else {
        fixture(["Div", "HomeTeam", "AwayTeam", "FTHG", "FTAG"], None)
    };
    let has = |name: &str| columns.contains(&name);
    let needed = ["Date", &fixture.home, &fixture.away];
    let mut missing: Vec<String> = needed
        .into_iter()
        .filter(|name| !has(name))
        .map(str::to_owned)
        .collect();
    if let ValueMapping::Column { column, .. } = &fixture.competition
        && !has(column)
    {
        missing.insert(0, column.clone());
    }
    if !missing.is_empty() {
        return Err(Refusal::MissingColumns(missing));
    }
    Ok(Mapping {
        source: SourceKey::new("football-data").expect("the text is a key"),
        missing: vec!["NA".to_owned(), "#N/A".to_owned(), "-".to_owned()],
        opening: OpeningConvention::FridayOrTuesday,
        fixture: FixtureMapping {
            time: has("Time").then(|| "Time".to_owned()),
            ..fixture
        },
        result: (has(&result.home) && has(&result.away)).then_some(result),
        stats: STATS
            .into_iter()
            .filter(|(_, home, away)| has(home) && has(away))
            .map(|(stat, home, away)| (stat, [home.to_owned(), away.to_owned()]))
            .collect(),
        quotes: quotes(&columns),
    })
}

fn fixture(names: [&str; 5], season: Option<&str>) -> (FixtureMapping, ResultMapping) {
    let [competition, home, away, home_score, away_score] = names.map(str::to_owned);
    let fixture = FixtureMapping {
        competition: ValueMapping::Column {
            column: competition,
            values: BTreeMap::new(),
            otherwise: None,
        },
        season: SeasonMapping {
            column: season.map(str::to_owned),
            style: if season.is_some() {
                SeasonStyle::AsIs
            } else {
                SeasonStyle::SplitYear
            },
        },
        date: "Date".to_owned(),
        date_formats: vec!["%d/%m/%Y".to_owned(), "%d/%m/%y".to_owned()],
        time: None,
        time_zone: Some("Europe/London".to_owned()),
        home,
        away,
        letters: Letters::AsIs,
        season_type: None,
        neutral: None,
        status: None,
    };
    let result = ResultMapping {
        home: home_score,
        away: away_score,
    };
    (fixture, result)
}

/// One quote per bookmaker, market and stage that the header has columns of.
fn quotes(columns: &[&str]) -> Vec<QuoteMapping> {
    let names = column_names();
    let mut quotes: Vec<(usize, QuoteMapping)> = Vec::new();
    for column in columns {
        let Some(found) = names.get(*column) else {
            continue;
        };
        let Some(line) = line(found, columns) else {
            continue;
        };
        let same = |it: &&mut (usize, QuoteMapping)| {
            it.0 == found.rank && it.1.market == found.market && it.1.stage == found.stage
        };
        if let Some((_, quote)) = quotes.iter_mut().find(same) {
            quote
                .prices
                .insert(found.outcome.to_owned(), (*column).to_owned());
        } else {
            let quote = QuoteMapping {
                bookmaker: BookmakerKey::new(BOOKMAKERS[found.rank].1).expect("the text is a key"),
                market: found.market,
                stage: found.stage,
                line,
                odds: OddsFormat::Decimal,
                taken_at: None,
                prices: BTreeMap::from([(found.outcome.to_owned(), (*column).to_owned())]),
            };
            quotes.push((found.rank, quote));
        }
    }
    quotes.sort_by_key(|(rank, _)| *rank);
    let mut kept: Vec<QuoteMapping> = Vec::new();
    for (_, quote) in quotes {
        let same = |it: &QuoteMapping| {
            (&it.bookmaker, it.market, it.stage) == (&quote.bookmaker, quote.market, quote.stage)
        };
        if !kept.iter().any(same) {
            kept.push(quote);
        }
    }
    kept
}

/// What a price column says.
struct PriceColumn {
    rank: usize,
    market: MarketKind,
    stage: QuoteStage,
    outcome: &'static str,
}

/// Every price column there can be.
fn column_names() -> HashMap<String, PriceColumn> {
    const ENDINGS: [(&str, MarketKind, &str); 7] = [
        ("H", MarketKind::H2h, "home"),
        ("D", MarketKind::H2h, "draw"),
        ("A", MarketKind::H2h, "away"),
        (">2.5", MarketKind::Totals, "over"),
        ("<2.5", MarketKind::Totals, "under"),
        ("AHH", MarketKind::Spreads, "home"),
        ("AHA", MarketKind::Spreads, "away"),
    ];
    let mut names = HashMap::new();
    for (rank, (code, _)) in BOOKMAKERS.into_iter().enumerate() {
        for (stage, mark) in [(QuoteStage::Opening, ""), (QuoteStage::Closing, "C")] {
            for (ending, market, outcome) in ENDINGS {
                let column = PriceColumn {
                    rank,
                    market,
                    stage,
                    outcome,
                };
                names.insert(format!("{code}{mark}{ending}"), column);
            }
        }
    }
    names
}

/// The line of a price column: `Some(None)` where the market has none, `None` where the file
/// does not say it.
fn line(found: &PriceColumn, columns: &[&str]) -> Option<Option<LineMapping>> {
    match found.market {
        MarketKind::Totals => Some(Some(LineMapping::Constant(2.5))),
        MarketKind::Spreads => {
            let own = format!("{}AH", BOOKMAKERS[found.rank].0);
            let candidates: &[&str] = match found.stage {
                QuoteStage::Closing => &["AHCh"],
                _ => &[&own, "AHh", "BbAHh"],
            };
            let column = candidates.iter().find(|name| columns.contains(name))?;
            Some(Some(LineMapping::Column {
                column: (*column).to_owned(),
                negate: false,
            }))
        }
        _ => Some(None),
    }
}
