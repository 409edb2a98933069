//! What the cache did over time, drawn: a line for each of the busiest kinds.

use engine::caching::{Done, Sample};
use jiff::tz::TimeZone;

use super::short;
use crate::pages::{
    charts::{self, Curve, Labels, Line},
    text,
};

/// Lines of a chart beside the one of all kinds together.
const LINES_MAX: usize = 3;
/// Points of a line.
const POINTS_MAX: usize = 30;
const CLASSES: [&str; LINES_MAX] = ["c-home", "c-market", "c-base"];

/// A chart, ready to be written.
pub(super) struct Chart {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) note: &'static str,
    /// The drawing; nothing where there is too little to draw.
    pub(super) svg: Option<String>,
}

/// A line in the making.
struct Track {
    name: String,
    class: &'static str,
    points: Vec<(f64, Done, f64)>,
}

/// Hit ratio, time saved and bytes, each over time, and where answers are shared, what that spared.
pub(super) fn charts(
    kinds: &[String],
    samples: &[Sample],
    are_shared: bool,
    zone: &TimeZone,
) -> Vec<Chart> {
    let moments = merged(samples);
    let tracks = tracks(kinds, &moments);
    let draw = |what: &str, decimals: usize, value: fn(&Done, f64) -> f64| {
        if moments.len() < 2 {
            return None;
        }
        let lines: Vec<_> = tracks.iter().map(|it| it.line(value)).collect();
        let last = lines.iter().filter_map(|line| {
            let (_, value) = line.points.iter().rev().find(|it| it.1.is_finite())?;
            Some(format!("{} {}", line.name, text::number(*value, decimals)))
        });
        let last: Vec<_> = last.collect();
        charts::curve(&Curve {
            summary: format!("{what}. Last: {}.", last.join(", ")),
            lines,
            band: None,
            reference: Some(0.0),
            decimals,
            unit: "",
            labels: Labels::Clock(zone.clone()),
        })
    };
    let mut charts = vec![
        Chart {
            id: "ratio",
            title: "Answered from memory",
            note: "Percent of the requests that found their answer kept.",
            svg: draw("Percent answered from memory over time", 0, |it, _| {
                it.hit_ratio().map_or(f64::NAN, |it| it * 100.0)
            }),
        },
        Chart {
            id: "saved",
            title: "Time saved",
            note: "Milliseconds of work spared in each second.",
            svg: draw("Milliseconds saved a second over time", 1, |it, span_s| {
                it.time_saved.as_secs_f64() * 1e3 / span_s.max(1.0)
            }),
        },
        Chart {
            id: "bytes",
            title: "Memory",
            note: "KiB that kept answers take.",
            svg: draw("KiB of memory over time", 0, |it, _| {
                it.bytes as f64 / 1024.0
            }),
        },
    ];
    if are_shared {
        charts.push(Chart {
            id: "shared",
            title: "Found in Redis",
            note: "Percent of what was not in memory that was kept there, by this server or another.",
            svg: draw("Percent found in Redis over time", 0, |it, _| {
                shared_ratio(it) * 100.0
            }),
        });
    }
    charts
}

/// Of what was not in memory, the share that the shared tier had; NaN where all was in memory.
fn shared_ratio(done: &Done) -> f64 {
    done.shared_hits as f64 / done.misses as f64
}

impl Track {
    fn line(&self, value: fn(&Done, f64) -> f64) -> Line {
        let point = |(at, done, span): &(f64, Done, f64)| (*at, value(done, *span));
        Line {
            name: self.name.clone(),
            class: self.class,
            points: self.points.iter().map(point).collect(),
        }
    }
}

/// Several samples as one, so that a line has some thirty points and not hundreds.
fn merged(samples: &[Sample]) -> Vec<Sample> {
    let together = samples.len().div_ceil(POINTS_MAX).max(1);
    // From the latest back: the oldest stretch is the one that may be short.
    let mut stretches: Vec<_> = samples.rchunks(together).map(one).collect();
    stretches.reverse();
    stretches
}

fn one(samples: &[Sample]) -> Sample {
    let last = samples.last().expect("a chunk has an element");
    let mut kinds = vec![Done::default(); last.kinds.len()];
    for sample in samples {
        for (sum, done) in kinds.iter_mut().zip(&sample.kinds) {
            let bytes = done.bytes;
            *sum = Done {
                bytes,
                ..sum.and(*done)
            };
        }
    }
    Sample {
        at_s: last.at_s,
        span_s: samples.iter().map(|it| it.span_s).sum(),
        kinds,
    }
}

/// The busiest kinds, each by itself, and all together.
fn tracks(kinds: &[String], samples: &[Sample]) -> Vec<Track> {
    let requests = |number: usize| -> u64 {
        let done = samples.iter().filter_map(|it| it.kinds.get(number));
        done.map(|it| it.hits + it.misses).sum()
    };
    let mut busy: Vec<_> = (0..kinds.len()).map(|it| (requests(it), it)).collect();
    busy.retain(|it| it.0 > 0);
    busy.sort_by_key(|(count, number)| (std::cmp::Reverse(*count), *number));
    let track = |name: &str, class, done: &dyn Fn(&Sample) -> Done| Track {
        name: name.to_owned(),
        class,
        points: samples
            .iter()
            .map(|it| (it.at_s as f64, done(it), it.span_s as f64))
            .collect(),
    };
    let mut tracks = vec![track("all", "c-model", &|it| {
        it.kinds
            .iter()
            .fold(Done::default(), |sum, it| sum.and(*it))
    })];
    for ((_, number), class) in busy.into_iter().zip(CLASSES) {
        tracks.push(track(short(&kinds[number]), class, &|it| {
            it.kinds.get(number).copied().unwrap_or_default()
        }));
    }
    tracks
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sample(at_s: i64, kinds: &[(u64, u64)]) -> Sample {
        let done = |&(hits, misses): &(u64, u64)| Done {
            hits,
            misses,
            bytes: hits,
            time_saved: Duration::from_millis(hits),
            ..Done::default()
        };
        Sample {
            at_s,
            span_s: 15,
            kinds: kinds.iter().map(done).collect(),
        }
    }

    #[test]
    fn samples_are_put_together_from_the_latest_back() {
        let samples: Vec<_> = (0..41).map(|it| sample(it * 15, &[(1, 0)])).collect();
        let merged = merged(&samples);
        assert_eq!(merged.len(), 21);
        let of = |it: &Sample| (it.at_s, it.span_s, it.kinds[0].hits);
        assert_eq!((of(&merged[0]), of(&merged[1])), ((0, 15, 1), (30, 30, 2)));
        assert_eq!(merged[1].kinds[0].bytes, 1);
    }

    #[test]
    fn what_other_servers_had_is_a_share_of_what_was_not_in_memory() {
        let mut samples = [sample(0, &[(6, 4)]), sample(15, &[(6, 4)])];
        for sample in &mut samples {
            sample.kinds[0].shared_hits = 3;
        }
        let charts = charts(&["answer.a".to_owned()], &samples, true, &TimeZone::UTC);
        let svg = charts[3].svg.as_ref().unwrap();
        assert!(svg.contains("Last: all 75, a 75."), "{svg}");
    }

    #[test]
    fn the_busiest_kinds_have_lines_of_their_own() {
        let kinds = ["answer.a", "answer.b", "c", "d", "e"].map(str::to_owned);
        let counts = [(1, 0), (5, 0), (0, 0), (2, 2), (3, 0)];
        let samples = [sample(0, &counts[..2]), sample(15, &counts)];
        let tracks = tracks(&kinds, &samples);
        let names: Vec<_> = tracks.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["all", "b", "d", "e"]);
        assert_eq!(tracks[0].points[1].1.hits, 11);
        let drawn = charts(&kinds, &samples[..1], false, &TimeZone::UTC);
        assert!(drawn.iter().all(|it| it.svg.is_none()));
        let samples: Vec<_> = (0..40).map(|it| sample(it * 15, &counts)).collect();
        for chart in charts(&kinds, &samples, false, &TimeZone::UTC) {
            let svg = chart.svg.unwrap();
            assert!(svg.contains(">00:09<") && !svg.contains("NaN"), "{svg}");
        }
    }
}
