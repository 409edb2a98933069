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

/// Turns sums into predictions, two for each.
pub(super) fn apart(head: &Ensemble, raw: &mut [f64], out: &mut [f64]) {
    for (raw, out) in raw.iter_mut().zip(out.chunks_exact_mut(2)) {
        head.finish(std::slice::from_mut(raw));
        out.copy_from_slice(&link::pair(head.link, head.precision, *raw));
    }
}
