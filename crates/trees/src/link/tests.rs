use super::*;

fn check(link: Link, raw: &[f64], wanted: &[f64]) {
    for (precision, close) in [(Precision::Double, 1e-7), (Precision::Single, 1e-6)] {
        let mut out = raw.to_vec();
        out.resize(wanted.len(), 0.0);
        match link {
            Link::SigmoidPair | Link::IdentityPair | Link::OppositePair | Link::Class => {
                reshape(link, precision, raw, &mut out);
            }
            _ => apply(link, precision, &mut out),
        }
        for (out, wanted) in out.iter().zip(wanted) {
            assert!(
                (out - wanted).abs() <= close,
                "{link:?} {precision:?}: {out}, not {wanted}"
            );
        }
    }
}

#[test]
fn every_link_is_the_function_it_is_named_after() {
    check(Link::Identity, &[0.25, -3.0], &[0.25, -3.0]);
    check(Link::Sigmoid { slope: 1.0 }, &[0.0], &[0.5]);
    check(
        Link::Sigmoid { slope: 2.0 },
        &[0.5],
        &[0.731_058_578_630_004_9],
    );
    check(
        Link::SigmoidEach { slope: 1.0 },
        &[0.0, 1.0],
        &[0.5, 0.731_058_578_630_004_9],
    );
    check(Link::Exponential, &[0.0, 1.0], &[1.0, std::f64::consts::E]);
    check(Link::LogOnePlusExp, &[0.0], &[std::f64::consts::LN_2]);
    check(Link::SignedSquare, &[-1.5, 0.5], &[-2.25, 0.25]);
    check(Link::Step, &[-1.0, 0.0, 0.1], &[0.0, 0.0, 1.0]);
    check(
        Link::Softmax,
        &[0.0, std::f64::consts::LN_2],
        &[1.0 / 3.0, 2.0 / 3.0],
    );
    check(Link::SoftmaxZero, &[0.0, 0.5, 0.5], &[0.0, 0.5, 0.5]);
    check(Link::SoftmaxZero, &[0.0, 1.0], &[0.0, 1.0]);
    check(
        Link::Logistic,
        &[0.0, -1.0],
        &[0.5, 0.268_941_421_369_995_1],
    );
    check(
        Link::SoftmaxSingle,
        &[0.0, std::f64::consts::LN_2],
        &[1.0 / 3.0, 2.0 / 3.0],
    );
    check(Link::OppositePair, &[-0.75], &[0.75, -0.75]);
    check(Link::Class, &[0.5, 2.0, 2.0], &[1.0]);
    check(Link::SigmoidPair, &[0.0], &[0.5, 0.5]);
    check(Link::IdentityPair, &[0.75], &[0.25, 0.75]);
    check(Link::Probit, &[0.5], &[0.0]);
}

#[test]
fn the_quantile_is_right_to_three_places() {
    for (score, wanted) in [(0.975, 1.959_964), (0.025, -1.959_964)] {
        let mut out = [score];
        apply(Link::Probit, Precision::Double, &mut out);
        assert!((out[0] - wanted).abs() < 5e-3, "{}", out[0]);
    }
}

#[test]
fn extreme_scores_stay_probabilities() {
    for precision in [Precision::Double, Precision::Single] {
        let mut out = [1e4, -1e4];
        apply(Link::Softmax, precision, &mut out);
        assert_eq!(out, [1.0, 0.0]);
        let mut both = [0.0; 2];
        reshape(Link::SigmoidPair, precision, &[-1e4], &mut both);
        let [no, yes] = both;
        assert!(yes < 1e-30 && no > 0.999_999);
    }
}
