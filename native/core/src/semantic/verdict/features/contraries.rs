//! Words that say the contrary of each other, unless one of them is itself denied: `keep`, `without losing`.

use super::negation::denied;
use crate::semantic::lexicon::Lexicon;
use crate::semantic::question::Question;
use crate::semantic::question::classes::{Class, are_opposites, of};
use crate::semantic::question::segment::Kind;
use crate::semantic::verdict::align::MOST_LEFT;

/// Small words that are opposites only beside one and the same word: `turn it on`, `turn it off`.
const PARTICLES: &[&str] = &["on", "off", "over", "under", "out", "back", "ahead", "away"];
/// Verbs that stand for others, in whose company the lexicon's antonyms are none: `what made it`, `break off`.
const LIGHT: &[&str] =
    &["come", "go", "goes", "going", "get", "make", "makes", "made", "take", "takes", "taken", "taking"];

/// Words of one question only whose contrary stands in the other only, with it.
#[must_use]
pub fn opposite_words(a: &Question, b: &Question, lexicon: &Lexicon) -> Vec<(String, String)> {
    // `Write a function that reads` has the task's own verb in front, which says nothing of what the function does.
    let task = |of: &Question| usize::from(of.words.first().is_some_and(|word| word.text == "write"));
    let only = |of: &Question, other: &Question| -> Vec<String> {
        let words = of.words.iter().skip(task(of)).filter(|word| word.kind == Kind::Word);
        let theirs = other.words.iter().skip(task(other));
        let alone = words.filter(|word| !theirs.clone().any(|theirs| theirs.text == word.text));
        alone.map(|word| word.text.clone()).collect()
    };
    let (of_a, of_b) = (only(a, b), only(b, a));
    if of_a.len() > 2 * MOST_LEFT || of_b.len() > 2 * MOST_LEFT {
        return Vec::new();
    }
    // `safe`, `unsafe`
    let is_un =
        |x: &str, y: &str| x.strip_prefix("un") == Some(y) && y.len() > 3 && lexicon.word(y).is_some();
    let are_contrary = |x: &str, y: &str| {
        are_opposites(x, y)
            || lexicon.are_antonyms(x, y)
            || is_un(x, y)
            || is_un(y, x)
            || is_over(x, y)
            || is_over(y, x)
    };
    // `writing` is a word of its own, and may be a form of `write`.
    let verb = |text: &str| lexicon.bases(text).into_iter().next().unwrap_or_else(|| text.to_owned());
    let contrary = |x: &str, y: &str| are_contrary(x, y) || are_contrary(&verb(x), &verb(y));
    // `what should I do`, `what can I do`: both ask for advice. `should I`, `can I` do not.
    let advice = |of: &Question| {
        of.words.iter().any(|word| matches!(word.text.as_str(), "what" | "how" | "which" | "where" | "when"))
    };
    let both_ask = advice(a) && advice(b);
    let asks = |word: &str| matches!(word, "should" | "can");
    let contrary = |x: &str, y: &str| contrary(x, y) && !(both_ask && asks(x) && asks(y));
    let found = of_a.iter().filter_map(|x| {
        of_b.iter().find(|y| contrary(x, y) && !is_settled(a, x, b, y)).map(|y| (x.clone(), y.clone()))
    });
    found.collect()
}

/// `overwatered`, `underwater`
fn is_over(x: &str, y: &str) -> bool {
    let (Some(over), Some(under)) = (x.strip_prefix("over"), y.strip_prefix("under")) else { return false };
    over.len() > 2 && under.len() > 2 && (over.starts_with(under) || under.starts_with(over))
}

/// `the left side`, `the right side`: a `right` elsewhere, as in `right below`, says nothing.
pub(super) fn sides(a: &Question, b: &Question) -> Option<(String, String)> {
    let of = |question: &Question| -> Vec<(String, String)> {
        let pairs = question.words.windows(2);
        let pairs =
            pairs.filter(|pair| matches!(pair[0].text.as_str(), "left" | "right") && pair[1].is_content());
        pairs.map(|pair| (pair[0].text.clone(), pair[1].text.clone())).collect()
    };
    let (of_a, of_b) = (of(a), of(b));
    let found = of_a.iter().find_map(|(x, of_x)| {
        let same: Vec<_> = of_b.iter().filter(|(_, of_y)| of_y == of_x).collect();
        same.first().filter(|_| same.iter().all(|(y, _)| y != x)).map(|(y, of_y)| (x, of_x, y, of_y))
    });
    found.map(|(x, of_x, y, of_y)| (format!("{x} {of_x}"), format!("{y} {of_y}")))
}

/// `the least sweet`, `the sweetest`
pub(super) fn least(a: &Question, b: &Question) -> Option<(String, String)> {
    let of = |question: &Question| -> Vec<String> {
        let pairs = question.words.windows(2).filter(|pair| pair[0].text == "least" && pair[1].is_content());
        pairs.map(|pair| pair[1].text.clone()).collect()
    };
    let between = |x: &Question, y: &Question| {
        let (little, theirs) = (of(x), of(y));
        let is_most = |word: &String| y.words.iter().any(|most| most.degree == 2 && most.text == *word);
        little.into_iter().find(|word| !theirs.contains(word) && is_most(word))
    };
    if let Some(word) = between(a, b) {
        return Some((format!("least {word}"), format!("most {word}")));
    }
    between(b, a).map(|word| (format!("most {word}"), format!("least {word}")))
}

/// Whether two words that stand against each other in the lexicon do not do so here.
fn is_settled(a: &Question, x: &str, b: &Question, y: &str) -> bool {
    match (x, y) {
        ("with", "without") => return lacks(a),
        ("without", "with") => return lacks(b),
        // The negations have been compared.
        ("ever", "never") | ("never", "ever") => return true,
        _ => {}
    }
    if denied(a, x) != denied(b, y) {
        return true;
    }
    let is_particle = |word: &str| PARTICLES.contains(&word);
    if is_particle(x) && is_particle(y) {
        return !share_neighbour(a, x, b, y);
    }
    let is_light = |word: &str| LIGHT.contains(&word);
    (is_light(x) || is_light(y) || is_particle(x) != is_particle(y)) && !are_opposites(x, y)
}

/// `with no eggs` is without them.
fn lacks(question: &Question) -> bool {
    let no = ["no", "zero", "nobody", "nothing", "none"];
    question.words.windows(2).any(|pair| pair[0].text == "with" && no.contains(&pair[1].text.as_str()))
}

/// Whether a word stands within two of both.
fn share_neighbour(a: &Question, x: &str, b: &Question, y: &str) -> bool {
    let around = |question: &Question, text: &str| -> Vec<String> {
        let places = question.words.iter().enumerate().filter(|(_, word)| word.text == text);
        let near = places.flat_map(|(place, _)| question.words[place.saturating_sub(2)..].iter().take(5));
        near.filter(|word| word.is_content() || of(&word.text) == Class::Filler)
            .map(|word| word.text.clone())
            .collect()
    };
    let of_b = around(b, y);
    around(a, x).iter().any(|word| of_b.contains(word))
}

/// The same verb with `in` in one and with `out` in the other: `opt in`, `log out`.
pub(super) fn particles(a: &Question, b: &Question) -> Option<(String, String)> {
    let of = |question: &Question, particle: &str| -> Vec<String> {
        let pairs = question.words.windows(2).filter(|pair| pair[1].text == particle);
        pairs.filter(|pair| pair[0].is_content()).map(|pair| pair[0].text.clone()).collect()
    };
    let between = |x: &Question, y: &Question| {
        let (within, without) = (of(x, "in"), of(y, "out"));
        within.into_iter().find(|verb| without.contains(verb))
    };
    if let Some(verb) = between(a, b) {
        return Some((format!("{verb} in"), format!("{verb} out")));
    }
    between(b, a).map(|verb| (format!("{verb} out"), format!("{verb} in")))
}
