//! What a place on a game's clock is called: the minute in football, what is left of the period
//! elsewhere, and where a game stands; the program in `web/` writes it the same way.

use domain::Sport;
use engine::Phase;

/// Regular periods of a sport of points.
const QUARTERS: u8 = 4;

/// A place on the clock: the minute under way in football, else what is left of the period.
pub(super) fn shown(sport: Sport, period: u8, seconds: i64) -> String {
    if sport.shootout() == Some(period) {
        return "Pens".to_owned();
    }
    let minutes = |it| i64::from(sport.period_minutes(it));
    let length = minutes(period);
    if sport != Sport::Football {
        let left = (60 * length - seconds).max(0);
        return format!("{}:{:02}", left / 60, left % 60);
    }
    let before: i64 = (1..period).map(minutes).sum();
    let played = seconds / 60;
    if played >= length {
        format!("{}+{}'", before + length, played - length + 1)
    } else {
        format!("{}'", before + played + 1)
    }
}

/// The same with its period, where the clock begins anew with each.
pub(super) fn placed(sport: Sport, period: u8, seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "a clock is bounded")]
    let text = shown(sport, period, seconds as i64);
    match sport {
        Sport::Football => text,
        Sport::Basketball | Sport::AmericanFootball => format!("{} {text}", quarter(period)),
    }
}

/// A period of a sport of points: `Q4`, `OT`, `OT2`.
pub(super) fn quarter(period: u8) -> String {
    match period {
        ..=QUARTERS => format!("Q{period}"),
        5 => "OT".to_owned(),
        _ => format!("OT{}", period - QUARTERS),
    }
}

/// What stands for the clock where none runs.
pub(super) fn word(sport: Sport, phase: Phase, period: u8) -> String {
    match (phase, sport, period) {
        (Phase::Finished, ..) => "FT".to_owned(),
        (Phase::Break, Sport::Football, 1) => "HT".to_owned(),
        (Phase::Break, Sport::Football, 2) => "FT 90'".to_owned(),
        (Phase::Break, Sport::Football, 3) => "ET HT".to_owned(),
        (Phase::Break, Sport::Football, _) => "ET end".to_owned(),
        (Phase::Break, _, 2) => "HT".to_owned(),
        (Phase::Break, _, period) => format!("{} end", quarter(period)),
        _ => "\u{2013}".to_owned(),
    }
}

/// Where a game stands.
pub(super) fn phase(sport: Sport, phase: Phase, period: u8) -> String {
    match phase {
        Phase::Before => "Not begun".to_owned(),
        Phase::Playing => name(sport, period),
        Phase::Break => match (sport, period) {
            (Sport::Football, 1) => "Half time".to_owned(),
            (Sport::Football, 2) => "After 90 minutes".to_owned(),
            (Sport::Football, 3) => "Half time of extra time".to_owned(),
            (Sport::Football, _) => "After extra time".to_owned(),
            (_, 2) => "Half time".to_owned(),
            _ => format!("After {}", name(sport, period).to_lowercase()),
        },
        Phase::Finished => "Finished".to_owned(),
        Phase::Abandoned => "Abandoned".to_owned(),
    }
}

fn name(sport: Sport, period: u8) -> String {
    match (sport, period) {
        (Sport::Football, 1) => "First half".to_owned(),
        (Sport::Football, 2) => "Second half".to_owned(),
        (Sport::Football, _) if sport.shootout() == Some(period) => "Shoot-out".to_owned(),
        (Sport::Football, _) => "Extra time".to_owned(),
        (_, 1..=QUARTERS) => format!("Quarter {period}"),
        _ => "Overtime".to_owned(),
    }
}

/// What the beginning of a period is called.
pub(super) fn begins(sport: Sport, period: u8) -> String {
    match (sport, period) {
        (Sport::Football, 1) => "Kick-off".to_owned(),
        (Sport::Football, 3) => "Extra time begins".to_owned(),
        (Sport::Football, 4) => "Second half of extra time begins".to_owned(),
        (Sport::Football, _) => format!("{} begins", name(sport, period)),
        _ => format!("{} begins", quarter(period)),
    }
}

/// What its end is called.
pub(super) fn ends(sport: Sport, period: u8) -> String {
    match (sport, period) {
        (Sport::Football, 3) => "First half of extra time ends".to_owned(),
        (Sport::Football, _) => format!("{} ends", name(sport, period)),
        _ => format!("{} ends", quarter(period)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_counts_through_in_football_and_down_elsewhere() {
        let football = |period, seconds| shown(Sport::Football, period, seconds);
        assert_eq!(football(1, 0), "1'");
        assert_eq!(football(1, 45 * 60 + 61), "45+2'");
        assert_eq!(football(2, 10 * 60), "56'");
        assert_eq!(football(2, 48 * 60), "90+4'");
        assert_eq!(football(3, 0), "91'");
        assert_eq!(football(3, 15 * 60), "105+1'");
        assert_eq!(football(4, 0), "106'");
        assert_eq!(football(4, 8 * 60 + 30), "114'");
        assert_eq!(football(4, 17 * 60), "120+3'");
        assert_eq!(football(5, 0), "Pens");
        assert_eq!(shown(Sport::Basketball, 3, 61), "10:59");
        assert_eq!(shown(Sport::Basketball, 5, 300), "0:00");
        assert_eq!(shown(Sport::AmericanFootball, 4, 901), "0:00");
        let placed = |sport, period| placed(sport, period, 60.5);
        assert_eq!(placed(Sport::Basketball, 4), "Q4 11:00");
        assert_eq!(placed(Sport::AmericanFootball, 5), "OT 9:00");
        assert_eq!(placed(Sport::Basketball, 6), "OT2 4:00");
        assert_eq!(placed(Sport::Football, 2), "47'");
    }

    #[test]
    fn phases_are_told_in_the_words_of_the_sport() {
        let football = |it, period| phase(Sport::Football, it, period);
        assert_eq!(football(Phase::Playing, 1), "First half");
        assert_eq!(football(Phase::Break, 1), "Half time");
        assert_eq!(football(Phase::Break, 2), "After 90 minutes");
        assert_eq!(football(Phase::Break, 4), "After extra time");
        assert_eq!(football(Phase::Playing, 4), "Extra time");
        assert_eq!(football(Phase::Playing, 5), "Shoot-out");
        assert_eq!(football(Phase::Abandoned, 1), "Abandoned");
        let basketball = |it, period| phase(Sport::Basketball, it, period);
        assert_eq!(basketball(Phase::Playing, 4), "Quarter 4");
        assert_eq!(basketball(Phase::Break, 1), "After quarter 1");
        assert_eq!(basketball(Phase::Break, 2), "Half time");
        assert_eq!(basketball(Phase::Break, 5), "After overtime");
        assert_eq!(basketball(Phase::Playing, 5), "Overtime");
    }

    #[test]
    fn a_break_has_the_word_of_its_sport_and_period() {
        let football = [1, 2, 3, 4].map(|it| word(Sport::Football, Phase::Break, it));
        assert_eq!(football, ["HT", "FT 90'", "ET HT", "ET end"]);
        let points = [1, 2, 4, 5].map(|it| word(Sport::Basketball, Phase::Break, it));
        assert_eq!(points, ["Q1 end", "HT", "Q4 end", "OT end"]);
        assert_eq!(word(Sport::Football, Phase::Finished, 2), "FT");
        assert_eq!(word(Sport::Football, Phase::Before, 0), "\u{2013}");
    }

    #[test]
    fn the_whistles_of_a_period_are_told_by_its_name() {
        let football = [1, 2, 3, 4, 5].map(|it| begins(Sport::Football, it));
        let said = [
            "Kick-off",
            "Second half begins",
            "Extra time begins",
            "Second half of extra time begins",
            "Shoot-out begins",
        ];
        assert_eq!(football, said);
        let football = [1, 3, 4].map(|it| ends(Sport::Football, it));
        let said = [
            "First half ends",
            "First half of extra time ends",
            "Extra time ends",
        ];
        assert_eq!(football, said);
        assert_eq!(begins(Sport::Basketball, 1), "Q1 begins");
        assert_eq!(ends(Sport::AmericanFootball, 5), "OT ends");
    }
}
