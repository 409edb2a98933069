//! From sums of leaves to predictions.

use crate::{Ensemble, Link, link};

/// Turns sums into predictions, as many as there are sums.
pub(super) fn in_place(head: &Ensemble, out: &mut [f64]) {
    for row in out.chunks_exact_mut(head.outputs) {
        head.finish(row);
        if head.link != Link::Identity {
            link::apply(head.link, head.precision, row);
        }
    }
}

/// Turns sums into predictions, more or fewer than there are sums.
pub(super) fn apart(head: &Ensemble, raw: &mut [f64], out: &mut [f64]) {
    let rows = raw.chunks_exact_mut(head.outputs);
    for (raw, out) in rows.zip(out.chunks_exact_mut(head.predictions())) {
        head.finish(raw);
        link::reshape(head.link, head.precision, raw, out);
    }
}
