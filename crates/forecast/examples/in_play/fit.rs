//! Fits the parameters of football: when goals fall from minutes of goals, what the score does
//! from full-time scores after half times.

use forecast::{FootballParameters, FootballPlay, Half, Regress, ScoreEffect};
use jiff::Timestamp;
use rayon::prelude::*;

use crate::Moment;
use crate::clubs::HalfTime;

/// Fits everything, on moments before those that are judged; effects of the score, which take
/// minutes, where asked.
pub(crate) fn football(
    clubs: &[HalfTime],
    minutes: &[u32; 91],
    start: FootballParameters,
    effects: bool,
) -> FootballParameters {
    let fitted: Vec<&HalfTime> = clubs.iter().filter(|it| it.priced.to_fit).collect();
    let mut parameters = start;
    parameters.halves = halves(minutes, first_half_share(&fitted));
    let moments: Vec<&Moment> = fitted.iter().map(|it| &it.priced).collect();
    parameters.regress = Regress::default();
    if effects {
        let loss = |it: &[f64]| loss(&moments, &with_effects(&parameters, it));
        let found = descend(vec![0.0; 4], 0.16, &loss);
        println!("loss {:.5} from {:.5}", loss(&found), loss(&[0.0; 4]));
        parameters = with_effects(&parameters, &found);
    }
    parameters.regress = regress(&moments, &parameters);
    parameters
}

/// Effects that are the same for both sides and halves: of the leader by one and by more, of the
/// side that trails by one and by more.
fn with_effects(parameters: &FootballParameters, it: &[f64]) -> FootballParameters {
    let effect = ScoreEffect {
        home_leads: [[it[0], it[2]], [it[1], it[3]]],
        away_leads: [[it[2], it[0]], [it[3], it[1]]],
    };
    FootballParameters {
        effects: [effect; 2],
        ..*parameters
    }
}

/// What brings who wins after half times nearest to what happened.
fn regress(moments: &[&Moment], parameters: &FootballParameters) -> Regress {
    let plain = FootballParameters {
        regress: Regress::default(),
        ..*parameters
    };
    let said: Vec<(i32, [f64; 3], usize)> = moments
        .par_iter()
        .map(|it| {
            (
                it.state.lead(),
                crate::h2h(it, &plain),
                crate::outcome(it.end),
            )
        })
        .collect();
    let loss = |it: &[f64]| {
        let losses = said.iter().map(|(lead, said, happened)| {
            let more = usize::from(lead.abs() > 1);
            let [drawn, lost] = [it[1 + more], it[3 + more]].map(f64::exp);
            let factors = match lead.signum() {
                1 => [1.0, drawn, lost],
                -1 => [lost, drawn, 1.0],
                _ => [1.0, it[0].exp(), 1.0],
            };
            let weighed: [f64; 3] = std::array::from_fn(|index| said[index] * factors[index]);
            -(weighed[*happened] / weighed.iter().sum::<f64>()).ln()
        });
        losses.sum::<f64>() / said.len() as f64
    };
    let found = descend(vec![0.0; 5], 0.08, &loss);
    println!(
        "who wins {:.5} from {:.5}: {found:?}",
        loss(&found),
        loss(&[0.0; 5])
    );
    Regress {
        level: found[0],
        drawn: [found[1], found[2]],
        lost: [found[3], found[4]],
    }
}

/// Mean negative logarithm of what the end was given: who wins, and half of that of the score.
fn loss(moments: &[&Moment], parameters: &FootballParameters) -> f64 {
    let losses: Vec<f64> = moments
        .par_iter()
        .map(|it| {
            let play = FootballPlay::new(&it.prematch, parameters);
            let scores = play.scores(&it.state, Timestamp::UNIX_EPOCH);
            let scores = scores.expect("no game was given up");
            let [home, away] = [it.end.home, it.end.away].map(usize::from);
            let wins = scores.h2h()[crate::outcome(it.end)];
            -wins.ln() - 0.5 * (scores.probability(home, away) / wins).max(1e-9).ln()
        })
        .collect();
    losses.iter().sum::<f64>() / losses.len() as f64
}

/// Goes downhill one parameter at a time, with ever smaller steps.
pub(crate) fn descend(
    mut at: Vec<f64>,
    step: f64,
    loss: &(dyn Fn(&[f64]) -> f64 + Sync),
) -> Vec<f64> {
    let mut best = loss(&at);
    let mut steps = vec![step; at.len()];
    for _ in 0..6 {
        for index in 0..at.len() {
            let mut moved = false;
            for sign in [1.0, -1.0] {
                let mut next = at.clone();
                next[index] += sign * steps[index];
                let value = loss(&next);
                if value < best {
                    (at, best, moved) = (next, value, true);
                    break;
                }
            }
            if !moved {
                steps[index] *= 0.5;
            }
        }
    }
    at
}

fn first_half_share(clubs: &[&HalfTime]) -> f64 {
    let sum = |score: domain::Score| f64::from(score.home + score.away);
    let half: f64 = clubs.iter().map(|it| sum(it.priced.state.score)).sum();
    let whole: f64 = clubs.iter().map(|it| sum(it.priced.end)).sum();
    half / whole
}

/// Lines through the goals per minute of each half, what lies above them at minute 45 being
/// stoppage time; the halves scaled to the share of goals that clubs score in the first.
fn halves(minutes: &[u32; 91], first: f64) -> [Half; 2] {
    [(0, first), (45, 1.0 - first)].map(|(before, share)| {
        let counts: Vec<f64> = (1..=45).map(|it| f64::from(minutes[before + it])).collect();
        let regular = &counts[..44];
        let middle = |index: usize| index as f64 + 0.5;
        let n = regular.len() as f64;
        let mean_x = (0..44).map(middle).sum::<f64>() / n;
        let mean_y = regular.iter().sum::<f64>() / n;
        let pairs = || (0..44).map(middle).zip(regular);
        let slope = pairs()
            .map(|(x, y)| (x - mean_x) * (y - mean_y))
            .sum::<f64>()
            / pairs().map(|(x, _)| (x - mean_x).powi(2)).sum::<f64>();
        let at = |minute: f64| mean_y + slope * (minute - mean_x);
        let scale = share / counts.iter().sum::<f64>();
        let (start, end) = (at(0.0) * scale, at(45.0) * scale);
        Half {
            start,
            end,
            stoppage: share - 0.5 * (start + end) * 45.0,
        }
    })
}
