//! `sports-edge live replay`: a recorded file, sent in its own rhythm.

use std::{
    io::BufReader,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use clap::Args;
use engine::Clock;
use jiff::Timestamp;

use super::{TOGETHER_MAX, Work, intake};
use crate::{
    SystemClock,
    live::{Line, Numbered, line_time},
    source::OpenedFile,
};

/// Lines of a recording at most.
const LINES_MAX: usize = 1_000_000;
/// What a recording may unpack to.
const BYTES_MAX: u64 = 512 << 20;
/// How often a pause looks whether to stop.
const STEP: Duration = Duration::from_millis(50);

/// Which recording, and how fast.
#[derive(Debug, Args)]
#[command(after_help = "\
A recording is what `live feed` reads, in a file (plain, gzip or zstd). Lines are sent in the
order of their moments (told_at, else at; taken_at of prices), games first.

Without --past its times are moved so that the first line happens now and the others follow in
their rhythm, --speed times as fast. Its games become new ones, in a season of their own
(replay-DATE), so that the games that were really played stay as they are. Faster than 1, the
clock of a game jumps from event to event, for what it shows is seconds of play.

With --past everything keeps its time and is written at once, as told when it happened: any moment
of the game can then be asked for with as_of, and the dashboard can play it.

Examples:
  sports-edge live replay data/sample/recording.ndjson --speed 60
  sports-edge live replay data/sample/recording.ndjson --past
  zcat recording.ndjson.gz | grep '\"kind\"' | sports-edge live feed")]
pub(super) struct ReplayArgs {
    /// The recording
    file: PathBuf,
    /// How many times as fast as it was
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    speed: u32,
    /// Write it into its own past, at once
    #[arg(long, conflicts_with = "speed")]
    past: bool,
}

/// Sends a recording.
pub(super) fn run(
    args: &ReplayArgs,
    work: &mut Work,
    stop: &Arc<AtomicBool>,
) -> anyhow::Result<()> {
    let mut lines = read(args, work)?;
    // In order of time, games first; lines of one moment stay as they lie.
    lines.sort_by_key(|it| it.line.moment());
    let first = lines.iter().find_map(|it| it.line.moment());
    let Some(first) = first else {
        bail!(
            "{} has no event and no price with a time",
            args.file.display()
        );
    };
    intake::on_signal(stop, || {})?;
    if args.past {
        return into_past(lines, work, stop);
    }
    let replay = Replay {
        first,
        start: SystemClock.now(),
        began: Instant::now(),
        speed: args.speed,
    };
    replay.run(lines, work, stop)
}

/// Every line of the file; bad ones are set aside.
fn read(args: &ReplayArgs, work: &mut Work) -> anyhow::Result<Vec<Numbered>> {
    let name = args.file.display();
    let opened = OpenedFile::open(&args.file, BYTES_MAX);
    let opened = opened.with_context(|| format!("{name} cannot be replayed"))?;
    let mut input = BufReader::new(opened.into_content(Arc::new(AtomicU64::new(0)))?);
    let mut lines = Vec::new();
    for number in 1.. {
        let line = intake::line(&mut input).with_context(|| format!("{name} cannot be read"))?;
        let Some(text) = line else { break };
        if text.as_ref().is_ok_and(|it| it.trim().is_empty()) {
            continue;
        }
        if lines.len() >= LINES_MAX {
            bail!("{name} has more than {LINES_MAX} lines");
        }
        work.sender.tally.lines += 1;
        match text.and_then(|it| Line::parse(&it)) {
            Ok(line) => lines.push(Numbered { number, line }),
            Err(reason) => work.sender.aside(number, reason),
        }
    }
    Ok(lines)
}

/// Writes everything at its own time, told when it happened.
fn into_past(lines: Vec<Numbered>, work: &mut Work, stop: &Arc<AtomicBool>) -> anyhow::Result<()> {
    let mut together = Vec::with_capacity(TOGETHER_MAX);
    for mut it in lines {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        if let Line::Event(members) = &mut it.line
            && let Some(at) = members.get("at").cloned()
        {
            members.entry("told_at").or_insert(at);
        }
        together.push(it);
        if together.len() == TOGETHER_MAX {
            work.sender.send(std::mem::take(&mut together))?;
            work.tell();
        }
    }
    work.sender.send(together)
}

/// A recording that happens anew.
struct Replay {
    /// The first moment of the recording, and the one it has become.
    first: Timestamp,
    start: Timestamp,
    began: Instant,
    speed: u32,
}

impl Replay {
    fn run(
        &self,
        lines: Vec<Numbered>,
        work: &mut Work,
        stop: &Arc<AtomicBool>,
    ) -> anyhow::Result<()> {
        let mut together: Vec<Numbered> = Vec::new();
        for mut it in lines {
            let due = it.line.moment().map_or(Duration::ZERO, |at| self.due(at));
            if together.len() == TOGETHER_MAX || due > self.began.elapsed() {
                work.sender.send(std::mem::take(&mut together))?;
            }
            if !self.wait(due, work, stop) {
                break;
            }
            self.move_times(&mut it.line);
            together.push(it);
        }
        work.sender.send(together)
    }

    /// How long after the start a moment of the recording comes.
    fn due(&self, at: Timestamp) -> Duration {
        let since = at.duration_since(self.first).unsigned_abs();
        since / self.speed
    }

    /// Waits until then; `false` where it is told to stop.
    fn wait(&self, due: Duration, work: &mut Work, stop: &AtomicBool) -> bool {
        while !stop.load(Ordering::Relaxed) {
            let left = due.saturating_sub(self.began.elapsed());
            if left.is_zero() {
                return true;
            }
            work.tell();
            sleep(left.min(STEP));
        }
        false
    }

    fn moved(&self, at: Timestamp) -> Timestamp {
        let since = at.duration_since(self.first) / i32::try_from(self.speed).unwrap_or(1);
        self.start.checked_add(since).unwrap_or(self.start)
    }

    /// Moves what a line says of time; a game's season becomes one of this replay.
    fn move_times(&self, line: &mut Line) {
        let is_game = matches!(line, Line::Fixture(..));
        let members = line.members_mut();
        members.remove("told_at");
        for name in ["at", "taken_at", "kickoff"] {
            if let Some(at) = line_time(members, name) {
                members.insert(name.to_owned(), self.moved(at).to_string().into());
            }
        }
        if is_game {
            let whole = self.start.round(jiff::Unit::Second).unwrap_or(self.start);
            let season = whole.to_string().replace([':'], "");
            members.insert("season".to_owned(), format!("replay-{season}").into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_moved_to_now_in_their_rhythm_and_a_game_gets_a_season_of_its_own() {
        let replay = Replay {
            first: moment("2024-05-26T19:00:00Z"),
            start: moment("2026-11-26T08:00:00Z"),
            began: Instant::now(),
            speed: 60,
        };
        assert_eq!(
            replay.due(moment("2024-05-26T19:30:00Z")),
            Duration::from_secs(30)
        );
        let mut game = Line::parse(
            r#"{"fixture": "f", "competition": "E0", "season": "2023/24", "kickoff": "2024-05-26T19:01:00Z"}"#,
        )
        .unwrap();
        replay.move_times(&mut game);
        assert_eq!(game.members_mut()["kickoff"], "2026-11-26T08:00:01Z");
        assert_eq!(game.members_mut()["season"], "replay-2026-11-26T080000Z");
        let mut event = Line::parse(
            r#"{"kind": "clock", "at": "2024-05-26T18:59:00Z", "told_at": "2024-05-26T19:00:00Z"}"#,
        )
        .unwrap();
        replay.move_times(&mut event);
        assert_eq!(event.members_mut()["at"], "2026-11-26T07:59:59Z");
        assert!(!event.members_mut().contains_key("told_at"));
    }
}
