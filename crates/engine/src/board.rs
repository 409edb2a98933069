//! The board and the edges: many fixtures looked at together.

use domain::{CompetitionKey, Fixture, FixtureStatus};
use forecast::Forecast;
use jiff::{SignedDuration, Timestamp};
use store::{FixtureQuery, GameQuery, SortOrder};

use crate::{
    BoardFilter, BoardRow, EdgeFilter, EdgeView, Engine, EngineError, FixtureView, Flagged,
    Opinion, Page, PageRequest, cursor,
    lists::{PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX},
    predict::{Glance, Sight, before, edge_views, market_view, model_of},
    topic,
};

/// Why moments can be moved by the spans here.
const SPAN: &str = "a fixed span never overflows";
/// How long before the last game played a board without games to come begins.
const LAST_ROUND_SPAN: SignedDuration = SignedDuration::from_hours(72);
/// How long after kickoff a game without a result is still among what comes next: under way.
const UNDER_WAY_SPAN: SignedDuration = SignedDuration::from_hours(4);
/// How far ahead edges are looked for.
const EDGES_SPAN: SignedDuration = SignedDuration::from_hours(24 * 14);
/// The most fixtures with prices whose edges are looked at together.
const EDGE_FIXTURES_MAX: u32 = 1_000;

impl Engine {
    /// The board: fixtures in order of kickoff, each with prediction, market and best edge.
    pub async fn board(&self, filter: &BoardFilter) -> Result<Vec<BoardRow>, EngineError> {
        let limit = match filter.limit {
            0 => PAGE_LIMIT_DEFAULT,
            limit => limit.min(PAGE_LIMIT_MAX),
        };
        let window = self
            .window(
                &filter.competitions,
                (filter.from, filter.until),
                UNDER_WAY_SPAN,
            )
            .await?;
        let query = FixtureQuery {
            limit,
            ..within(&filter.competitions, window)
        };
        let seen = self.look_around(&query).await?;
        Ok(seen.into_iter().map(Seen::into_row).collect())
    }

    /// Edges, largest expected value first.
    pub async fn edges(
        &self,
        filter: &EdgeFilter,
        page: &PageRequest,
    ) -> Result<Page<EdgeView>, EngineError> {
        let start = page
            .cursor
            .as_deref()
            .map(|it| cursor::decode::<1>(filter, it))
            .transpose()?;
        let start = start.map_or(0, |[at]| usize::try_from(at).unwrap_or(0));
        let window = (filter.from, filter.until);
        let (from, until) = self
            .window(&filter.competitions, window, SignedDuration::ZERO)
            .await?;
        let bound = from.saturating_add(EDGES_SPAN).expect(SPAN);
        let query = FixtureQuery {
            priced: true,
            limit: EDGE_FIXTURES_MAX,
            ..within(&filter.competitions, (from, until.or(Some(bound))))
        };
        let seen = self.look_around(&query).await?;
        let edges = seen.into_iter().flat_map(|it| it.edges);
        let mut edges: Vec<EdgeView> = edges.filter(|it| matches(filter, it)).collect();
        edges.sort_by(|a, b| b.expected_value.total_cmp(&a.expected_value));
        let end = start.saturating_add(page.limit() as usize);
        let more = end < edges.len();
        let data: Vec<EdgeView> = edges
            .into_iter()
            .skip(start)
            .take(page.limit() as usize)
            .collect();
        let next_cursor =
            more.then(|| cursor::encode(filter, &[i64::try_from(end).unwrap_or(i64::MAX)]));
        Ok(Page { data, next_cursor })
    }

    /// The window asked for. Where it has no beginning, it begins with what kicked off at most `back`
    /// ago and has no result or comes next, or with the last round played; where it ends before that,
    /// as long before its end as a round takes.
    async fn window(
        &self,
        competitions: &[CompetitionKey],
        (from, until): (Option<Timestamp>, Option<Timestamp>),
        back: SignedDuration,
    ) -> Result<(Timestamp, Option<Timestamp>), EngineError> {
        if let Some(from) = from {
            return Ok((from, until));
        }
        let (start, end) = self.what_comes(competitions, back).await?;
        Ok(match until {
            Some(until) if until <= start => (
                until.saturating_sub(LAST_ROUND_SPAN).expect(SPAN),
                Some(until),
            ),
            until => (start, until.or(end)),
        })
    }

    /// What comes next, or the last round played.
    async fn what_comes(
        &self,
        competitions: &[CompetitionKey],
        back: SignedDuration,
    ) -> Result<(Timestamp, Option<Timestamp>), EngineError> {
        let now = self.now();
        topic::read_competitions(competitions);
        let next = FixtureQuery {
            competitions: competitions.to_vec(),
            status: Some(FixtureStatus::Scheduled),
            from: Some(now.saturating_sub(back).expect(SPAN)),
            limit: 1,
            ..FixtureQuery::default()
        };
        if let Some(next) = self.store.fixtures(&next).await?.first() {
            // Then the window begins with another one.
            topic::holds_until(next.kickoff.saturating_add(back).expect(SPAN));
            return Ok((next.kickoff.min(now), None));
        }
        let last = FixtureQuery {
            status: None,
            from: None,
            until: Some(now),
            order: SortOrder::Descending,
            ..next
        };
        let last = self.store.fixtures(&last).await?;
        let kickoff = last.first().map_or(now, |it| it.kickoff);
        let from = kickoff.saturating_sub(LAST_ROUND_SPAN).expect(SPAN);
        Ok((from, Some(now)))
    }

    async fn look_around(&self, query: &FixtureQuery) -> Result<Vec<Seen>, EngineError> {
        topic::read_competitions(&query.competitions);
        let fixtures: Vec<Fixture> = self.store.fixtures(query).await?;
        self.see_all(fixtures).await
    }

    /// Looks at fixtures together, as of the present.
    pub(crate) async fn see_all(&self, fixtures: Vec<Fixture>) -> Result<Vec<Seen>, EngineError> {
        let ids: Vec<_> = fixtures.iter().map(|it| it.id).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        // Before the rest is read, so that the rest is at least as new.
        let knowledge = self.knowledge().await?;
        let games = self
            .store
            .games(&GameQuery {
                ids,
                ..GameQuery::default()
            })
            .await?;
        let mut games: std::collections::HashMap<_, _> =
            games.into_iter().map(|it| (it.fixture, it)).collect();
        let mut glances = Vec::with_capacity(games.len());
        let mut views = Vec::with_capacity(fixtures.len());
        let mut found = Vec::with_capacity(fixtures.len());
        for view in self.fixture_views(fixtures).await? {
            if let Some(game) = games.remove(&view.fixture.id) {
                views.push(view);
                found.push((game, None));
            }
        }
        for (view, gathered) in views.into_iter().zip(self.gather(found).await?) {
            glances.push((view, self.glance(gathered, knowledge.revision())?));
        }
        for (_, glance) in &glances {
            self.note_forecast(&knowledge, glance);
        }
        let betting = self.options.betting;
        self.forecasting(move || {
            let see = |(fixture, glance): (FixtureView, Glance)| {
                let sight = glance.see(knowledge.serving());
                Seen {
                    edges: edge_views(&sight, &fixture, &betting),
                    fixture,
                    sight,
                }
            };
            glances.into_iter().map(see).collect()
        })
        .await
    }
}

fn within(
    competitions: &[CompetitionKey],
    (from, until): (Timestamp, Option<Timestamp>),
) -> FixtureQuery {
    FixtureQuery {
        competitions: competitions.to_vec(),
        from: Some(from),
        until,
        ..FixtureQuery::default()
    }
}

/// A fixture looked at among others.
pub(crate) struct Seen {
    pub(crate) fixture: FixtureView,
    pub(crate) sight: Sight,
    /// Every edge, the largest first.
    pub(crate) edges: Vec<EdgeView>,
}

impl Seen {
    fn into_row(self) -> BoardRow {
        let Self {
            fixture,
            sight,
            edges,
        } = self;
        let is_over = fixture.fixture.score.is_some();
        let opinion = |forecast: &Forecast| match before(forecast) {
            // Once it is over, what counts is what was said before it.
            Some(before) if forecast.in_play && is_over => before,
            _ => Opinion {
                model: model_of(forecast).to_owned(),
                probabilities: forecast.h2h(),
            },
        };
        let prediction = sight.forecast.as_ref().ok().map(|it| opinion(&it.1));
        let as_of = match is_over {
            true => sight.as_of.min(fixture.fixture.kickoff),
            false => sight.as_of,
        };
        BoardRow {
            as_of: prediction.is_some().then_some(as_of),
            market: market_view(&sight, fixture.has_draw),
            edge: edges
                .into_iter()
                .find(|it| it.flags.is_empty() && it.expected_value > 0.0),
            fixture,
            prediction,
            play: sight.play,
        }
    }
}

fn matches(filter: &EdgeFilter, edge: &EdgeView) -> bool {
    edge.expected_value >= filter.min_edge.unwrap_or(0.0)
        && filter
            .bookmaker
            .as_ref()
            .is_none_or(|it| *it == edge.bookmaker)
        && (filter.flagged == Flagged::Shown || edge.flags.is_empty())
}
