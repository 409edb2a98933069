//! Games in bytes, one after the other.

use domain::{BookmakerKey, Prices, Score, SeasonType};

use super::prices::read_prices;
use super::{Reader, Writer, hex, read_stats, write_stats};
use crate::StoreError;
use crate::code::{corrupt, precision, precision_code, status, status_code};
use crate::draft::Facts;
use crate::names::Interned;

const NEUTRAL: u8 = 1;
const PLAYED: u8 = 2;
const POSTSEASON: u8 = 4;

/// Packs a game; `prices` come from [`super::pack_prices`].
pub(crate) fn pack_game(id: i64, facts: &Facts, prices: &[u8]) -> Vec<u8> {
    let mut writer = Writer(Vec::with_capacity(96 + prices.len()));
    for number in [
        id,
        facts.competition,
        facts.season,
        facts.kickoff,
        facts.home,
        facts.away,
    ] {
        writer.i64(number);
    }
    for code in [precision_code(facts.precision), status_code(facts.status)] {
        writer.u8(u8::try_from(code).expect("codes are small"));
    }
    let neutral = if facts.neutral { NEUTRAL } else { 0 };
    let played = if facts.score.is_some() { PLAYED } else { 0 };
    let part = match facts.season_type {
        SeasonType::Regular => 0,
        SeasonType::Postseason => POSTSEASON,
    };
    writer.u8(neutral | played | part);
    if let Some(score) = facts.score {
        writer.u16(score.home);
        writer.u16(score.away);
    }
    write_stats(&mut writer, &facts.stats);
    writer.0.extend(prices);
    writer.0
}

/// The part of a packed game that holds its prices.
pub(crate) fn price_part(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut reader = Reader(bytes);
    match read_facts(&mut reader) {
        Some(_) => Ok(reader.0.to_vec()),
        None => Err(corrupt("fixtures.game", hex(bytes))),
    }
}

/// Reads the game at the head of `bytes` and moves them on to the next.
pub(crate) fn unpack_game(
    bytes: &mut &[u8],
    bookmakers: &Interned<BookmakerKey>,
) -> Result<(i64, Facts, [Prices; 2]), StoreError> {
    let mut reader = Reader(bytes);
    let read = read_facts(&mut reader)
        .and_then(|(id, facts)| Some((id, facts, read_prices(&mut reader, bookmakers)?)));
    let game = read.ok_or_else(|| corrupt("fixtures.game", hex(&bytes[..bytes.len().min(512)])))?;
    *bytes = reader.0;
    Ok(game)
}

fn read_facts(reader: &mut Reader<'_>) -> Option<(i64, Facts)> {
    let id = reader.i64()?;
    let (competition, season) = (reader.i64()?, reader.i64()?);
    let kickoff = reader.i64()?;
    let (home, away) = (reader.i64()?, reader.i64()?);
    let precision = precision(i64::from(reader.u8()?)).ok()?;
    let status = status(i64::from(reader.u8()?)).ok()?;
    let flags = reader.u8()?;
    let season_type = match flags & POSTSEASON {
        0 => SeasonType::Regular,
        _ => SeasonType::Postseason,
    };
    let score = match flags & PLAYED {
        0 => None,
        _ => Some(Score {
            home: reader.u16()?,
            away: reader.u16()?,
        }),
    };
    let facts = Facts {
        competition,
        season,
        season_type,
        kickoff,
        precision,
        home,
        away,
        neutral: flags & NEUTRAL != 0,
        status,
        score,
        stats: read_stats(reader)?,
    };
    Some((id, facts))
}
