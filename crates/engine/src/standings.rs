//! What results add up to: tables of seasons, form, meetings.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use domain::{
    Competition, CompetitionKey, FixtureStatus, RankedBy, SeasonKey, Standing, Tally, Team, TeamId,
    rank,
};
use store::{Behind, FixtureQuery, Refreshed, SortOrder};

use crate::{Engine, EngineError, FixtureView, Topic, error::chain, follow::CHANGES_KEPT, topic};

/// How long views are left alone after a refresh at least, and how often one looks whether one is
/// due where nothing was heard of.
const REFRESH_PAUSE: Duration = Duration::from_secs(2);
const REFRESH_EVERY: Duration = Duration::from_secs(15 * 60);
/// How often it is looked how far views are behind.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// A refresh may take this share of the time at most.
const REFRESH_SHARE: u32 = 20;

/// How far what answers are read from is behind what was written. Answers are not: what is behind is
/// worked out for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewBehind {
    /// Which: `standings`, `pair_records` or `markets`.
    pub view: &'static str,
    /// Seasons, teams or fixtures that changed after it was made of them.
    pub stale: u64,
    /// How long ago the one changed that was left alone longest; nothing where there is none.
    pub age: Duration,
}

/// The table of a season.
#[derive(Debug, Clone, PartialEq)]
pub struct StandingsView {
    /// The competition.
    pub competition: Competition,
    /// Which season.
    pub season: SeasonKey,
    /// Every season of the competition, by key.
    pub seasons: Vec<SeasonKey>,
    /// What teams are ranked by, each in turn.
    pub ranked_by: &'static [RankedBy],
    /// Number of the change that last touched a fixture of the season.
    pub change: u64,
    /// The teams, the first first; teams level in everything by name.
    pub rows: Vec<(Team, Standing)>,
}

/// The last results of a team.
#[derive(Debug, Clone, PartialEq)]
pub struct FormView {
    /// Which team.
    pub team: Team,
    /// What they add up to.
    pub tally: Tally,
    /// The games, newest first.
    pub games: Vec<FixtureView>,
}

/// What a team did against another.
#[derive(Debug, Clone, PartialEq)]
pub struct MeetingsView {
    /// Both teams; figures are of the first.
    pub teams: [Team; 2],
    /// Games in which the first was at home.
    pub home: Tally,
    /// Games in which it was away.
    pub away: Tally,
    /// Number of the change that last touched a fixture of either.
    pub change: u64,
    /// The last games, newest first.
    pub games: Vec<FixtureView>,
}

impl Engine {
    /// The table of a season of a competition, as of now; of the season under way for `None`.
    pub async fn standings(
        &self,
        key: &CompetitionKey,
        season: Option<&SeasonKey>,
    ) -> Result<StandingsView, EngineError> {
        topic::read(Topic::Names);
        topic::read(Topic::Competition(key.clone()));
        let competition = self.known_competition(key).await?;
        let table = self.store.standings(key, season).await?;
        let table = match (table, season) {
            (Some(table), _) => table,
            (None, Some(season)) => {
                return Err(EngineError::UnknownSeason(key.clone(), season.clone()));
            }
            (None, None) => return Err(EngineError::UnknownCompetition(key.clone())),
        };
        let mut names = self.names();
        if table
            .teams
            .iter()
            .any(|it| !names.teams.contains_key(&it.team))
        {
            names = self.reload_names().await?;
        }
        let team = |id: TeamId| names.teams.get(&id).ok_or(EngineError::UnknownTeam(id));
        let mut records = Vec::with_capacity(table.teams.len());
        for record in table.teams {
            records.push((&team(record.team)?.name, record));
        }
        records.sort_by_key(|(name, _)| *name);
        let records = records.into_iter().map(|(_, it)| it).collect();
        let rows = rank(competition.sport, records).into_iter();
        let rows = rows.map(|it| Ok((team(it.record.team)?.clone(), it)));
        Ok(StandingsView {
            ranked_by: competition.sport.ranked_by(),
            competition,
            season: table.season,
            seasons: table.seasons,
            change: table.change,
            rows: rows.collect::<Result<_, EngineError>>()?,
        })
    }

    /// The last results of a team, at most `limit`, in every competition.
    pub async fn form(&self, id: TeamId, limit: u32) -> Result<FormView, EngineError> {
        let team = self.team(id).await?;
        let games = self.last_games([id, id], limit).await?;
        Ok(FormView {
            team,
            tally: games.iter().filter_map(|it| seen_by(id, it)).sum(),
            games,
        })
    }

    /// What a team did against another: all games in figures, the last ones, at most `limit`, one by
    /// one.
    pub async fn team_meetings(
        &self,
        [team, other]: [TeamId; 2],
        limit: u32,
    ) -> Result<MeetingsView, EngineError> {
        let teams = [self.team(team).await?, self.team(other).await?];
        let record = self.store.pair_record([team, other]).await?;
        Ok(MeetingsView {
            teams,
            home: record.home,
            away: record.away,
            change: record.change,
            games: self.last_games([team, other], limit).await?,
        })
    }

    async fn team(&self, id: TeamId) -> Result<Team, EngineError> {
        topic::read(Topic::Names);
        topic::read(Topic::Team(id));
        self.known_team(id).await
    }

    /// The last games played in which both of these had a part.
    async fn last_games(
        &self,
        [team, other]: [TeamId; 2],
        limit: u32,
    ) -> Result<Vec<FixtureView>, EngineError> {
        let query = FixtureQuery {
            team: Some(team),
            opponent: (team != other).then_some(other),
            status: Some(FixtureStatus::Finished),
            order: SortOrder::Descending,
            limit,
            ..FixtureQuery::default()
        };
        let games = self.store.fixtures(&query).await?;
        self.fixture_views(games).await
    }

    /// Makes what tables are read from new for as long as it is polled: soon after a change, and now
    /// and then in case one was not heard of. Of several servers one does it. Looks how far it is
    /// behind, too, whether or not a refresh comes to an end.
    pub async fn keep_views(&self) {
        tokio::join!(self.refresh_views(), self.watch_views());
    }

    async fn watch_views(&self) {
        loop {
            // Where the store does not say, nothing is told, rather than what was so before.
            let behind = self.store.views_behind().await.unwrap_or_default();
            *self.behind.lock().unwrap_or_else(PoisonError::into_inner) = behind;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// How far views were behind at the last look, one of which each few seconds.
    pub fn views_behind(&self) -> Vec<ViewBehind> {
        let behind = self.behind.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |it: &Behind| ViewBehind {
            view: it.view,
            stale: it.stale,
            age: match it.stale {
                0 => Duration::ZERO,
                // Of a change that is forgotten.
                _ => it.age.unwrap_or(CHANGES_KEPT),
            },
        };
        behind.iter().map(of).collect()
    }

    async fn refresh_views(&self) {
        let mut changed = self.changed();
        let mut failing = false;
        loop {
            let begun = Instant::now();
            let outcome = self.store.refresh_views().await;
            match &outcome {
                Err(error) if !failing => {
                    tracing::warn!(error = chain(error), "views cannot be refreshed");
                }
                Ok(Refreshed::UpTo(change)) => {
                    tracing::debug!(change, took = ?begun.elapsed(), "views refreshed");
                }
                _ => {}
            }
            failing = outcome.is_err();
            let pause = (begun.elapsed() * REFRESH_SHARE).max(REFRESH_PAUSE);
            tokio::time::sleep(pause.min(REFRESH_EVERY)).await;
            let _ = tokio::time::timeout(REFRESH_EVERY, changed.changed()).await;
        }
    }
}

/// A game as one of its teams sees it.
fn seen_by(team: TeamId, game: &FixtureView) -> Option<Tally> {
    let score = game.fixture.score?;
    let tally = Tally::default();
    Some(match game.fixture.home == team {
        true => tally.with_home(score),
        false => tally.with_away(score),
    })
}
