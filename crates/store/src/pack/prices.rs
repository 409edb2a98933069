//! Price summaries in bytes.

use domain::{BestPrice, BookmakerKey, Line, Market, MarketKind, MarketPrices, Price, Prices};
use jiff::Timestamp;

use super::{Reader, Writer};
use crate::code::micros;
use crate::names::Interned;

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
    let mut writer = Writer(Vec::with_capacity(512));
    writer.u8(mask);
    for market in markets.into_iter().flatten().flatten() {
        writer.market(market, bookmakers);
    }
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
pub(super) fn read_prices(
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

impl Writer {
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
        self.u8(mask);
        self.u16(market.bookmakers);
        self.bookmaker(&market.reference_bookmaker, bookmakers);
        for price in market.reference.iter().flatten() {
            self.f64(price.decimal());
        }
        for best in market.best.iter().flatten() {
            self.f64(best.price.decimal());
            self.bookmaker(&best.bookmaker, bookmakers);
            self.i64(micros(best.taken_at));
        }
    }
}

impl Reader<'_> {
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
                    taken_at: Timestamp::from_microsecond(self.i64()?).ok()?,
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
