//! Where a model's traffic goes: a bar and the words for it.

use super::told::Told;
use crate::pages::figures;

/// Where a model's traffic goes.
pub(in crate::pages) struct Traffic {
    pub(in crate::pages) pieces: Vec<Piece>,
    pub(in crate::pages) words: String,
}

/// A piece of the bar, in percent of its width.
pub(in crate::pages) struct Piece {
    pub(in crate::pages) class: &'static str,
    pub(in crate::pages) start: String,
    pub(in crate::pages) width: String,
}

impl Traffic {
    pub(in crate::pages) fn new(told: &Told) -> Self {
        let canary = told.model.canary.as_ref().map(|it| it.version);
        let mut pieces = Vec::new();
        let mut words = Vec::new();
        let mut start = 0.0;
        // What serves comes first, whatever its number.
        let mut views: Vec<_> = told.versions.iter().collect();
        views.sort_by_key(|it| told.model.serving != Some(it.version));
        for view in views.into_iter().filter(|it| it.traffic_share > 0.0) {
            let tried = canary == Some(view.version) && told.model.serving != canary;
            pieces.push(Piece {
                class: if tried { "away" } else { "home" },
                start: figures::share(start),
                width: figures::share(view.traffic_share),
            });
            start += view.traffic_share;
            let share = figures::share(view.traffic_share);
            let kind = if tried { " as canary" } else { "" };
            words.push(format!("version {} {share}{kind}", view.version));
        }
        if words.is_empty() {
            words.push("none".to_owned());
        }
        if let Some(shadow) = &told.model.shadow {
            let share = figures::share(shadow.share);
            words.push(format!(
                "version {} in the shadow of {share}",
                shadow.version
            ));
        }
        Self {
            pieces,
            words: words.join(", "),
        }
    }
}
