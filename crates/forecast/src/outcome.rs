//! What happened, as an index into the outcomes of `h2h`.

use domain::{Game, Market};

/// The index of the outcome that happened: home, draw, away, or home, away. `None` for games not
/// played and for ties in sports without draws, which no forecast of two outcomes can be scored
/// on.
pub(crate) fn h2h_outcome(game: &Game) -> Option<usize> {
    let score = game.score?;
    let order = score.away.cmp(&score.home) as i8;
    if game.sport.has_draw() {
        usize::try_from(order + 1).ok()
    } else {
        match order {
            -1 => Some(0),
            1 => Some(1),
            _ => None,
        }
    }
}

/// How many outcomes `h2h` has for this game.
pub(crate) fn h2h_width(game: &Game) -> usize {
    Market::H2H.outcomes(game.sport.has_draw()).len()
}
