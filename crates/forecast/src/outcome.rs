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

#[cfg(test)]
mod tests {
    use domain::{Score, Sport};

    use super::*;
    use crate::synthetic::League;

    #[test]
    fn an_outcome_is_its_place_among_home_draw_away() {
        let mut game = League::default().games().swap_remove(0);
        let mut outcome = |sport: Sport, home: u16, away: u16| {
            (game.sport, game.score) = (sport, Some(Score { home, away }));
            (h2h_outcome(&game), h2h_width(&game))
        };
        assert_eq!(outcome(Sport::Football, 2, 1), (Some(0), 3));
        assert_eq!(outcome(Sport::Football, 1, 1), (Some(1), 3));
        assert_eq!(outcome(Sport::Football, 0, 1), (Some(2), 3));
        assert_eq!(outcome(Sport::Basketball, 99, 98), (Some(0), 2));
        assert_eq!(outcome(Sport::AmericanFootball, 17, 20), (Some(1), 2));
        assert_eq!(outcome(Sport::AmericanFootball, 20, 20), (None, 2));
        game.score = None;
        assert_eq!(h2h_outcome(&game), None);
    }
}
