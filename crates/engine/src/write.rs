//! Writes from outside: fixtures, results and quotes in batches, all of a batch or nothing.

mod teams;

use std::collections::HashMap;

use domain::{
    Competition, CompetitionKey, Fixture, FixtureId, FixtureStatus, Market, Price, Quote,
    QuoteStage, SourceKey,
};
use jiff::Timestamp;
use store::{
    FixtureQuery, FixtureRecord, IdempotencyClaim, IdempotencyRecord, KnownRecord, Recorded,
    Recording, ResultRecord,
};

use self::teams::Teams;
use crate::engine::Names;
use crate::follow::Changed;
use crate::import::{is_plain, parse_season};
use crate::{
    BatchOutcome, BatchProblem, Engine, EngineError, FixtureCommand, QuoteCommand, ResultCommand,
    TeamRef,
};

impl Engine {
    /// Adds or changes fixtures. A competition that comes with the program is made known by its first
    /// fixture, as by an import.
    pub async fn put_fixtures(
        &self,
        commands: Vec<FixtureCommand>,
    ) -> Result<BatchOutcome, EngineError> {
        let names = self.reload_names().await?;
        let shipped = teams::shipped_competitions(&commands, &names.competitions);
        let named = commands.iter().filter_map(|it| it.fixture);
        let known = self.known_fixtures(named).await?;
        let problems = fixture_problems(&commands, (&names, &shipped), &known, self.now());
        refuse_if_any(problems)?;
        let played = commands.iter().map(|it| {
            let competition = competition(&it.competition, (&names, &shipped));
            competition.expect("a competition that is not known was refused")
        });
        let played: Vec<&Competition> = played.collect();
        let store = self.store.writing();
        let mut teams = Teams::read(store, &played).await?;
        refuse_if_any(pairing_problems(&commands, &played, (&teams, &known)))?;
        if !shipped.is_empty() {
            self.store.put_competitions(&shipped).await?;
        }
        let teams_added = teams.add(&*self.store, &commands, &played).await?;
        let mut records = Vec::with_capacity(commands.len());
        for (command, competition) in commands.iter().zip(&played) {
            let team = |it| {
                teams
                    .side(it, competition)
                    .expect("every name has a team by now")
            };
            let (home, away) = (team(&command.home), team(&command.away));
            let season = parse_season(command.season.as_str());
            records.push(FixtureRecord {
                id: command.fixture,
                competition: command.competition.clone(),
                season: season.expect("a season that is none was refused"),
                season_type: command.season_type,
                kickoff: command.kickoff,
                kickoff_precision: domain::KickoffPrecision::Minute,
                home,
                away,
                neutral: command.neutral,
                status: command.status,
                result: None,
                quotes: Vec::new(),
            });
        }
        Ok(BatchOutcome {
            teams_added,
            ..self.record(&records).await?
        })
    }

    /// Writes results of known fixtures.
    pub async fn put_results(
        &self,
        commands: Vec<ResultCommand>,
    ) -> Result<BatchOutcome, EngineError> {
        let fixtures = self
            .known_fixtures(commands.iter().map(|it| it.fixture))
            .await?;
        let mut problems = Vec::new();
        for (index, command) in commands.iter().enumerate() {
            match fixtures.get(&command.fixture) {
                None => problems.push(unknown_fixture(index, command.fixture)),
                Some(fixture) if fixture.kickoff > self.now() => {
                    let detail = format!("fixture {} has not kicked off", fixture.id);
                    problems.push(problem(index, "fixture_id", detail));
                }
                Some(_) => {}
            }
        }
        refuse_if_any(problems)?;
        let records: Vec<KnownRecord> = commands
            .iter()
            .map(|command| KnownRecord {
                fixture: command.fixture,
                result: Some(ResultRecord {
                    score: command.score,
                    stats: command.stats,
                }),
                quotes: Vec::new(),
            })
            .collect();
        self.record_known(&api(), &records, &fixtures).await
    }

    /// Appends quotes that `source` tells to known fixtures.
    pub async fn put_quotes(
        &self,
        source: &SourceKey,
        commands: Vec<QuoteCommand>,
    ) -> Result<BatchOutcome, EngineError> {
        let fixtures = self
            .known_fixtures(commands.iter().map(|it| it.fixture))
            .await?;
        let names = self.names();
        let mut problems = Vec::new();
        let mut records = Vec::with_capacity(commands.len());
        for (index, command) in commands.iter().enumerate() {
            let Some(fixture) = fixtures.get(&command.fixture) else {
                problems.push(unknown_fixture(index, command.fixture));
                continue;
            };
            let has_draw = match names.competitions.get(&fixture.competition) {
                Some(competition) => competition.sport.has_draw(),
                None => self.fixture(fixture.id).await?.has_draw,
            };
            let taken_at = command.taken_at.unwrap_or_else(|| self.now());
            match quote_prices(command, has_draw) {
                _ if taken_at > self.now() => {
                    let detail = "the price is from the future".to_owned();
                    problems.push(problem(index, "taken_at", detail));
                }
                Err((field, detail)) => problems.push(problem(index, &field, detail)),
                Ok(prices) => records.push(KnownRecord {
                    fixture: fixture.id,
                    result: None,
                    quotes: vec![Quote {
                        bookmaker: command.bookmaker.clone(),
                        market: command.market,
                        stage: command.stage,
                        taken_at,
                        prices,
                    }],
                }),
            }
        }
        refuse_if_any(problems)?;
        let outcome = self.record_known(source, &records, &fixtures).await?;
        self.heard.note_quotes(source, records.len(), self.now());
        Ok(outcome)
    }

    /// Claims an idempotency key, or says what became of the first request.
    pub async fn claim_idempotency(
        &self,
        record: &IdempotencyRecord,
    ) -> Result<IdempotencyClaim, EngineError> {
        Ok(self.store.claim_idempotency(record).await?)
    }

    /// Stores the answer of a claimed request, or (`None`) gives the claim up.
    pub async fn finish_idempotency(
        &self,
        record: &IdempotencyRecord,
        answer: Option<(u16, Vec<u8>)>,
    ) -> Result<(), EngineError> {
        Ok(self.store.finish_idempotency(record, answer).await?)
    }

    pub(crate) async fn known_fixtures(
        &self,
        ids: impl Iterator<Item = FixtureId>,
    ) -> Result<HashMap<FixtureId, Fixture>, EngineError> {
        let mut ids: Vec<FixtureId> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let limit = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        let query = FixtureQuery {
            ids,
            limit,
            ..FixtureQuery::default()
        };
        let fixtures = self.store.writing().fixtures(&query).await?;
        Ok(fixtures.into_iter().map(|it| (it.id, it)).collect())
    }

    async fn record(&self, records: &[FixtureRecord]) -> Result<BatchOutcome, EngineError> {
        let done = self.store.record(&self.recording(&api()), records).await?;
        let changed = records.iter().zip(&done.fixtures);
        let changed = changed.map(|(record, id)| Changed {
            id: *id,
            teams: [record.home, record.away],
            competition: &record.competition,
            history: true,
        });
        self.forget_records(changed, &done).await;
        Ok(outcome(done))
    }

    /// Writes results and quotes of fixtures, which were read before.
    async fn record_known(
        &self,
        source: &SourceKey,
        records: &[KnownRecord],
        fixtures: &HashMap<FixtureId, Fixture>,
    ) -> Result<BatchOutcome, EngineError> {
        let recording = self.recording(source);
        let done = self.store.record_known(&recording, records).await?;
        let changed = records.iter().map(|record| {
            let fixture = &fixtures[&record.fixture];
            Changed {
                id: fixture.id,
                teams: [fixture.home, fixture.away],
                competition: &fixture.competition,
                // Models are fitted on games that have been played, and on their prices.
                history: record.result.is_some() || fixture.kickoff <= self.now(),
            }
        });
        self.forget_records(changed, &done).await;
        Ok(outcome(done))
    }

    fn recording(&self, source: &SourceKey) -> Recording {
        Recording {
            source: source.clone(),
            import: None,
            at: self.now(),
        }
    }
}

fn api() -> SourceKey {
    SourceKey::new("api").expect("the text is a key")
}

fn outcome(done: Recorded) -> BatchOutcome {
    BatchOutcome {
        fixtures: done.fixtures,
        fixtures_added: done.fixtures_added,
        fixtures_changed: done.fixtures_changed,
        prices_written: done.prices_added + done.prices_changed,
        teams_added: Vec::new(),
    }
}

type FieldProblem = (String, String);

/// Puts a command's prices in the order of the market's outcomes.
fn quote_prices(
    command: &QuoteCommand,
    has_draw: bool,
) -> Result<[Option<Price>; 3], FieldProblem> {
    let outcomes = Market::outcomes(command.market, has_draw);
    let mut prices = [None; 3];
    let fault = |detail: &str| Err(("outcomes".to_owned(), detail.to_owned()));
    match (
        command.stage == QuoteStage::Suspended,
        command.prices.is_empty(),
    ) {
        (true, true) => return Ok(prices),
        (true, false) => return fault("a market that is suspended has no prices"),
        (false, true) => {
            return fault("no price is given; where no bets are taken the stage is `suspended`");
        }
        (false, false) => {}
    }
    for (index, (outcome, decimal)) in command.prices.iter().enumerate() {
        let of_entry = |member: &str| format!("outcomes/{index}/{member}");
        let Some(at) = outcomes.iter().position(|it| it == outcome) else {
            let detail = format!("{outcome} is not an outcome of this market");
            return Err((of_entry("outcome"), detail));
        };
        let price = Price::new(*decimal);
        let price = price.map_err(|error| (of_entry("price"), error.to_string()))?;
        if prices[at].replace(price).is_some() {
            return Err((of_entry("outcome"), format!("{outcome} is priced twice")));
        }
    }
    Ok(prices)
}

pub(crate) fn problem(index: usize, field: &str, detail: String) -> BatchProblem {
    BatchProblem {
        index,
        field: field.to_owned(),
        detail,
    }
}

/// Which of these fixtures are between teams that cannot meet there.
fn pairing_problems(
    commands: &[FixtureCommand],
    played: &[&Competition],
    (teams, known): (&Teams, &HashMap<FixtureId, Fixture>),
) -> Vec<BatchProblem> {
    let mut problems = Vec::new();
    for (index, (command, competition)) in commands.iter().zip(played).enumerate() {
        let [home, away] = [&command.home, &command.away].map(|it| teams.side(it, competition));
        if home == away {
            let detail = "both names belong to the same team".to_owned();
            problems.push(problem(index, "away", detail));
        }
        let is_of_others =
            |it: &FixtureId| (Ok(known[it].home), Ok(known[it].away)) != (home, away);
        if let Some(id) = command.fixture.filter(is_of_others) {
            let detail = format!("fixture {id} is a game of other teams");
            problems.push(problem(index, "fixture_id", detail));
        }
    }
    problems
}

/// A competition that is there, or comes with the program.
fn competition<'a>(
    key: &CompetitionKey,
    (names, shipped): (&'a Names, &'a [Competition]),
) -> Option<&'a Competition> {
    let shipped = || shipped.iter().find(|it| it.key == *key);
    names.competitions.get(key).or_else(shipped)
}

/// What of these fixtures cannot be written, before teams are looked up by their names.
fn fixture_problems(
    commands: &[FixtureCommand],
    (names, shipped): (&Names, &[Competition]),
    known: &HashMap<FixtureId, Fixture>,
    now: Timestamp,
) -> Vec<BatchProblem> {
    let mut problems = Vec::new();
    for (index, command) in commands.iter().enumerate() {
        if let Some(id) = command.fixture.filter(|it| !known.contains_key(it)) {
            problems.push(unknown_fixture(index, id));
        }
        let fixture = command.fixture.and_then(|it| known.get(&it));
        let has_result = fixture.is_some_and(|it| it.score.is_some());
        if has_result && command.kickoff > now {
            let detail = "the fixture has a result, so that it cannot be still to come".to_owned();
            problems.push(problem(index, "kickoff", detail));
        }
        if command.status == Some(FixtureStatus::Finished) && !has_result {
            let detail = "a fixture is finished by its result, which is written as such".to_owned();
            problems.push(problem(index, "status", detail));
        }
        if competition(&command.competition, (names, shipped)).is_none() {
            let detail = format!("competition {} is not known", command.competition);
            problems.push(problem(index, "competition", detail));
        }
        if parse_season(command.season.as_str()).is_none() {
            let detail = format!("{:?} is not a season", command.season.as_str());
            problems.push(problem(index, "season", detail));
        }
        for (field, side) in [("home", &command.home), ("away", &command.away)] {
            match side {
                TeamRef::Id(id) if !names.teams.contains_key(id) => {
                    problems.push(problem(index, field, format!("team {id} is not known")));
                }
                TeamRef::Name(name) => {
                    let wrong = name_problem(name);
                    problems.extend(wrong.map(|it| problem(index, field, it)));
                }
                TeamRef::Id(_) => {}
            }
        }
        if command.home == command.away {
            problems.push(problem(
                index,
                "away",
                "a team cannot play itself".to_owned(),
            ));
        }
    }
    problems
}

/// What is wrong with a team's name.
fn name_problem(name: &str) -> Option<String> {
    if name.trim().is_empty() || name.len() > 128 || !is_plain(name) {
        return Some("a team's name has 1 to 128 bytes, and nothing that is not seen".to_owned());
    }
    let is_number = name.bytes().all(|it| it.is_ascii_digit());
    is_number.then(|| format!("{name:?} is no name; a team's number is written without quotes"))
}

pub(crate) fn unknown_fixture(index: usize, id: FixtureId) -> BatchProblem {
    problem(index, "fixture_id", format!("fixture {id} is not known"))
}

pub(crate) fn refuse_if_any(problems: Vec<BatchProblem>) -> Result<(), EngineError> {
    if problems.is_empty() {
        Ok(())
    } else {
        Err(EngineError::BadBatch(problems))
    }
}
