//! Probabilities of who wins as a line of numbers over a bar; used on the board and on a fixture.

use super::text;

/// One view of who wins: numbers, bar, and how old it is.
pub(super) struct OpinionLine {
    /// `Model`, `Market`, or a model's name.
    pub(super) who: String,
    /// `model` or `market`, for the style.
    pub(super) kind: &'static str,
    pub(super) segments: Vec<Segment>,
    /// How old the numbers are, such as `12 min ago`.
    pub(super) age: String,
    /// Whether the program of the page keeps that true.
    pub(super) ticks: bool,
    /// The moment itself, and a word such as `priced`.
    pub(super) at: String,
    pub(super) verb: &'static str,
}

/// The share of one outcome.
pub(super) struct Segment {
    /// `home`, `draw` or `away`.
    pub(super) class: &'static str,
    pub(super) name: &'static str,
    pub(super) letter: &'static str,
    pub(super) percent: String,
    /// Where its piece of the bar begins and how wide it is, in percent of the whole.
    pub(super) start: String,
    pub(super) width: String,
    /// Whether this is what happened.
    pub(super) hit: bool,
}

/// Cuts a bar into the shares of each outcome.
pub(super) fn segments(probabilities: &[f64], happened: Option<usize>) -> Vec<Segment> {
    let mut start = 0.0;
    let names = text::winners(probabilities.len());
    let pieces = names.iter().zip(probabilities).enumerate();
    pieces
        .map(|(index, ((class, name, letter), probability))| {
            let segment = Segment {
                class,
                name,
                letter,
                percent: text::percent(*probability),
                start: text::percent(start),
                width: text::percent(*probability),
                hit: happened == Some(index),
            };
            start += probability;
            segment
        })
        .collect()
}

/// The index in `h2h` of what a score means.
pub(super) fn happened(score: domain::Score, has_draw: bool) -> Option<usize> {
    match score.home.cmp(&score.away) {
        std::cmp::Ordering::Greater => Some(0),
        std::cmp::Ordering::Equal => has_draw.then_some(1),
        std::cmp::Ordering::Less => Some(if has_draw { 2 } else { 1 }),
    }
}

#[cfg(test)]
mod tests {
    use domain::Score;

    use super::*;

    #[test]
    fn pieces_of_a_bar_follow_each_other() {
        let pieces = segments(&[0.5, 0.3, 0.2], Some(1));
        let places: Vec<_> = pieces
            .iter()
            .map(|it| (it.start.as_str(), it.width.as_str()))
            .collect();
        assert_eq!(
            places,
            [("0.0%", "50.0%"), ("50.0%", "30.0%"), ("80.0%", "20.0%")]
        );
        assert_eq!(
            pieces.iter().map(|it| it.hit).collect::<Vec<_>>(),
            [false, true, false]
        );
        assert_eq!(segments(&[0.6, 0.4], None)[1].class, "away");
    }

    #[test]
    fn a_score_means_an_outcome_where_the_sport_has_one_for_it() {
        let of = |home, away, draw| happened(Score { home, away }, draw);
        assert_eq!(
            [of(2, 1, true), of(1, 1, true), of(0, 1, true)],
            [Some(0), Some(1), Some(2)]
        );
        assert_eq!(
            [of(20, 13, false), of(20, 20, false), of(3, 6, false)],
            [Some(0), None, Some(1)]
        );
    }
}
