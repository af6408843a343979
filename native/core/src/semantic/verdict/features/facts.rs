//! Facts: numbers, literals, quotations, units of measure, opposites.

use super::Veto;
use crate::semantic::lexicon::Lexicon;
use crate::semantic::question::Question;
use crate::semantic::question::classes::{are_opposites, is_unit};
use crate::semantic::question::marks;
use crate::semantic::question::segment::Kind;
use crate::semantic::verdict::align::{Alignment, MOST_LEFT};

const SINGLE: &[&str] = &["one", "a", "an", "single", "per"];

/// Facts that must be equal: numbers, literals with digits or signs, quotations, and what the model does not see.
pub(super) fn vetoes(a: &Question, b: &Question, alignment: &Alignment) -> Vec<Veto> {
    let mut found = Vec::new();
    let left = |question: &Question, places: &[usize], kind: Kind| -> Vec<String> {
        let words = places.iter().map(|place| &question.words[*place]).filter(|word| word.kind == kind);
        words.map(|word| word.text.clone()).collect()
    };
    for (kind, what) in [(Kind::Number, "number"), (Kind::Literal, "literal")] {
        let (mut of_a, mut of_b) = (left(a, &alignment.left_a, kind), left(b, &alignment.left_b, kind));
        if kind == Kind::Number {
            // `1 TB` is a terabyte.
            let is_single = |of: &Question| of.words.iter().any(|word| SINGLE.contains(&word.text.as_str()));
            of_a.retain(|number| number != "1" || !is_single(b));
            of_b.retain(|number| number != "1" || !is_single(a));
        }
        if !of_a.is_empty() || !of_b.is_empty() {
            found.push(Veto { what, a: of_a.join(", "), b: of_b.join(", ") });
        }
    }
    let missing = |of: &Question, other: &Question| -> Vec<String> {
        of.quotes.iter().filter(|quote| !other.plain.contains(&quote.to_lowercase())).cloned().collect()
    };
    let (of_a, of_b) = (missing(a, b), missing(b, a));
    if !of_a.is_empty() || !of_b.is_empty() {
        found.push(Veto { what: "quotation", a: of_a.join(", "), b: of_b.join(", ") });
    }
    found.extend(marks::differing(&a.marks, &b.marks).into_iter().map(|(what, a, b)| Veto { what, a, b }));
    found
}

/// Words of one question only whose contrary stands in the other only, with it.
#[must_use]
pub fn opposite_words(a: &Question, b: &Question, lexicon: &Lexicon) -> Vec<(String, String)> {
    let only = |of: &Question, other: &Question| -> Vec<String> {
        let words = of.words.iter().filter(|word| word.kind == Kind::Word);
        let alone = words.filter(|word| !other.words.iter().any(|theirs| theirs.text == word.text));
        alone.map(|word| word.text.clone()).collect()
    };
    let (of_a, of_b) = (only(a, b), only(b, a));
    if of_a.len() > 2 * MOST_LEFT || of_b.len() > 2 * MOST_LEFT {
        return Vec::new();
    }
    let contrary = |x: &str, y: &str| are_opposites(x, y) || lexicon.are_antonyms(x, y);
    let found =
        of_a.iter().filter_map(|x| of_b.iter().find(|y| contrary(x, y)).map(|y| (x.clone(), y.clone())));
    found.collect()
}

/// Units of measure, those behind numbers with their numbers, that stand in one question only.
pub(super) fn units(a: &Question, b: &Question) -> usize {
    let of = |question: &Question| -> Vec<String> {
        let words = question.words.iter().enumerate().filter(|(_, word)| is_unit(&word.text));
        let mut found: Vec<String> = words
            .map(|(place, word)| match place.checked_sub(1).and_then(|before| question.words.get(before)) {
                Some(number) if number.kind == Kind::Number => format!("{} {}", number.text, word.text),
                _ => word.text.clone(),
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    let (of_a, of_b) = (of(a), of(b));
    of_a.iter().filter(|unit| !of_b.contains(unit)).count()
        + of_b.iter().filter(|unit| !of_a.contains(unit)).count()
}
