use proptest::prelude::*;

use super::*;
use crate::semantic::fixtures::{read, verifier};

/// Texts as nobody asks them, each of about so many bytes.
fn odd(size: usize) -> Vec<String> {
    let pieces = [
        "a",
        "a ",
        "'a ",
        "'",
        "\"",
        "`",
        "`a`",
        "``a`",
        "„",
        "‘x",
        "-",
        "1",
        "1-",
        "1-a-",
        "- ",
        "–",
        "1 ",
        "1.",
        "a\u{1}",
        "é",
        "e\u{301}",
        "👩‍👩‍👧 ",
        "\u{202e}א ",
        "two hundred and ",
        "a-",
        "/",
        "don't ",
        "$1 ",
        "x_y ",
        "cat ",
        "cats dogs ",
        "\0",
    ];
    pieces.iter().map(|piece| piece.repeat(size / piece.len() + 1)).collect()
}

#[test]
fn texts_however_odd_are_judged() {
    let verifier = verifier();
    // So long that what is quadratic would take minutes.
    let texts = odd(16 << 10);
    for (place, text) in texts.iter().enumerate() {
        let a = read(&verifier, text);
        let b = read(&verifier, &texts[(place + 1) % texts.len()]);
        assert!(
            !verifier.judge(&a, &b, 0.9).score.is_nan(),
            "{:?}",
            text.chars().take(4).collect::<String>()
        );
    }
}

#[test]
fn very_long_texts_are_read_and_not_judged() {
    let verifier = verifier();
    for text in odd(100_000) {
        let subject = read(&verifier, &text);
        let _ = verifier.judge(&subject, &subject, 1.0);
    }
    let long = read(&verifier, &"cat ".repeat(MOST_WORDS + 1));
    let verdict = verifier.judge(&long, &long, 1.0);
    assert!(verdict.score < f32::MIN);
    assert_eq!(verdict.reasons, [too_long_reason()]);
    assert_eq!(verdict.features.len(), features::COUNT);
}

#[test]
fn more_tokens_than_it_was_trained_on_are_not_judged_but_explained() {
    let verifier = verifier();
    let long = read(&verifier, &"cat ".repeat(MOST_TOKENS + 1));
    let verdict = verifier.judge(&long, &long, 1.0);
    assert!(verdict.score < f32::MIN);
    assert_eq!(verdict.reasons[0], too_long_reason());
    assert_eq!(verdict.words.len(), MOST_TOKENS + 1);
}

#[test]
fn a_fact_that_differs_forbids_whatever_the_network_says() {
    let verifier = verifier();
    let judge = |a: &str, b: &str| verifier.judge(&read(&verifier, a), &read(&verifier, b), 0.99);
    let verdict = judge("delete 5 cats", "delete 6 cats");
    assert!(verdict.score < f32::MIN);
    assert_eq!(verdict.reasons[0], "numbers differ: 5 / 6");
    let verdict = judge("delete the cat", "remove a cat");
    assert!(verdict.score.is_finite());
    assert_eq!(verdict.reasons, ["every word with meaning has its counterpart"]);
    assert!(verdict.words.contains(&("delete".to_owned(), "remove".to_owned(), "synonym")));
    assert_eq!(judge("upload", "download").reasons[0], "opposites: upload / download");
}

#[test]
fn a_question_from_the_store_is_judged_as_when_it_was_new() {
    let verifier = verifier();
    let (a, b) = (read(&verifier, "how do I delete a cat"), read(&verifier, "how to remove the dog"));
    let again = verifier.unpack(&a.text, a.packed().clone(), Vec::new());
    let (first, second) = (verifier.judge(&a, &b, 0.8), verifier.judge(&again, &b, 0.8));
    assert_eq!(first.score.to_bits(), second.score.to_bits());
    assert_eq!(first.features, second.features);
}

proptest! {
    #[test]
    fn any_two_texts_are_judged_alike_in_both_orders(a in any::<String>(), b in any::<String>()) {
        let verifier = verifier();
        let (a, b) = (read(&verifier, &a), read(&verifier, &b));
        let (there, back) = (verifier.judge(&a, &b, 0.5), verifier.judge(&b, &a, 0.5));
        prop_assert!(!there.score.is_nan());
        prop_assert_eq!(there.score.is_finite(), back.score.is_finite());
        prop_assert!(there.features.iter().all(|value| value.is_finite()));
    }

    #[test]
    fn any_two_texts_of_common_pieces_are_judged(
        a in "(cats?|left |hot|set up|5 ?km|'|\"|`|-|a-|two hundred | and |n't|--x|\u{1}| ){0,30}",
        b in "(cats?|leave |hotdog|configure|5 |‘|“|`|/|a_|five | and |from |to |\u{301}| ){0,30}",
    ) {
        let verifier = verifier();
        let (a, b) = (read(&verifier, &a), read(&verifier, &b));
        prop_assert!(!verifier.judge(&a, &b, 0.5).score.is_nan());
    }

    #[test]
    fn tokens_that_do_not_fit_the_text_do_no_harm(
        text in any::<String>(),
        spans in prop::collection::vec((0..40_usize, 0..40_usize), 0..10),
        tokens in prop::collection::vec(any::<f32>(), 0..100),
    ) {
        let verifier = verifier();
        let encoded = Encoded { ids: Vec::new(), spans };
        let subject = verifier.read(&text, &encoded, &[], &tokens);
        prop_assert!(!verifier.judge(&subject, &subject, 1.0).score.is_nan());
    }
}
