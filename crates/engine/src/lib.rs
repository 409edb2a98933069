//! What the platform does: import, train, predict, list, write.
//!
//! Knows no HTTP, no SQL and no model runtime; it introduces strangers to each other.

mod alerts;
mod board;
mod boosted;
mod clock;
mod command;
mod cursor;
mod engine;
mod error;
mod events;
mod filter;
mod follow;
mod heard;
mod held;
pub mod import;
mod in_play;
mod keys;
mod knowledge;
mod lists;
mod logs;
mod models;
mod predict;
mod present;
mod standings;
pub mod topic;
mod view;
mod write;

pub use alerts::{
    ALERT_NAME_BYTES_MAX, ALERTS_PER_KEY_MAX, AlertCaller, AlertChange, AlertCommand, AlertFigures,
    AlertStanding, AlertView, AlertWatcher, Courier, FIRINGS_MAX, FiringView, Notice, NoticeAlert,
    NoticeData, NoticeEdge, NoticeFixture, NoticeKind, Parcel,
};
/// What keeps answers: kinds, keys, rules.
pub use cache as caching;
pub use clock::{Clock, FixedClock};
pub use command::{
    BatchOutcome, FixtureCommand, QuoteCommand, ResultCommand, Supposition, TeamRef,
};
pub use engine::{Engine, EngineOptions, Readiness};
pub use error::{BatchProblem, EngineError, chain};
pub use events::{
    EventCommand, EventStanding, EventView, EventsOutcome, SEQUENCE_MAX, TELLINGS_MAX,
};
pub use feed as feeding;
pub use filter::{
    BoardFilter, EdgeFilter, FixtureFilter, Flagged, Newest, PageRequest, TeamFilter,
};
pub use forecast::{
    BacktestOptions, BettingOptions, Difference, Interval, Miss, NextGoal, Phase, Progress, Report,
    ReportRow,
};
pub use heard::{HeardFigures, RecentFigures, SOURCES_MAX, SourceView};
/// The server of models: what it takes, gives and refuses.
pub use inference as serving;
pub use keys::KEY_BELIEVED;
pub use knowledge::KnowledgeAge;
pub use lists::{PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX};
pub use models::{ProgressSink, TrainOutcome};
pub use predict::PredictionRequest;
pub use standings::{FormView, MeetingsView, StandingsView, ViewBehind};
pub use store::{
    AlertRecord, ApiKeyRecord, DeliveryAttempt, DeliveryState, FiringRecord, IdempotencyClaim,
    IdempotencyRecord, MarketSummary, Markets, OutcomeSummary, RequestDigest,
};
pub use topic::Topic;
pub use view::{
    Against, AgainstView, BoardRow, CompetitionView, EdgeFlag, EdgeView, FixtureInsight,
    FixtureView, MarketView, ModelView, MomentView, Opinion, Page, PeriodView, PlayView,
    PredictionView, QuoteView, RatingSeries, ReasonView, Silence, Swing, TimelinePoint,
    TimelineView, WhatIfView,
};
