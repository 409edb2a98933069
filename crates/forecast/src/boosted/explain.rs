//! Why trees moved a forecast: contributions of features, put together by what they are about.

use std::collections::BTreeMap;

use domain::Sport;

use crate::Reason;
use crate::features::{Scene, Topic, features};

/// Reasons told, at most.
const REASONS_MAX: usize = 5;
/// Log-odds below which nothing is worth telling.
const EFFECT_MIN: f64 = 0.005;

/// What trees have to say, largest first. `contributions` has for each raw score one number per
/// feature, then what they begin with; nothing comes of another shape.
pub(crate) fn reasons(sport: Sport, scene: &Scene<'_>, contributions: &[f64]) -> Vec<Reason> {
    let features = features(sport);
    let width = features.len() + 1;
    let home = contributions.get(..width);
    let away = match contributions.len() / width {
        1 => None,
        outputs => contributions.get((outputs - 1) * width..outputs * width),
    };
    let Some(home) = home else {
        return Vec::new();
    };
    let mut effects: BTreeMap<Topic, f64> = BTreeMap::new();
    for (index, feature) in features.iter().enumerate() {
        let against = away.map_or(0.0, |it| it[index]);
        *effects.entry(feature.topic).or_default() += home[index] - against;
    }
    let mut effects: Vec<(Topic, f64)> = effects
        .into_iter()
        .filter(|it| it.1.abs() >= EFFECT_MIN)
        .collect();
    effects.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    effects.truncate(REASONS_MAX);
    let reason = |(topic, effect): (Topic, f64)| Reason {
        label: format!("trees: {}", topic.label()),
        effect,
        detail: topic.sentence(scene),
    };
    effects.into_iter().map(reason).collect()
}
