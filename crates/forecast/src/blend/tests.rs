use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::random::Random;

/// Two forecasters who each see half of what decides, and one who sees it all a little blurred.
fn opinions_and_outcomes(n: usize) -> Vec<(Vec<Opinion>, usize)> {
    let mut random = Random::new(3);
    (0..n)
        .map(|_| {
            let halves = [random.unit() - 0.5, random.unit() - 0.5];
            let view = |x: f64| softmax(&[0.3 + 2.0 * x, 0.0, -2.0 * x]);
            let truth = view(halves[0] + halves[1]);
            let mut left = random.unit();
            let outcome = truth.iter().position(|p| {
                left -= p;
                left < 0.0
            });
            let opinion = |model, x| Opinion {
                model,
                h2h: view(x),
            };
            let opinions = vec![
                opinion(ModelName::Elo, halves[0]),
                opinion(ModelName::DixonColes, halves[1]),
                opinion(ModelName::MarketImplied, halves[0] + 0.9 * halves[1]),
                opinion(ModelName::MarketEarly, halves[0] + halves[1]),
            ];
            (opinions, outcome.unwrap_or(2))
        })
        .collect()
}

fn at(day: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day)
}

fn stage(rows: &[(Vec<Opinion>, usize)], day: i64) -> BlendStage {
    let observations: Vec<Observation<'_>> = rows
        .iter()
        .zip(0..)
        .map(|((opinions, outcome), day)| Observation {
            opinions,
            outcome: *outcome,
            known_at: at(day),
        })
        .collect();
    fit_stage(&observations, at(day))
}

fn recipe(stage: &BlendStage, blend: ModelName) -> &Recipe {
    stage.recipes.iter().find(|it| it.blend == blend).unwrap()
}

#[test]
fn two_halves_are_blended_into_more_than_either() {
    let rows = opinions_and_outcomes(2000);
    let stage = stage(&rows, 2000);
    let recipe = recipe(&stage, ModelName::BlendResults);
    assert_eq!((recipe.n, recipe.parts.len()), (2000, 2));
    assert!(recipe.log_loss < recipe.log_loss_best - 0.02, "{recipe:?}");
    assert!(recipe.weights.iter().all(|it| *it > 0.3), "{recipe:?}");
}

#[test]
fn no_blend_is_worse_than_its_best_part_on_the_fixtures_it_was_fitted_on() {
    for seed in [300, 500, 1000] {
        let stage = stage(&opinions_and_outcomes(seed), 2000);
        assert_eq!(stage.recipes.len(), 3);
        assert!(
            stage
                .recipes
                .iter()
                .all(|it| it.log_loss <= it.log_loss_best)
        );
    }
}

#[test]
fn a_part_that_already_knows_everything_is_left_alone() {
    let stage = stage(&opinions_and_outcomes(2000), 2000);
    let recipe = recipe(&stage, ModelName::BlendPriced);
    assert_eq!(recipe.best, ModelName::MarketEarly);
    assert!(recipe.log_loss_best - recipe.log_loss < 0.003, "{recipe:?}");
}

#[test]
fn only_what_was_known_in_time_is_learned_from() {
    let mut rows = opinions_and_outcomes(1000);
    let before = stage(&rows, 600);
    rows.truncate(601);
    assert_eq!(before, stage(&rows, 600));
    assert_eq!(recipe(&before, ModelName::Blend).n, 601);
}

#[test]
fn too_few_fixtures_teach_nothing_and_the_best_informed_part_speaks() {
    let rows = opinions_and_outcomes(299);
    let stage = stage(&rows, 2000);
    assert!(stage.recipes.is_empty());
    let blends = |stage: Option<&BlendStage>, models: &[ModelName]| {
        let mut opinions = rows[0].0.clone();
        opinions.retain(|it| models.contains(&it.model));
        add_blends(&mut opinions, stage);
        BLENDS.map(|it| opinion(&opinions, it).map(<[f64]>::to_vec))
    };
    let of = |model| opinion(&rows[0].0, model).map(<[f64]>::to_vec);
    let (elo, implied, early) = (
        of(ModelName::Elo),
        of(ModelName::MarketImplied),
        of(ModelName::MarketEarly),
    );
    let all = [
        ModelName::Elo,
        ModelName::MarketImplied,
        ModelName::MarketEarly,
    ];
    assert_eq!(blends(None, &all), [elo.clone(), implied, early]);
    assert_eq!(
        blends(Some(&stage), &all[..1]),
        [elo.clone(), elo.clone(), None]
    );
    assert_eq!(blends(None, &all[..1]), [elo.clone(), elo, None]);
    assert_eq!(blends(None, &[]), [None, None, None]);
}

#[test]
fn a_missing_part_hands_over_to_the_blend_before() {
    let rows = opinions_and_outcomes(500);
    let stage = stage(&rows, 2000);
    let mut opinions = rows[0].0.clone();
    opinions.retain(|it| it.model != ModelName::MarketImplied);
    add_blends(&mut opinions, Some(&stage));
    assert_eq!(
        opinion(&opinions, ModelName::Blend),
        opinion(&opinions, ModelName::BlendResults)
    );
    assert_eq!(
        opinion(&opinions, ModelName::BlendPriced),
        opinion(&opinions, ModelName::MarketEarly)
    );
    assert_eq!(best(&opinions), Some(ModelName::BlendPriced));
    assert_eq!(best(&[]), None);
}
