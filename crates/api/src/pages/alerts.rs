//! Alerts: the rules that watch games, what they fired and how it was told, and a form to make one.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use domain::{AlertCondition, AlertId, AlertScope, Crossing, FixtureId, KickoffPrecision};
use engine::{
    AlertStanding, AlertView, DeliveryAttempt, DeliveryState, EngineError, FiringView, NoticeKind,
};
use jiff::Timestamp;
use serde::Deserialize;

use super::{
    Pages,
    asked::{Asked, misread},
    figures,
    preferences::Preferences,
    shell::Shell,
    text,
};

/// Firings on the page at most.
const FIRINGS_MAX: u32 = 20;

/// What the address can say.
#[derive(Debug, Default, Deserialize)]
pub(super) struct AlertsQuery {
    /// The fixture that a new alert is to watch.
    #[serde(default)]
    fixture: String,
    /// The alert whose firings are listed.
    #[serde(default)]
    of: String,
}

/// A rule, ready to be written.
struct Row {
    id: i64,
    name: String,
    condition: String,
    about: String,
    often: String,
    /// Class of the mark and the word.
    state: (&'static str, &'static str),
    fired: Option<(String, String)>,
    receiver: Option<String>,
    /// Whether it can be resumed.
    is_paused: bool,
}

/// A firing, ready to be written.
struct Firing {
    id: i64,
    name: String,
    /// When, for programs and for people.
    at: (String, String),
    fixture: Option<(i64, String)>,
    what: String,
    /// Class of the mark and the word.
    told: (&'static str, String),
    attempts: Vec<String>,
}

#[derive(Template)]
#[template(path = "alerts.html")]
struct AlertsPage<'a> {
    shell: Shell<'a>,
    rows: Vec<Row>,
    summary: String,
    /// The rule whose firings are listed.
    of: Option<String>,
    firings: Vec<Firing>,
    /// The fixture that a new alert is to watch.
    fixture: Option<(i64, String)>,
    competitions: Vec<(String, String)>,
}

impl AlertsQuery {
    /// What of it is no number.
    fn notices(&self) -> Vec<String> {
        let is_number = |it: &str| it.parse::<i64>().is_ok();
        let (fixture, of) = (is_number(&self.fixture), is_number(&self.of));
        [
            misread(
                &self.fixture,
                fixture,
                "the number of a fixture",
                "any may be watched",
            ),
            misread(
                &self.of,
                of,
                "the number of an alert",
                "all that fired is listed",
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// `GET /alerts`.
pub(super) async fn show(
    State(pages): State<Pages>,
    Asked(query): Asked<AlertsQuery>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let preferences = Preferences::read(&headers);
    let path = uri.path_and_query().map_or("/alerts", |it| it.as_str());
    let mut shell = pages.shell("alerts", "Alerts".to_owned(), path.to_owned(), preferences);
    shell.notices = query.notices();
    match page(&pages, shell, &query).await {
        Ok(page) => pages.respond(&page, StatusCode::OK, &headers),
        Err(error) => pages.failed(&error, &headers),
    }
}

async fn page<'a>(
    pages: &Pages,
    shell: Shell<'a>,
    query: &AlertsQuery,
) -> Result<AlertsPage<'a>, EngineError> {
    let engine = &pages.engine;
    let fixture = match query.fixture.parse() {
        Ok(id) => {
            let view = engine.fixture(FixtureId(id)).await?;
            Some((id, format!("{} – {}", view.home.name, view.away.name)))
        }
        Err(_) => None,
    };
    let of = match query.of.parse() {
        Ok(id) => Some(engine.alert(AlertId(id)).await?),
        Err(_) => None,
    };
    let alerts = engine.alerts().await?;
    let asked = of.as_ref().map(|it| it.record.id);
    let fired = engine.firings(asked, (None, FIRINGS_MAX)).await?;
    let competitions = engine.competitions().await?.into_iter();
    let competitions = competitions.map(|it| {
        let key = it.competition.key.to_string();
        (key, it.competition.name)
    });
    let looking = alerts
        .iter()
        .filter(|it| it.standing == AlertStanding::Active)
        .count();
    let zone = &shell.preferences;
    Ok(AlertsPage {
        summary: format!(
            "{}, {} of them watching.",
            figures::counted(alerts.len(), "alert"),
            text::count(looking as u64)
        ),
        rows: alerts.into_iter().map(|it| Row::new(it, zone)).collect(),
        of: of.map(|it| it.record.name),
        firings: fired.iter().map(|it| Firing::new(it, zone)).collect(),
        fixture,
        competitions: competitions.collect(),
        shell: shell.with_models_style(),
    })
}

/// A moment, for programs and for people.
fn moment(at: Timestamp, preferences: &Preferences) -> (String, String) {
    let words = text::time(at, KickoffPrecision::Minute, &preferences.zone);
    (at.to_string(), words)
}

impl Row {
    fn new(view: AlertView, preferences: &Preferences) -> Self {
        let receiver = view.receiver();
        let record = view.record;
        let is_everywhere = matches!(record.rule.scope(), AlertScope::All);
        Self {
            id: record.id.0,
            condition: condition(record.rule.condition()),
            about: if is_everywhere {
                "every fixture".to_owned()
            } else {
                view.about
            },
            often: match record.rule.quiet_minutes() {
                None => "once for a fixture".to_owned(),
                Some(minutes) => {
                    let span = text::span(i64::from(minutes) * 60);
                    format!("again after {span}")
                }
            },
            state: match view.standing {
                AlertStanding::Active => ("ready", "watching"),
                AlertStanding::Paused => ("idle", "paused"),
                AlertStanding::Gone => ("failed", "receiver gone"),
                AlertStanding::Revoked => ("failed", "key revoked"),
            },
            fired: record.fired_at.map(|it| moment(it, preferences)),
            receiver,
            is_paused: record.pause.is_some(),
            name: record.name,
        }
    }
}

/// What a rule waits for, in words.
fn condition(condition: &AlertCondition) -> String {
    match condition {
        AlertCondition::Probability {
            market,
            outcome,
            level,
            direction,
        } => {
            let way = match direction {
                domain::Direction::Up => "rises to",
                domain::Direction::Down => "falls to",
                domain::Direction::Either => "crosses",
            };
            let level = text::percent(*level);
            format!("{}: {outcome} {way} {level}", text::market(*market))
        }
        AlertCondition::Edge { market, level } => {
            let level = text::percent(*level);
            let of = market.map_or_else(String::new, |it| {
                format!(" in {}", text::words(it.as_str()))
            });
            format!("an edge{of} reaches {level}")
        }
        AlertCondition::Swing {
            market,
            outcome,
            by,
            within_minutes,
        } => {
            let by = text::number(100.0 * by, 1);
            let by = by.strip_suffix(".0").unwrap_or(&by);
            let market = text::market(*market);
            format!(
                "{market}: {outcome} moves by {by} percentage points within {within_minutes} min"
            )
        }
    }
}

impl Firing {
    fn new(view: &FiringView, preferences: &Preferences) -> Self {
        let data = &view.notice.data;
        let fixture = data.fixture.as_ref();
        Self {
            id: view.record.id,
            name: data.alert.name.clone(),
            at: moment(view.record.at, preferences),
            fixture: fixture.map(|it| (it.id.0, format!("{} – {}", it.home, it.away))),
            what: what(view),
            told: told(view.record.delivery),
            attempts: view.record.attempts.iter().map(attempt).collect(),
        }
    }
}

/// What fired, with its numbers, in words.
fn what(view: &FiringView) -> String {
    let data = &view.notice.data;
    if view.notice.kind == NoticeKind::Test {
        return "a test".to_owned();
    }
    let way = match data.direction {
        Some(Crossing::Down) => "down",
        _ => "up",
    };
    let shown = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), text::percent);
    let numbers = format!("{way} from {} to {}", shown(data.before), shown(data.after));
    let of = match (data.market, data.outcome) {
        (Some(market), Some(outcome)) => {
            format!("{}, {}: ", text::market(market), text::outcome(outcome))
        }
        _ => String::new(),
    };
    match &data.edge {
        Some(edge) => format!("{of}edge {numbers} at {}", edge.bookmaker),
        None => format!("{of}{numbers}"),
    }
}

fn told(delivery: Option<DeliveryState>) -> (&'static str, String) {
    match delivery {
        None => ("idle", "here only".to_owned()),
        Some(DeliveryState::Due(_)) => ("busy", "being delivered".to_owned()),
        Some(DeliveryState::Delivered) => ("ready", "delivered".to_owned()),
        Some(DeliveryState::GivenUp) => ("failed", "given up".to_owned()),
        Some(DeliveryState::Gone) => ("failed", "receiver gone".to_owned()),
    }
}

/// How an attempt went, in words.
fn attempt(attempt: &DeliveryAttempt) -> String {
    let outcome = match (&attempt.fault, attempt.status) {
        (Some(fault), _) => fault.clone(),
        (None, Some(status)) => format!("answered {status}"),
        (None, None) => "under way".to_owned(),
    };
    let took = attempt.took.as_millis();
    format!("Attempt {}: {outcome}, {took} ms", attempt.attempt)
}
