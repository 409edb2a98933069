//! What events do to where a game stands, one after the other in the order of the source.

use std::collections::{BTreeMap, HashSet};

use domain::{Period, PlayEvent, PlayKind, Score, Side, Sport};

use super::{GameState, Phase};

/// Numbers of events that were taken back, of events each number once, from the last to the first:
/// by later ones that were not taken back themselves.
pub fn cancelled<'a>(backwards: impl Iterator<Item = &'a PlayEvent>) -> HashSet<u64> {
    let mut cancelled = HashSet::new();
    for event in backwards {
        if let PlayKind::Cancelled { of } = event.kind
            && of < event.sequence
            && !cancelled.contains(&event.sequence)
        {
            cancelled.insert(of);
        }
    }
    cancelled
}

/// Whether what an event of this kind did is undone where it is taken back: a score told meanwhile
/// may have settled it. Others are left out as if they had never been.
pub(super) fn is_undone(kind: &PlayKind) -> bool {
    matches!(kind, PlayKind::Scored { .. } | PlayKind::RedCard { .. })
}

/// What an event did that can still be cancelled.
#[derive(Debug, Clone, Copy)]
struct Undo {
    side: Side,
    /// Zero for a card.
    points: u16,
    part: Part,
}

/// The part of a game that something fell in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Regular,
    Overtime,
    Shootout,
}

/// What events up to one of them leave.
#[derive(Debug, Clone)]
pub(super) struct Fold {
    sport: Sport,
    state: GameState,
    open: BTreeMap<u64, Undo>,
    /// Numbers of events that were taken back, later than those it was made of, too.
    cancelled: HashSet<u64>,
}

impl Fold {
    pub(super) fn new(sport: Sport, cancelled: HashSet<u64>) -> Self {
        Self {
            sport,
            state: GameState::BEFORE,
            open: BTreeMap::new(),
            cancelled,
        }
    }

    pub(super) fn state(&self) -> GameState {
        self.state
    }

    /// Whether the event of this number was taken back.
    pub(super) fn is_cancelled(&self, sequence: u64) -> bool {
        self.cancelled.contains(&sequence)
    }

    /// Takes in the next event by the order of the source.
    pub(super) fn apply(&mut self, event: &PlayEvent) {
        self.state.events += 1;
        if self.is_cancelled(event.sequence) && !is_undone(&event.kind) {
            return;
        }
        self.hear(event);
        match event.kind {
            PlayKind::PeriodStart { period } => self.start(period, event),
            PlayKind::PeriodEnd { period } => self.end(period, event),
            PlayKind::Clock { running: true } => self.go_on(event),
            PlayKind::Clock { running: false } => self.stop(event),
            PlayKind::Stoppage { seconds } => self.state.stoppage = Some(seconds),
            PlayKind::Scored { side, points } => {
                self.score(event.sequence, side, u16::from(points.get()));
            }
            PlayKind::RedCard { side } => {
                let slot = &mut self.state.red_cards[side.index()];
                *slot = slot.saturating_add(1);
                self.remember(event.sequence, side, 0);
            }
            PlayKind::Cancelled { of } if of < event.sequence => self.cancel(of),
            PlayKind::Cancelled { .. } => {}
            PlayKind::Score { home, away } => self.correct(Score { home, away }),
            PlayKind::Finished => {
                self.stop(event);
                self.close_regular();
                self.state.phase = Phase::Finished;
            }
            PlayKind::Abandoned => {
                self.stop(event);
                self.state.phase = Phase::Abandoned;
            }
        }
    }

    /// Whether nothing more is played; where that was a mistake it is taken back.
    fn is_over(&self) -> bool {
        matches!(self.state.phase, Phase::Finished | Phase::Abandoned)
    }

    /// Takes the clock over, where the event says it. A clock of a later period than the one under
    /// way means that its start was not told. Of an earlier one it is later news only where the
    /// clock is what is told: then the period was wrong before.
    fn hear(&mut self, event: &PlayEvent) {
        let Some(clock) = event.clock else { return };
        let (period, known) = (clock.period().number(), self.state.period);
        let corrects = matches!(event.kind, PlayKind::Clock { .. });
        if self.is_over() || (period < known && !corrects) {
            return;
        }
        let begun = self.state.phase != Phase::Break || period != known;
        if period < known {
            self.go_back(period);
        } else if period > known {
            self.enter(period);
        }
        if period != known {
            self.state.running = true;
        }
        if begun {
            self.state.phase = Phase::Playing;
        }
        self.state.seconds = clock.seconds();
        self.state.heard_at = event.at;
    }

    /// The clock stands: where the event says, or where it has run to.
    fn stop(&mut self, event: &PlayEvent) {
        if event.clock.is_none() && self.state.running && event.at > self.state.heard_at {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "from 0 to the most a clock shows"
            )]
            let seconds = self.state.seconds_at(event.at) as u16;
            self.state.seconds = seconds;
            self.state.heard_at = event.at;
        }
        self.state.running = false;
    }

    /// The clock runs: from where the event says, or from where it stands.
    fn go_on(&mut self, event: &PlayEvent) {
        if self.is_over() {
            return;
        }
        if event.clock.is_some() {
            self.state.phase = Phase::Playing;
        } else if !self.state.running {
            self.state.heard_at = self.state.heard_at.max(event.at);
        }
        self.state.running = true;
    }

    /// A period begins; the start of one before that under way says nothing new.
    fn start(&mut self, period: Period, event: &PlayEvent) {
        if self.is_over() || period.number() < self.state.period {
            return;
        }
        if period.number() > self.state.period {
            self.enter(period.number());
        }
        if event.clock.is_none() {
            self.state.seconds = 0;
            self.state.heard_at = event.at;
        }
        self.state.phase = Phase::Playing;
        self.state.running = true;
    }

    /// Goes to a later period.
    fn enter(&mut self, period: u8) {
        if period > self.sport.regular_periods() {
            self.close_regular();
        }
        self.state.period = period;
        self.state.stoppage = None;
        if self.state.is_shootout(self.sport) {
            let none = Score { home: 0, away: 0 };
            self.state.shootout.get_or_insert(none);
        }
    }

    /// Goes back to an earlier period: that a later one was under way was wrong. What was scored
    /// meanwhile fell in the earlier one, but for the goals of a shoot-out.
    fn go_back(&mut self, period: u8) {
        self.state.period = period;
        self.state.stoppage = None;
        let none = Score { home: 0, away: 0 };
        self.state.shootout = self.state.shootout.filter(|it| *it != none);
        if !self.state.is_overtime(self.sport) {
            self.state.regular = None;
            let overtime = self.open.values_mut();
            let overtime = overtime.filter(|it| it.part == Part::Overtime);
            overtime.for_each(|it| it.part = Part::Regular);
        }
    }

    /// A period is over; the end of one before that under way says nothing new.
    fn end(&mut self, period: Period, event: &PlayEvent) {
        if self.is_over() || period.number() < self.state.period {
            return;
        }
        self.stop(event);
        if period.number() > self.state.period {
            self.enter(period.number());
        }
        self.state.phase = Phase::Break;
        self.state.stoppage = None;
        if period.number() >= self.sport.regular_periods() {
            self.close_regular();
        }
    }

    fn close_regular(&mut self) {
        self.state.regular.get_or_insert(self.state.score);
    }

    /// Counts points; those told after regular play without overtime fell in it.
    fn score(&mut self, sequence: u64, side: Side, points: u16) {
        for score in self.scores(self.part()) {
            let slot = side_of(score, side);
            *slot = slot.saturating_add(points);
        }
        self.remember(sequence, side, points);
    }

    fn remember(&mut self, sequence: u64, side: Side, points: u16) {
        let part = self.part();
        self.open.insert(sequence, Undo { side, points, part });
    }

    /// The part that the period under way, or played last, belongs to.
    fn part(&self) -> Part {
        if self.state.is_shootout(self.sport) {
            Part::Shootout
        } else if self.state.is_overtime(self.sport) {
            Part::Overtime
        } else {
            Part::Regular
        }
    }

    /// The scores that points of this part count in.
    fn scores(&mut self, part: Part) -> impl Iterator<Item = &mut Score> {
        let GameState {
            score,
            regular,
            shootout,
            ..
        } = &mut self.state;
        let counts = (part != Part::Shootout).then_some(score);
        let regular = regular.as_mut().filter(|_| part == Part::Regular);
        let shootout = shootout.as_mut().filter(|_| part == Part::Shootout);
        counts.into_iter().chain(regular).chain(shootout)
    }

    fn cancel(&mut self, of: u64) {
        self.cancelled.insert(of);
        let Some(undo) = self.open.remove(&of) else {
            return;
        };
        if undo.points == 0 {
            let slot = &mut self.state.red_cards[undo.side.index()];
            *slot = slot.saturating_sub(1);
            return;
        }
        for score in self.scores(undo.part) {
            let slot = side_of(score, undo.side);
            *slot = slot.saturating_sub(undo.points);
        }
    }

    /// Sets the score, which a shoot-out is no part of. A score that differs from what was counted settles the goals before it:
    /// cancelling one of them later must not take it away twice.
    fn correct(&mut self, score: Score) {
        if score == self.state.score {
            return;
        }
        let is_apart = |it: &Undo| it.points == 0 || it.part == Part::Shootout;
        self.open.retain(|_, undo| is_apart(undo));
        let before_overtime = !self.state.is_overtime(self.sport);
        if let Some(regular) = self.state.regular.as_mut().filter(|_| before_overtime) {
            *regular = score;
        }
        self.state.score = score;
    }
}

fn side_of(score: &mut Score, side: Side) -> &mut u16 {
    match side {
        Side::Home => &mut score.home,
        Side::Away => &mut score.away,
    }
}
