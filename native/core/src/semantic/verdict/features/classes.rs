//! What the words do that are taken for granted, and whether they do it in both questions.

use crate::semantic::question::classes::Class;
use crate::semantic::question::{Question, Word};

pub(super) fn negations(question: &Question) -> usize {
    question.words.iter().filter(|word| word.class == Class::Negation).count()
}

pub(super) fn fillers(question: &Question) -> usize {
    question.words.iter().filter(|word| word.class == Class::Filler).count()
}

/// How many groups of a class stand in one question and not in the other.
pub(super) fn class_difference(a: &Question, b: &Question, pick: fn(Class) -> Option<u8>) -> u32 {
    let groups = |question: &Question| {
        question.words.iter().filter_map(|word| pick(word.class)).fold(0_u64, |set, group| set | 1 << group)
    };
    (groups(a) ^ groups(b)).count_ones()
}

#[derive(PartialEq, Eq)]
pub(super) enum Asks {
    Alike,
    OneOnly,
    Conflict,
}

/// `what` asks for anything; it conflicts with nothing.
const WHAT: u8 = 7;
const WHICH: u8 = 6;

pub(super) fn asks(a: &Question, b: &Question) -> Asks {
    let groups = |question: &Question| {
        let asked = question.words.iter().filter_map(|word| match word.class {
            Class::Asks(group) if group != WHAT && group != WHICH => Some(group),
            _ => None,
        });
        asked.fold(0_u64, |set, group| set | 1 << group)
    };
    match (groups(a), groups(b)) {
        (x, y) if x == y => Asks::Alike,
        (0, _) | (_, 0) => Asks::OneOnly,
        _ => Asks::Conflict,
    }
}

pub(super) fn degrees(a: &Question, b: &Question) -> usize {
    let count =
        |question: &Question, degree: u8| question.words.iter().filter(|word| word.degree == degree).count();
    (1..=2).map(|degree| count(a, degree).abs_diff(count(b, degree))).sum()
}

/// What is asked for, in whatever words, and whether only one of the two asks it: why, when, who or where, how, how much.
pub(super) fn asked(a: &Question, b: &Question) -> [f32; 5] {
    let has = |question: &Question, words: &[&str]| {
        question.words.iter().any(|word| words.contains(&word.text.as_str()))
    };
    let differ = |words: &[&str]| f32::from(has(a, words) != has(b, words));
    [
        differ(&["why", "reason", "cause", "because", "come"]),
        differ(&["when", "date", "year", "time", "day"]),
        differ(&["who", "whom", "where", "whose"]),
        differ(&["how", "way", "ways", "step", "steps", "method", "process", "procedure"]),
        differ(&[
            "much",
            "many",
            "long",
            "far",
            "often",
            "cost",
            "price",
            "number",
            "frequently",
            "big",
            "large",
            "tall",
            "old",
        ]),
    ]
}

/// Whom the question speaks of, in order: me, you, him, her, them.
pub(super) fn persons(question: &Question) -> Vec<u8> {
    let group = |word: &Word| match word.text.as_str() {
        "i" | "me" | "my" | "we" | "us" | "our" => Some(0),
        "he" | "him" | "his" => Some(2),
        "she" | "her" => Some(3),
        "they" | "them" | "their" => Some(4),
        _ => None,
    };
    question.words.iter().filter_map(group).collect()
}

pub(super) fn has(question: &Question, text: &str) -> bool {
    question.words.iter().any(|word| word.text == text)
}
