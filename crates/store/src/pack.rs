//! Packs statistics and price summaries into bytes, and reads them back bit for bit.
//!
//! Little endian throughout. Every optional part is announced by a bit of a mask, so that nothing
//! is spent on what is absent and new parts can be added behind the old ones.

use domain::{
    BestPrice, BookmakerKey, Line, Market, MarketKind, MarketPrices, MatchStats, Price, Prices,
    Score,
};
use jiff::Timestamp;

use crate::StoreError;
use crate::code::{corrupt, micros};
use crate::names::Interned;

/// Packs statistics; nothing known is no bytes.
pub(crate) fn pack_stats(stats: &MatchStats) -> Vec<u8> {
    let mut writer = Writer::default();
    let half_time = stats.half_time.map(|it| [it.home, it.away]);
    let pairs = [
        half_time,
        stats.shots,
        stats.shots_on_target,
        stats.corners,
        stats.yellow_cards,
        stats.red_cards,
        stats.rest_days,
    ];
    let mut mask = 0;
    for (bit, pair) in pairs.iter().enumerate() {
        mask |= u8::from(pair.is_some()) << bit;
    }
    mask |= u8::from(stats.expected_goals.is_some()) << 7;
    if mask == 0 {
        return Vec::new();
    }
    writer.0.push(mask);
    for side in pairs.into_iter().flatten().flatten() {
        writer.0.extend(side.to_le_bytes());
    }
    for side in stats.expected_goals.into_iter().flatten() {
        writer.f64(side);
    }
    writer.0
}

/// Reads [`pack_stats`] back.
pub(crate) fn unpack_stats(bytes: &[u8]) -> Result<MatchStats, StoreError> {
    if bytes.is_empty() {
        return Ok(MatchStats::default());
    }
    read_stats(&mut Reader(bytes)).ok_or_else(|| corrupt("fixtures.stats", hex(bytes)))
}

fn read_stats(reader: &mut Reader<'_>) -> Option<MatchStats> {
    let mask = reader.u8()?;
    let mut pair = |bit: u8| -> Option<Option<[u16; 2]>> {
        if mask & (1 << bit) == 0 {
            return Some(None);
        }
        Some(Some([reader.u16()?, reader.u16()?]))
    };
    Some(MatchStats {
        half_time: pair(0)?.map(|[home, away]| Score { home, away }),
        shots: pair(1)?,
        shots_on_target: pair(2)?,
        corners: pair(3)?,
        yellow_cards: pair(4)?,
        red_cards: pair(5)?,
        rest_days: pair(6)?,
        expected_goals: match mask & (1 << 7) {
            0 => None,
            _ => Some([reader.f64()?, reader.f64()?]),
        },
    })
}

/// Packs the prices before kickoff and at kickoff; bookmakers must be interned for good.
pub(crate) fn pack_prices(
    summary: &[Prices; 2],
    bookmakers: &mut Interned<BookmakerKey>,
) -> Vec<u8> {
    let markets = summary.each_ref().map(markets);
    let mut mask = 0;
    for (bit, market) in markets.iter().flatten().enumerate() {
        mask |= u8::from(market.is_some()) << bit;
    }
    if mask == 0 {
        return Vec::new();
    }
    let mut writer = Writer(Vec::with_capacity(512));
    writer.0.push(mask);
    for market in markets.into_iter().flatten().flatten() {
        writer.market(market, bookmakers);
    }
    writer.0.shrink_to_fit();
    writer.0
}

fn markets(prices: &Prices) -> [Option<&MarketPrices>; 3] {
    [
        prices.h2h.as_ref(),
        prices.totals.as_ref(),
        prices.spreads.as_ref(),
    ]
}

/// Reads [`pack_prices`] back.
pub(crate) fn unpack_prices(
    bytes: &[u8],
    bookmakers: &Interned<BookmakerKey>,
) -> Result<[Prices; 2], StoreError> {
    if bytes.is_empty() {
        return Ok([Prices::default(), Prices::default()]);
    }
    read_prices(&mut Reader(bytes), bookmakers)
        .ok_or_else(|| corrupt("fixtures.prices", hex(bytes)))
}

fn read_prices(
    reader: &mut Reader<'_>,
    bookmakers: &Interned<BookmakerKey>,
) -> Option<[Prices; 2]> {
    let mask = reader.u8()?;
    let mut market = |bit: u8, kind: MarketKind| -> Option<Option<MarketPrices>> {
        if mask & (1 << bit) == 0 {
            return Some(None);
        }
        Some(Some(reader.market(kind, bookmakers)?))
    };
    let mut prices = |first: u8| -> Option<Prices> {
        Some(Prices {
            h2h: market(first, MarketKind::H2h)?,
            totals: market(first + 1, MarketKind::Totals)?,
            spreads: market(first + 2, MarketKind::Spreads)?,
        })
    };
    Some([prices(0)?, prices(3)?])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn f64(&mut self, value: f64) {
        self.0.extend(value.to_bits().to_le_bytes());
    }

    fn bookmaker(&mut self, key: &BookmakerKey, bookmakers: &mut Interned<BookmakerKey>) {
        let number = bookmakers.number(key, key.as_str());
        let number = u32::try_from(number).expect("bookmakers are numbered from one");
        self.0.extend(number.to_le_bytes());
    }

    fn market(&mut self, market: &MarketPrices, bookmakers: &mut Interned<BookmakerKey>) {
        if let Some(line) = market.market.line() {
            self.0.extend(line.quarters().to_le_bytes());
        }
        let mut mask = 0;
        for index in 0..3 {
            mask |= u8::from(market.reference[index].is_some()) << index;
            mask |= u8::from(market.best[index].is_some()) << (3 + index);
        }
        self.0.push(mask);
        self.0.extend(market.bookmakers.to_le_bytes());
        self.bookmaker(&market.reference_bookmaker, bookmakers);
        for price in market.reference.iter().flatten() {
            self.f64(price.decimal());
        }
        for best in market.best.iter().flatten() {
            self.f64(best.price.decimal());
            self.bookmaker(&best.bookmaker, bookmakers);
            self.0.extend(micros(best.taken_at).to_le_bytes());
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn f64(&mut self) -> Option<f64> {
        self.take().map(u64::from_le_bytes).map(f64::from_bits)
    }

    fn price(&mut self) -> Option<Price> {
        Price::new(self.f64()?).ok()
    }

    fn bookmaker(&mut self, bookmakers: &Interned<BookmakerKey>) -> Option<BookmakerKey> {
        let number = u32::from_le_bytes(self.take()?);
        bookmakers.key(i64::from(number)).ok().cloned()
    }

    fn market(
        &mut self,
        kind: MarketKind,
        bookmakers: &Interned<BookmakerKey>,
    ) -> Option<MarketPrices> {
        let line = match kind.has_line() {
            true => Some(Line::from_quarters(i32::from_le_bytes(self.take()?))),
            false => None,
        };
        let mask = self.u8()?;
        let count = self.u16()?;
        let reference_bookmaker = self.bookmaker(bookmakers)?;
        let mut reference = [None; 3];
        for (index, slot) in reference.iter_mut().enumerate() {
            if mask & (1 << index) != 0 {
                *slot = Some(self.price()?);
            }
        }
        let mut best = [None, None, None];
        for (index, slot) in best.iter_mut().enumerate() {
            if mask & (8 << index) != 0 {
                *slot = Some(BestPrice {
                    price: self.price()?,
                    bookmaker: self.bookmaker(bookmakers)?,
                    taken_at: Timestamp::from_microsecond(i64::from_le_bytes(self.take()?)).ok()?,
                });
            }
        }
        Some(MarketPrices {
            market: Market::new(kind, line).ok()?,
            reference,
            reference_bookmaker,
            best,
            bookmakers: count,
        })
    }
}
