//! The market as a forecaster: fair probabilities of the reference prices, by the power method.

use domain::{Game, MarketPrices, Overround, Price, remove_overround};

use crate::outcome::h2h_width;

/// What the closing market thought of who wins; `None` where nothing newer is known than what
/// stood before the game, for then nothing says what the market came to think.
pub(crate) fn close(game: &Game) -> Option<Vec<f64>> {
    let closing = game.closing.h2h.as_ref();
    if closing == game.pregame.h2h.as_ref() {
        return None;
    }
    fair(closing, h2h_width(game))
}

/// Fair probabilities of the first `width` reference prices; `None` unless all are there.
pub(crate) fn fair(prices: Option<&MarketPrices>, width: usize) -> Option<Vec<f64>> {
    let reference = &prices?.reference[..width];
    let complete: Vec<Price> = reference.iter().copied().collect::<Option<_>>()?;
    remove_overround(&complete, Overround::Power).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::League;

    #[test]
    fn without_a_price_newer_than_the_early_ones_there_is_no_close() {
        let league = League {
            seed: 3,
            ..League::default()
        };
        let mut game = league.games().remove(0);
        assert!(close(&game).is_some());
        game.closing = game.pregame.clone();
        assert_eq!(close(&game), None);
        game.closing.h2h = None;
        assert_eq!(close(&game), None);
    }
}
