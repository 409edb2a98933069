//! Lists: competitions, teams, fixtures, quotes.

use std::sync::Arc;

use domain::{CompetitionKey, Fixture, FixtureId, Team, TeamId};
use jiff::Timestamp;
use store::{FixtureQuery, Markets, SortOrder, StoreError, TeamQuery};

use crate::{
    CompetitionView, Engine, EngineError, FixtureFilter, FixtureView, Newest, Page, PageRequest,
    QuoteView, TeamFilter, Topic, cursor, engine::Names, topic,
};

/// Entries of a page where the caller does not say.
pub const PAGE_LIMIT_DEFAULT: u32 = 50;
/// The most entries of a page.
pub const PAGE_LIMIT_MAX: u32 = 200;

impl PageRequest {
    pub(crate) fn limit(&self) -> u32 {
        match self.limit {
            0 => PAGE_LIMIT_DEFAULT,
            limit => limit.min(PAGE_LIMIT_MAX),
        }
    }
}

impl Engine {
    /// Every competition with its counts, in order of key.
    pub async fn competitions(&self) -> Result<Vec<CompetitionView>, EngineError> {
        topic::read(Topic::Names);
        topic::read(Topic::Fixtures);
        let counts = self.store.counts().await?;
        let of = |key: &CompetitionKey| {
            counts
                .iter()
                .find(|(it, _)| it == key)
                .map_or([0; 3], |(_, counts)| *counts)
        };
        let competitions = self.store.competitions().await?;
        Ok(competitions
            .into_iter()
            .map(|competition| {
                let [fixtures, finished, prices] = of(&competition.key);
                CompetitionView {
                    competition,
                    fixtures,
                    finished,
                    prices,
                }
            })
            .collect())
    }

    /// Teams that match, in order of id.
    pub async fn teams(
        &self,
        filter: &TeamFilter,
        page: &PageRequest,
    ) -> Result<Page<Team>, EngineError> {
        topic::read(Topic::Names);
        if let Some(competition) = &filter.competition {
            topic::read(Topic::Competition(competition.clone()));
        }
        let after = page
            .cursor
            .as_deref()
            .map(|it| cursor::decode::<1>(filter, it))
            .transpose()?;
        let limit = page.limit();
        let query = TeamQuery {
            ids: Vec::new(),
            sport: filter.sport,
            competition: filter.competition.clone(),
            search: filter.search.clone(),
            after: after.map(|[id]| TeamId(id)),
            limit: limit + 1,
        };
        let teams = self.store.teams(&query).await?;
        Ok(cut_page(teams, limit, |last| {
            cursor::encode(filter, &[last.id.0])
        }))
    }

    /// Fixtures that match, in order of kickoff.
    pub async fn fixtures(
        &self,
        filter: &FixtureFilter,
        page: &PageRequest,
    ) -> Result<Page<FixtureView>, EngineError> {
        topic::read_competitions(&filter.competitions);
        let after = page.cursor.as_deref();
        let after = after.map(|it| position(filter, it)).transpose()?;
        let limit = page.limit();
        let query = FixtureQuery {
            competitions: filter.competitions.clone(),
            season: filter.season.clone(),
            team: filter.team,
            status: filter.status,
            from: filter.from,
            until: filter.until,
            after,
            order: match filter.newest_first {
                Newest::First => SortOrder::Descending,
                Newest::Last => SortOrder::Ascending,
            },
            limit: limit + 1,
            ..FixtureQuery::default()
        };
        let fixtures = self.store.fixtures(&query).await?;
        let page = cut_page(fixtures, limit, |last| {
            cursor::encode(filter, &[last.kickoff.as_microsecond(), last.id.0])
        });
        let next_cursor = page.next_cursor;
        Ok(Page {
            data: self.fixture_views(page.data).await?,
            next_cursor,
        })
    }

    /// One fixture.
    pub async fn fixture(&self, id: FixtureId) -> Result<FixtureView, EngineError> {
        topic::read(Topic::Fixture(id));
        let fixture = self
            .store
            .fixture(id)
            .await?
            .ok_or(EngineError::UnknownFixture(id))?;
        let mut views = self.fixture_views(vec![fixture]).await?;
        Ok(views.remove(0))
    }

    /// Every quote of a fixture, oldest first, superseded ones included.
    pub async fn quotes(&self, id: FixtureId) -> Result<Vec<QuoteView>, EngineError> {
        let fixture = self.fixture(id).await?;
        let quotes = self.store.quotes(id).await?;
        Ok(quotes
            .into_iter()
            .map(|it| {
                let outcomes = it.quote.market.outcomes(fixture.has_draw);
                let prices = outcomes.iter().copied().zip(it.quote.prices);
                QuoteView {
                    bookmaker: it.quote.bookmaker,
                    market: it.quote.market,
                    stage: it.quote.stage,
                    taken_at: it.quote.taken_at,
                    recorded_at: it.recorded_at,
                    prices: prices.filter_map(|(o, price)| Some((o, price?))).collect(),
                    source: it.source,
                    superseded: it.superseded_at.is_some(),
                }
            })
            .collect())
    }

    /// What the prices of a fixture come to, market by market.
    pub async fn markets(&self, id: FixtureId) -> Result<Markets, EngineError> {
        topic::read(Topic::Fixture(id));
        let markets = self.store.markets(id).await?;
        markets.ok_or(EngineError::UnknownFixture(id))
    }

    /// Puts names to fixtures, reading new names where one is missing.
    pub(crate) async fn fixture_views(
        &self,
        fixtures: Vec<Fixture>,
    ) -> Result<Vec<FixtureView>, EngineError> {
        topic::read(Topic::Names);
        let mut names = self.names();
        if fixtures.iter().any(|it| !names.knows(it)) {
            names = self.reload_names().await?;
        }
        fixtures.into_iter().map(|it| view(&names, it)).collect()
    }
}

impl Names {
    fn knows(&self, fixture: &Fixture) -> bool {
        self.competitions.contains_key(&fixture.competition)
            && self.teams.contains_key(&fixture.home)
            && self.teams.contains_key(&fixture.away)
    }
}

fn view(names: &Arc<Names>, fixture: Fixture) -> Result<FixtureView, EngineError> {
    let team = |id: TeamId| {
        let missing = || StoreError::Unknown {
            what: "team",
            key: id.to_string(),
        };
        names.teams.get(&id).cloned().ok_or_else(missing)
    };
    let missing = || StoreError::Unknown {
        what: "competition",
        key: fixture.competition.to_string(),
    };
    let competition = names
        .competitions
        .get(&fixture.competition)
        .ok_or_else(missing)?;
    Ok(FixtureView {
        competition_name: competition.name.clone(),
        has_draw: competition.sport.has_draw(),
        home: team(fixture.home)?,
        away: team(fixture.away)?,
        fixture,
    })
}

/// Reads a cursor of (kickoff, id).
fn position(filter: &FixtureFilter, text: &str) -> Result<(Timestamp, FixtureId), EngineError> {
    let [micros, id] = cursor::decode::<2>(filter, text)?;
    let bad = |_| EngineError::BadCursor(text.to_owned());
    Ok((
        Timestamp::from_microsecond(micros).map_err(bad)?,
        FixtureId(id),
    ))
}

/// Drops the entry that was read only to see whether there is another page.
fn cut_page<T>(mut data: Vec<T>, limit: u32, cursor: impl Fn(&T) -> String) -> Page<T> {
    let limit = limit as usize;
    let next_cursor = (data.len() > limit).then(|| cursor(&data[limit - 1]));
    data.truncate(limit);
    Page { data, next_cursor }
}
