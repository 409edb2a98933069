use proptest::prelude::*;
use trees::{Model, Node};

use super::*;
use crate::random::Random;

/// Rows of four features, one with holes, one with few values, and a target that hangs on them.
struct Made {
    features: Vec<f64>,
    /// Between zero and one.
    chances: Vec<f64>,
    random: Random,
}

const NAMES: [&str; 4] = ["slope", "holes", "few", "noise"];

fn made(rows: usize, seed: u64) -> Made {
    let mut random = Random::new(seed);
    let (mut features, mut chances) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        let slope = 4.0 * random.unit() - 2.0;
        let holes = if random.unit() < 0.3 {
            f64::NAN
        } else {
            random.unit()
        };
        let few = random.below(3) as f64;
        features.extend([slope, holes, few, random.unit()]);
        let hidden = if holes.is_nan() { 0.8 } else { holes - 0.5 };
        chances.push(objective::sigmoid(slope + hidden * (few - 1.0)));
    }
    Made {
        features,
        chances,
        random,
    }
}

impl Made {
    fn targets(&mut self, objective: Objective) -> Vec<f64> {
        let random = &mut self.random;
        let draw = |chance: &f64| match objective {
            Objective::Binary => f64::from(u8::from(random.unit() < *chance)),
            Objective::Classes(count) => {
                let drawn = random.unit() + f64::from(u8::from(random.unit() < *chance));
                (drawn * count as f64 / 2.0).floor()
            }
            Objective::Counts => (6.0 * chance * random.unit()).floor(),
            Objective::Squares => chance + 0.1 * random.unit(),
        };
        self.chances.iter().map(draw).collect()
    }
}

fn examples<'a>(features: &'a [f64], targets: &'a [f64]) -> Examples<'a> {
    Examples {
        names: &NAMES,
        features,
        targets,
        offsets: None,
    }
}

const OBJECTIVES: [Objective; 4] = [
    Objective::Binary,
    Objective::Classes(3),
    Objective::Counts,
    Objective::Squares,
];

fn few_rounds() -> BoostSettings {
    BoostSettings {
        rounds_max: 12,
        tail_share: 0.0,
        ..BoostSettings::default()
    }
}

fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap().install(work)
}

#[test]
fn training_loss_falls_with_every_round_whatever_the_objective() {
    for objective in OBJECTIVES {
        let mut made = made(800, 3);
        let targets = made.targets(objective);
        let fit = boost(
            &examples(&made.features, &targets),
            objective,
            &few_rounds(),
        )
        .unwrap();
        assert_eq!((fit.rounds, fit.losses.len()), (12, 13));
        assert!(
            fit.losses.windows(2).all(|it| it[1] < it[0]),
            "{objective:?}: {:?}",
            fit.losses
        );
    }
}

#[test]
fn the_ensemble_scores_as_the_training_did() {
    for objective in OBJECTIVES {
        let mut made = made(500, 9);
        let targets = made.targets(objective);
        let fit = boost(
            &examples(&made.features, &targets),
            objective,
            &few_rounds(),
        )
        .unwrap();
        let outputs = objective.outputs();
        let mut sum = 0.0;
        for (row, target) in made.features.chunks_exact(4).zip(&targets) {
            let mut raw = vec![0.0; outputs];
            fit.ensemble.raw_scores(row, &mut raw);
            sum += objective.loss(&raw, std::slice::from_ref(target));
        }
        let loss = sum / targets.len() as f64;
        assert!((loss - fit.losses[12]).abs() < 1e-12, "{objective:?}");
        let sound = fit.ensemble.clone().checked().unwrap();
        let model = Model::new(sound);
        let mut out = vec![0.0; outputs];
        model.predict(&made.features[..4], &mut out).unwrap();
        let mut slow = vec![0.0; outputs];
        fit.ensemble.score(&made.features[..4], &mut slow);
        assert_eq!(out, slow);
    }
}

#[test]
fn covers_count_the_rows_and_no_leaf_has_too_few() {
    let mut made = made(600, 4);
    let targets = made.targets(Objective::Binary);
    let settings = BoostSettings {
        rows_min: 25,
        leaves_max: 8,
        ..few_rounds()
    };
    let given = examples(&made.features, &targets);
    let fit = boost(&given, Objective::Binary, &settings).unwrap();
    for tree in &fit.ensemble.trees {
        let cover = |it: &Node| match it {
            Node::Leaf { cover, .. } => *cover,
            Node::Split(split) => split.cover,
        };
        let leaves = tree
            .nodes
            .iter()
            .filter(|it| matches!(it, Node::Leaf { .. }));
        assert!(leaves.clone().count() <= 8);
        assert!(leaves.clone().all(|it| cover(it) >= 25.0));
        assert_eq!(leaves.map(cover).sum::<f64>(), 600.0);
        assert_eq!(cover(&tree.nodes[0]), 600.0);
    }
}

#[test]
fn a_target_that_never_changes_gives_itself_and_no_split() {
    let made = made(100, 1);
    for (objective, target) in [(Objective::Squares, 2.5), (Objective::Counts, 3.0)] {
        let targets = vec![target; 100];
        let fit = boost(
            &examples(&made.features, &targets),
            objective,
            &few_rounds(),
        )
        .unwrap();
        assert!(fit.ensemble.trees.iter().all(|it| it.nodes.len() == 1));
        let mut out = [0.0];
        fit.ensemble.score(&made.features[..4], &mut out);
        assert!((out[0] - target).abs() < 1e-9, "{objective:?}: {}", out[0]);
    }
}

#[test]
fn a_feature_that_is_always_missing_is_never_asked_about() {
    let mut made = made(300, 2);
    let targets = made.targets(Objective::Binary);
    made.features
        .chunks_exact_mut(4)
        .for_each(|it| it[0] = f64::NAN);
    let given = examples(&made.features, &targets);
    let fit = boost(&given, Objective::Binary, &few_rounds()).unwrap();
    let asked: Vec<u32> = fit
        .ensemble
        .trees
        .iter()
        .flat_map(|it| &it.nodes)
        .filter_map(|it| match it {
            Node::Split(split) => Some(split.feature),
            Node::Leaf { .. } => None,
        })
        .collect();
    assert!(!asked.is_empty() && !asked.contains(&0), "{asked:?}");
}

#[test]
fn fewer_rows_than_bins_or_than_a_leaf_needs_are_enough_to_run() {
    for rows in [1, 2, 7, 45] {
        let mut made = made(rows, 8);
        let targets = made.targets(Objective::Classes(3));
        let settings = BoostSettings {
            tail_share: 0.3,
            ..few_rounds()
        };
        let given = examples(&made.features, &targets);
        let fit = boost(&given, Objective::Classes(3), &settings).unwrap();
        fit.ensemble.checked().unwrap();
    }
}

#[test]
fn what_is_missing_goes_the_way_that_was_learned() {
    // Missing rows are ones; of the others, none is.
    let features: Vec<f64> = (0..200)
        .flat_map(|it| {
            let value = if it % 2 == 0 { f64::NAN } else { f64::from(it) };
            [value, 0.0, 0.0, 0.0]
        })
        .collect();
    let targets: Vec<f64> = (0..200).map(|it| f64::from((it + 1) % 2)).collect();
    let given = examples(&features, &targets);
    let fit = boost(&given, Objective::Squares, &few_rounds()).unwrap();
    let score = |value: f64| {
        let mut out = [0.0];
        fit.ensemble.score(&[value, 0.0, 0.0, 0.0], &mut out);
        out[0]
    };
    assert!(score(f64::NAN) > 0.7 && score(51.0) < 0.3 && score(1e9) < 0.3);
}

#[test]
fn growing_stops_where_the_tail_gains_no_more() {
    let mut made = made(400, 6);
    // Noise alone: the first trees fit it, the tail does not follow.
    let targets: Vec<f64> = (0..400).map(|_| made.random.below(2) as f64).collect();
    let settings = BoostSettings {
        rounds_max: 200,
        patience: 5,
        tail_share: 0.5,
        learning_rate: 0.3,
        ..BoostSettings::default()
    };
    let given = examples(&made.features, &targets);
    let fit = boost(&given, Objective::Binary, &settings).unwrap();
    assert!(fit.rounds < 20, "{} rounds", fit.rounds);
    let [first, best] = fit.tail_losses.unwrap();
    assert!(best <= first);
}

#[test]
fn offsets_are_where_trees_start_from() {
    let mut made = made(400, 5);
    let targets = made.targets(Objective::Binary);
    let offsets: Vec<f64> = made
        .chances
        .iter()
        .map(|it| (it / (1.0 - it)).ln())
        .collect();
    let plain = examples(&made.features, &targets);
    let given = Examples {
        offsets: Some(&offsets),
        ..plain
    };
    let fit = boost(&given, Objective::Binary, &few_rounds()).unwrap();
    let without = boost(&plain, Objective::Binary, &few_rounds()).unwrap();
    assert!(
        fit.losses[0] < without.losses[0],
        "the truth is a good start"
    );
    assert_eq!(fit.ensemble.link, Link::Identity);
    assert_eq!(fit.ensemble.base, Base::First(vec![0.0]));
}

#[test]
fn what_cannot_be_learned_from_is_refused_by_name() {
    let features = [0.5, f64::NAN, 1.0, 2.0];
    let refusal = |features: &[f64], targets: &[f64], change: fn(&mut BoostSettings)| {
        let mut settings = few_rounds();
        change(&mut settings);
        let refused = boost(&examples(features, targets), Objective::Binary, &settings);
        refused.unwrap_err().to_string()
    };
    let same = |_: &mut BoostSettings| ();
    let said = refusal(&[], &[], same);
    assert_eq!(
        said,
        "no trees can be grown: there are 0 rows of 4 features"
    );
    let said = refusal(&features[..3], &[1.0], same);
    assert_eq!(said, "no trees can be grown: 3 numbers are not 1 rows of 4");
    let said = refusal(&[0.0, f64::INFINITY, 0.0, 0.0], &[1.0], same);
    assert_eq!(
        said,
        "no trees can be grown: feature holes of row 0 is infinite"
    );
    let said = refusal(&features, &[0.5], same);
    assert_eq!(said, "no trees can be grown: row 0 has target 0.5");
    let said = refusal(&features, &[1.0], |it| it.leaves_max = 33);
    assert_eq!(
        said,
        "no trees can be grown: setting leaves_max is out of its range"
    );
    let offsets = [f64::NAN];
    let given = Examples {
        offsets: Some(&offsets),
        ..examples(&features, &[1.0])
    };
    let refused = boost(&given, Objective::Binary, &few_rounds()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "no trees can be grown: 1 offsets are not 1 finite numbers"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn the_same_seed_gives_the_same_bits_on_any_number_of_threads(
        seed in 0..u64::MAX,
        which in 0..4_usize,
        rows in 50..40_000_usize,
    ) {
        let objective = OBJECTIVES[which];
        let mut made = made(rows, seed);
        let targets = made.targets(objective);
        let settings = BoostSettings {
            rounds_max: 3,
            row_share: 0.8,
            feature_share: 0.8,
            seed,
            ..BoostSettings::default()
        };
        let given = examples(&made.features, &targets);
        let fit = || boost(&given, objective, &settings).unwrap();
        let (one, four) = (on_threads(1, fit), on_threads(4, fit));
        prop_assert_eq!(Model::new(one.ensemble).to_compact(), Model::new(four.ensemble).to_compact());
    }

    #[test]
    fn another_seed_gives_other_trees(seed in 0..u64::MAX / 2) {
        let mut made = made(300, seed);
        let targets = made.targets(Objective::Binary);
        let grown = |seed| {
            let settings = BoostSettings { row_share: 0.5, seed, ..few_rounds() };
            boost(&examples(&made.features, &targets), Objective::Binary, &settings).unwrap()
        };
        prop_assert_ne!(grown(seed).ensemble, grown(seed + 1).ensemble);
    }
}
