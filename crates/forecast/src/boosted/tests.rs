use std::sync::Arc;

use domain::Game;

use super::*;
use crate::synthetic::League;
use crate::trained::learned;
use crate::{Forecaster, Trained};

fn league() -> League {
    League {
        competitions: 1,
        teams: 14,
        seasons: 7,
        seed: 3,
    }
}

/// Keeps every stage elsewhere, under its number among all stages.
#[derive(Debug)]
struct Elsewhere(Vec<Model>);

impl Scorer for Elsewhere {
    fn score(&self, version: &ModelVersion, row: &[f64]) -> Option<Vec<f64>> {
        score(self.0.get(usize::try_from(version.version).ok()?)?, row)
    }

    fn contributions(&self, version: &ModelVersion, row: &[f64]) -> Option<Vec<f64>> {
        contributions(self.0.get(usize::try_from(version.version).ok()?)?, row)
    }
}

fn keep_elsewhere(trained: &mut Trained) -> Elsewhere {
    let mut models = Vec::new();
    for (_, stage) in trained.boosted_mut() {
        let bytes = stage.to_compact().unwrap();
        stage.keep_as(ModelVersion {
            name: "football-boosted".to_owned(),
            version: models.len() as u64,
            sha256: String::new(),
        });
        models.push(Model::open(Arc::new(bytes)).unwrap());
    }
    Elsewhere(models)
}

fn unplayed(game: &Game) -> Game {
    let mut game = game.clone();
    (game.score, game.closing) = (None, domain::Prices::default());
    game
}

#[test]
fn what_was_walked_is_served_from_here_and_from_elsewhere_and_left_out_where_it_is_gone() {
    let league = league();
    let history = Arc::new(History::new(league.games()));
    let (trained, walked) = learned(&history, &league.competitions());
    let served = |trained: Trained| {
        let competitions = league.competitions();
        Forecaster::new(Arc::clone(&history), competitions, Arc::new(trained))
    };
    let mut moved = trained.clone();
    let elsewhere = keep_elsewhere(&mut moved);
    assert!(elsewhere.0.len() > 3);
    let text = serde_json::to_string(&trained).unwrap();
    let read: Trained = serde_json::from_str(&text).unwrap();
    assert_eq!(read, trained);
    let text = serde_json::to_string(&moved).unwrap();
    let there = served(serde_json::from_str(&text).unwrap()).with_scorer(Arc::new(elsewhere));
    let (here, gone) = (served(read), served(moved));
    let last = &walked[walked.len() - 40..];
    for it in last.iter().step_by(8) {
        let game = unplayed(it.game);
        let ask = |it: &Forecaster| {
            let mut forecast = it.predict(&game, &game.pregame, game.pregame_at()).unwrap();
            let told = it.explain(&game, &game.pregame, game.pregame_at()).unwrap();
            let reasons = told.reasons[forecast.reasons.len()..].to_vec();
            forecast.reasons.clone_from(&told.reasons);
            assert_eq!(forecast, told, "but for reasons the same bits");
            (forecast, reasons)
        };
        let (forecast, reasons) = ask(&here);
        assert_eq!(forecast.opinions, it.opinions);
        assert!(forecast.opinion(ModelName::Boosted).is_some());
        assert_eq!(ask(&there), (forecast.clone(), reasons));
        let (without, reasons) = ask(&gone);
        assert_eq!(without.left_out, [ModelName::Boosted]);
        assert_eq!(reasons, []);
        assert!(without.opinion(ModelName::Boosted).is_none());
        let blend = |it: &crate::Forecast| it.opinion(ModelName::Blend).unwrap().to_vec();
        let (with, without) = (blend(&forecast), blend(&without));
        let far = with.iter().zip(&without).map(|(a, b)| (a - b).abs());
        assert!(far.sum::<f64>() < 0.2, "the blend goes on without it");
    }
}

#[test]
fn what_was_trained_before_there_were_boosted_models_still_serves() {
    let league = league();
    let history = Arc::new(History::new(league.games()));
    let (trained, _) = learned(&history, &league.competitions());
    let mut old = serde_json::to_value(&trained).unwrap();
    for sport in old["sports"].as_object_mut().unwrap().values_mut() {
        sport.as_object_mut().unwrap().remove("boosted").unwrap();
    }
    let old: Trained = serde_json::from_value(old).unwrap();
    assert_eq!(old.boosted().count(), 0);
    let forecaster = Forecaster::new(Arc::clone(&history), league.competitions(), Arc::new(old));
    let game = unplayed(history.games().last().unwrap());
    let forecast = forecaster
        .predict(&game, &game.pregame, game.pregame_at())
        .unwrap();
    assert_eq!(forecast.left_out, []);
    assert!(forecast.opinion(ModelName::Boosted).is_none());
}

#[test]
fn a_stage_says_what_it_was_learned_from() {
    let league = league();
    let history = History::new(league.games());
    let (trained, _) = learned(&history, &league.competitions());
    let (sport, stage) = trained.boosted().last().unwrap();
    let report = stage.report(sport);
    assert_eq!((report.rounds, report.data_digest.len()), (30, 64));
    assert!(report.rows as usize >= FIXTURES_MIN && report.last_kickoff < report.valid_from);
    assert!(report.log_loss < report.log_loss_anchor);
    assert_eq!(report.features.len(), features(sport).len());
    let bytes = stage.to_compact().unwrap();
    let model = Model::open(Arc::new(bytes)).unwrap();
    let names: Vec<&str> = report.features.iter().map(|it| it.name).collect();
    assert_eq!(model.feature_names(), names);
}

#[test]
fn two_outcomes_are_moved_by_one_score_and_a_misfit_moves_nothing() {
    let even = moved(&[0.5, 0.5], &[0.0]).unwrap();
    assert_eq!(even.h2h, [0.5, 0.5]);
    let up = moved(&[0.5, 0.5], &[libm::log(3.0)]).unwrap();
    assert!((up.h2h[0] - 0.75).abs() < 1e-12);
    let three = moved(&[0.5, 0.3, 0.2], &[0.0, 0.0, 0.0]).unwrap();
    assert!(
        three
            .h2h
            .iter()
            .zip([0.5, 0.3, 0.2])
            .all(|(a, b)| (a - b).abs() < 1e-12)
    );
    assert_eq!(moved(&[0.5, 0.5], &[0.0, 0.0]), None);
    assert_eq!(moved(&[0.5, 0.5], &[f64::NAN]), None);
}

#[test]
fn trees_that_are_not_trees_are_refused() {
    for (text, said) in [
        ("\"xy\"", "trees are not in hex"),
        ("\"abc\"", "trees are not in hex"),
        ("\"00\"", "no model"),
    ] {
        let refused = serde_json::from_str::<saved::Compiled>(text).unwrap_err();
        assert!(!refused.to_string().is_empty());
        assert!(
            said == "no model" || refused.to_string().starts_with(said),
            "{refused}"
        );
    }
}
