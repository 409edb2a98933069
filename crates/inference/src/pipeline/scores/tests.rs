use super::*;

fn by(version: u64) -> By {
    (version, ContentHash([0; 32]))
}

fn key(number: usize) -> Key {
    Key::of_key("m", &number.to_string())
}

#[test]
fn losses_are_those_of_the_books_and_what_does_not_fit_is_named() {
    let half = -0.5_f64.ln();
    assert_eq!(loss(&[0.5], Outcome::Class(1)).unwrap(), half);
    assert_eq!(loss(&[0.5], Outcome::Class(0)).unwrap(), half);
    assert_eq!(loss(&[0.2, 0.5, 0.3], Outcome::Class(1)).unwrap(), half);
    assert!(loss(&[1.0], Outcome::Class(0)).unwrap().is_finite());
    assert_eq!(loss(&[2.0], Outcome::Value(5.0)).unwrap(), 9.0);
    let worst = loss(&[0.0, 1.0], Outcome::Class(0)).unwrap();
    assert_eq!(loss(&[f64::NAN], Outcome::Class(0)).unwrap(), worst);
    assert_eq!(loss(&[f64::NAN, 0.5], Outcome::Class(0)).unwrap(), worst);
    for none in [f64::NAN, f64::INFINITY] {
        let loss = loss(&[none], Outcome::Value(5.0)).unwrap();
        assert_eq!(loss, f64::INFINITY);
    }
    for (values, outcome, wanted) in [
        (&[0.5][..], Outcome::Class(2), "no class 2 among 2 outputs"),
        (&[0.5, 0.5], Outcome::Class(2), "no class 2 among 2 outputs"),
        (&[0.5, 0.5], Outcome::Value(1.0), "where the model gives 2"),
        (&[0.5], Outcome::Value(1e200), "1e200 is no finite number"),
        (&[0.5], Outcome::Value(f64::NAN), "NaN is no finite number"),
    ] {
        let error = loss(values, outcome).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn a_prediction_is_scored_once_and_the_newest_under_its_key_counts() {
    let recent = Recent::default();
    recent.remember(key(1), by(1), [0.5].into());
    recent.remember(key(1), by(1), [0.25].into());
    recent.remember(key(1), by(2), [1.0].into());
    recent.score(&key(1), Outcome::Class(7)).unwrap_err();
    let scored = recent.score(&key(1), Outcome::Value(0.0)).unwrap();
    assert_eq!(scored, [(by(1), 0.0625), (by(2), 1.0)]);
    assert!(
        recent
            .score(&key(1), Outcome::Value(0.0))
            .unwrap()
            .is_empty()
    );
    assert!(
        recent
            .score(&key(2), Outcome::Value(0.0))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn the_oldest_predictions_go_first_and_memory_stays_within_its_bound() {
    let recent = Recent::default();
    let wide: Box<[f64]> = vec![0.0; WIDTH_MAX].into();
    for number in 0..100_000 {
        recent.remember(key(number), by(1), wide.clone());
        if number % 3 == 0 {
            recent.score(&key(number), Outcome::Class(0)).unwrap();
        }
    }
    let inner = recent.inner.lock().unwrap();
    assert!(inner.bytes <= BYTES_MAX && inner.bytes > BYTES_MAX / 2);
    assert_eq!(inner.found.len(), inner.order.len());
    assert!(inner.found.contains_key(&key(99_999)) && !inner.found.contains_key(&key(0)));
}
