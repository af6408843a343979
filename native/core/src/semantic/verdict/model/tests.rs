use super::*;
use crate::semantic::fixtures::{SIZES, Sizes, file, noise, weights_file};

const TINY: Sizes = Sizes { width: 1, size: 1, hidden: 1, wide: 1, networks: 1 };

#[track_caller]
fn refused(bytes: &[u8]) -> &'static str {
    Model::new(bytes).unwrap_err().0
}

/// Projection, means, deviations, then the network.
fn numbers(network: &[f32]) -> Vec<f32> {
    [&[1.0, 0.0][..], &[0.0; COUNT], &[2.0; COUNT], network].concat()
}

#[test]
fn a_network_of_one_number_scores_what_is_computed_by_hand() {
    // First: what token and mixture differ by, twice over. Second: as it comes. Third: the most, and half of the first feature.
    let mut network = vec![0.0];
    network.extend([0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    network.extend([1.0, 0.0]);
    network.extend([1.0, 0.0, 0.0, 0.0]);
    network.extend((0..COUNT).map(|place| if place == 0 { 0.5 } else { 0.0 }));
    network.push(0.25);
    network.extend([-3.0, 1.0]);
    let model = Model::new(&file(TINY, NAMES, &numbers(&network))).unwrap();
    let mut features = [0.0; COUNT];
    features[0] = 1.0;
    // 2 * |0.5 - 1| = 1; 1 + 0.5 * (1 / 2) + 0.25 = 1.5; 1.5 * -3 + 1 = -3.5
    assert!((model.score(&[0.5], &[1.0], &features) + 3.5).abs() < 1e-6);
    // A feature further out than four deviations counts as four: 1 + 0.5 * 4 + 0.25 = 3.25.
    features[0] = 1000.0;
    assert!((model.score(&[0.5], &[1.0], &features) + 8.75).abs() < 1e-6);
}

#[test]
fn a_score_is_the_same_whichever_question_comes_first() {
    let model = Model::new(&weights_file(SIZES, noise(3))).unwrap();
    let mut random = noise(5);
    let mut tokens = |count: usize| -> Vec<f32> { (0..count * SIZES.size).map(|_| random()).collect() };
    let features = [0.5; COUNT];
    for (count_a, count_b) in [(1, 1), (2, 7), (9, 3)] {
        let (a, b) = (tokens(count_a), tokens(count_b));
        let (there, back) = (model.score(&a, &b, &features), model.score(&b, &a, &features));
        assert!(there.is_finite() && (there - back).abs() < 1e-5, "{there} {back}");
    }
}

#[test]
fn a_projected_token_has_unit_length_and_no_tokens_score_never() {
    let model = Model::new(&weights_file(SIZES, noise(3))).unwrap();
    let token = model.project(&[0.3; 8]);
    assert!((token.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-3);
    assert!(model.score(&[], &token, &[0.0; COUNT]) < f32::MIN);
    assert!(model.score(&token, &[0.1], &[0.0; COUNT]) < f32::MIN, "less than one token");
}

#[test]
fn files_that_are_cut_too_long_or_made_for_something_else_are_refused() {
    let good = weights_file(SIZES, noise(1));
    assert_eq!(refused(b"ISARVER2"), "it does not begin with ISARVER1");
    assert_eq!(refused(&good[..10]), "it is cut");
    assert_eq!(refused(&good[..40]), "it is cut");
    assert_eq!(refused(&good[..good.len() - 1]), "it is cut");
    assert_eq!(refused(&[&good[..], &[0]].concat()), "its length does not fit its sizes");
    assert_eq!(refused(&file(SIZES, &["cosine"], &[])), "it was trained on other features");
    let mut broken = good.clone();
    broken[12] = b'!';
    assert_eq!(refused(&broken), "its header is not JSON");
    for sizes in [
        Sizes { width: 0, ..SIZES },
        Sizes { size: 257, ..SIZES },
        Sizes { hidden: 0, ..SIZES },
        Sizes { wide: 0, ..SIZES },
        Sizes { networks: 17, ..SIZES },
    ] {
        assert_eq!(refused(&file(sizes, NAMES, &[])), "its sizes are out of range");
    }
    assert_eq!(
        refused(&weights_file(Sizes { networks: 0, ..SIZES }, || 0.0)),
        "its length does not fit its sizes"
    );
}

#[test]
fn weights_that_would_make_a_score_of_nothing_are_refused() {
    assert_eq!(refused(&weights_file(SIZES, || f32::NAN)), "a weight is no number");
    let flat = [&[1.0, 0.0][..], &[0.0; COUNT], &[0.0; COUNT]].concat();
    assert_eq!(refused(&file(TINY, NAMES, &flat)), "a feature never differs");
    assert_eq!(refused(&file(TINY, NAMES, &numbers(&[1000.0]))), "a weight is no number", "too sharp");
}
