//! Views of the engine, made by hand so that every number in a snapshot is known.

use domain::{
    BookmakerKey, Competition, CompetitionKey, Fixture, FixtureId, FixtureStatus, GameClock,
    KickoffPrecision, Line, Market, MatchStats, Outcome, Period, Price, Score, SeasonKey, Sport,
    Team, TeamId,
};
use engine::{
    BoardRow, CompetitionView, EdgeFlag, EdgeView, FixtureView, MarketView, Opinion, Phase,
    PlayView, Silence,
};

use crate::{
    pages::board::{Board, Told},
    wire::List,
};

pub(in crate::pages) fn price(decimal: f64) -> Price {
    Price::new(decimal).unwrap()
}

pub(in crate::pages) fn bookmaker(key: &str) -> BookmakerKey {
    BookmakerKey::new(key).unwrap()
}

fn team(id: i64, name: &str) -> Team {
    Team {
        id: TeamId(id),
        sport: Sport::Football,
        name: name.to_owned(),
        country: "GB".to_owned(),
    }
}

/// A fixture; finished where it has a score.
pub(in crate::pages) fn fixture(id: i64, kickoff: &str, score: Option<(u16, u16)>) -> FixtureView {
    FixtureView {
        fixture: Fixture {
            id: FixtureId(id),
            competition: CompetitionKey::new("E0").unwrap(),
            season: SeasonKey::new("2023/24").unwrap(),
            season_type: domain::SeasonType::Regular,
            kickoff: testkit::time(kickoff),
            kickoff_precision: KickoffPrecision::Minute,
            home: TeamId(1),
            away: TeamId(2),
            neutral: false,
            status: if score.is_some() {
                FixtureStatus::Finished
            } else {
                FixtureStatus::Scheduled
            },
            score: score.map(|(home, away)| Score { home, away }),
            stats: MatchStats::default(),
        },
        competition_name: "Premier League".to_owned(),
        has_draw: true,
        home: team(1, "Arsenal"),
        away: team(2, "Brighton & Hove"),
    }
}

pub(in crate::pages) fn market(probabilities: &[f64], taken_at: &str) -> MarketView {
    MarketView {
        bookmaker: bookmaker("pinnacle"),
        prices: probabilities.iter().map(|it| price(0.97 / it)).collect(),
        probabilities: probabilities.to_vec(),
        best: vec![None; probabilities.len()],
        taken_at: testkit::time(taken_at),
        bookmakers: 7,
    }
}

pub(in crate::pages) fn edge(
    fixture: FixtureView,
    (market, outcome): (Market, Outcome),
    flags: Vec<EdgeFlag>,
) -> EdgeView {
    EdgeView {
        fixture,
        market,
        outcome,
        bookmaker: bookmaker("market_best"),
        price: price(2.5),
        probability: 0.41,
        fair_price: 1.0 / 0.41,
        raw_value: 0.126,
        expected_value: 0.0214,
        stake: if flags.is_empty() { 0.0036 } else { 0.0 },
        taken_at: testkit::time("2024-05-18T10:30:00Z"),
        flags,
    }
}

/// A board of every kind of row: to come, played, postponed, of two outcomes, with nothing known,
/// under way, under way and not heard of any more.
pub(in crate::pages) fn board() -> Board {
    let as_of = Some(testkit::time("2024-05-18T11:59:15Z"));
    let next = fixture(11, "2024-05-19T15:00:00Z", None);
    let total = (Market::totals(Line::from_quarters(10)), Outcome::Over);
    let played = fixture(3, "2024-05-11T14:00:00Z", Some((2, 2)));
    let mut postponed = fixture(4, "2024-05-12T12:00:00Z", None);
    postponed.fixture.status = FixtureStatus::Postponed;
    postponed.fixture.kickoff_precision = KickoffPrecision::Day;
    let mut points = fixture(12, "2024-05-19T17:30:00Z", None);
    points.has_draw = false;
    let rows = [
        BoardRow {
            prediction: opinion(&[0.5, 0.3, 0.2]),
            as_of: Some(testkit::time("2024-05-11T13:00:00Z")),
            market: Some(market(&[0.52, 0.27, 0.21], "2024-05-11T14:00:00Z")),
            ..row(played)
        },
        row(postponed),
        BoardRow {
            prediction: opinion(&[0.5229, 0.2541, 0.223]),
            as_of,
            market: Some(market(&[0.5102, 0.2611, 0.2287], "2024-05-18T10:30:00Z")),
            edge: Some(edge(next.clone(), total, Vec::new())),
            ..row(next)
        },
        BoardRow {
            prediction: opinion(&[0.61, 0.39]),
            as_of,
            edge: Some(edge(
                points.clone(),
                (Market::spreads(Line::from_quarters(-6)), Outcome::Away),
                Vec::new(),
            )),
            ..row(points)
        },
    ];
    let rows: Vec<BoardRow> = rows.into_iter().chain(under_way()).collect();
    let list = List::whole(rows, crate::wire::ScoreRow::from);
    let held = Some(("7.3".to_owned(), 1_716_033_555_000));
    let told = Told {
        held,
        ..Told::unfollowed(Some("scoreboard?limit=30".to_owned()), &list)
    };
    Board {
        notices: Vec::new(),
        rows: list.data,
        told,
        competitions: vec![competition()],
        competition: None,
        day: None,
        previous: None,
        next: None,
        now: testkit::time("2024-05-18T12:00:00Z"),
    }
}

fn opinion(probabilities: &[f64]) -> Option<Opinion> {
    Some(Opinion {
        model: "blend_priced".to_owned(),
        probabilities: probabilities.to_vec(),
    })
}

fn row(fixture: FixtureView) -> BoardRow {
    BoardRow {
        fixture,
        prediction: None,
        as_of: None,
        market: None,
        edge: None,
        play: None,
    }
}

/// A game that is heard of, one that is not any more, one at its penalties that is priced as it
/// stands, and one between two quarters.
fn under_way() -> [BoardRow; 4] {
    let mut points = fixture(16, "2024-05-18T10:40:00Z", None);
    (points.has_draw, points.home.sport) = (false, Sport::Basketball);
    [
        BoardRow {
            prediction: opinion(&[0.7, 0.2, 0.1]),
            as_of: Some(testkit::time("2024-05-18T11:59:15Z")),
            market: Some(market(&[0.51, 0.27, 0.22], "2024-05-18T11:10:00Z")),
            play: Some(play(None)),
            ..row(fixture(13, "2024-05-18T11:30:00Z", None))
        },
        BoardRow {
            play: Some(play(Some(Silence {
                since: testkit::time("2024-05-18T11:40:00Z"),
                reason: "nothing was heard of the game for more than 5 min while the clock runs"
                    .to_owned(),
            }))),
            ..row(fixture(14, "2024-05-18T11:00:00Z", None))
        },
        BoardRow {
            prediction: opinion(&[0.0, 1.0, 0.0]),
            as_of: Some(testkit::time("2024-05-18T11:59:15Z")),
            market: Some(market(&[0.02, 0.96, 0.02], "2024-05-18T11:58:00Z")),
            play: Some(PlayView {
                score: Score { home: 1, away: 1 },
                shootout: Some(Score { home: 4, away: 3 }),
                red_cards: [0, 0],
                ..play_in(Phase::Playing, 5)
            }),
            ..row(fixture(15, "2024-05-18T09:20:00Z", None))
        },
        BoardRow {
            play: Some(play_in(Phase::Break, 1)),
            ..row(points)
        },
    ]
}

/// A game in its first half, one to nil, with a man less at home.
fn play(silent: Option<Silence>) -> PlayView {
    let (period, at) = (
        Period::new(1).unwrap(),
        testkit::time("2024-05-18T11:40:00Z"),
    );
    PlayView {
        phase: Phase::Playing,
        score: Score { home: 1, away: 0 },
        shootout: None,
        red_cards: [1, 0],
        clock: Some((GameClock::new(period, 600).unwrap(), at)),
        running: silent.is_none(),
        stoppage: None,
        heard_at: at,
        silent,
        moments: Vec::new(),
        next_goal: None,
    }
}

/// The same in another period.
fn play_in(phase: Phase, period: u8) -> PlayView {
    let play = play(None);
    let (clock, at) = play.clock.expect("it has one");
    let clock = GameClock::new(Period::new(period).unwrap(), clock.seconds()).unwrap();
    PlayView {
        phase,
        clock: Some((clock, at)),
        ..play
    }
}

fn competition() -> CompetitionView {
    CompetitionView {
        competition: Competition {
            key: CompetitionKey::new("E0").unwrap(),
            name: "Premier League".to_owned(),
            sport: Sport::Football,
            country: "GB".to_owned(),
            pool: "england".to_owned(),
            time_zone: "Europe/London".to_owned(),
            single_round: true,
        },
        fixtures: 380,
        finished: 370,
        prices: 9000,
    }
}
