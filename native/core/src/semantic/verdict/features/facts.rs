//! Facts: numbers, literals, quotations, units of measure, opposites.

use super::Veto;
use crate::semantic::lexicon::Lexicon;
use crate::semantic::question::Question;
use crate::semantic::question::classes::{Class, are_opposites, is_date, is_unit};
use crate::semantic::question::marks;
use crate::semantic::question::segment::Kind;
use crate::semantic::verdict::align::{Alignment, MOST_LEFT};

const SINGLE: &[&str] = &["one", "a", "an", "single", "per"];

/// Phrases with one negation each that say nothing of what is asked.
const COURTESIES: &[&str] = &[
    "if you don't mind",
    "if you do not mind",
    "if it's not too much",
    "if that's not too much",
    "if it isn't too much",
    "not sure if this is the right place",
    "not sure whether this is the right place",
    "no rush",
    "no hurry",
    "no worries",
];

const MAY: &[&str] =
    &["can ", "may ", "am i allowed", "are we allowed", "is it allowed", "is it possible", "is it ok"];
const MUST: &[&str] = &[
    "must ",
    "am i required",
    "am i obliged",
    "are we required",
    "is it mandatory",
    "is it compulsory",
    "is it required",
    "is it necessary",
];
const DUTIES: &[&str] = &[" have to ", " need to "];

/// What asks for two things to be compared.
const COMPARES: &[&str] =
    &["difference", "differ", "diff", "versus", "compare", "comparison", "distinguish", "distinction"];

/// Facts that must be equal: numbers, literals with digits or signs, quotations, units, dates, negations,
/// opposites, and what the model does not see.
pub(super) fn vetoes(a: &Question, b: &Question, alignment: &Alignment, lexicon: &Lexicon) -> Vec<Veto> {
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
    } else if a.quotes.iter().zip(&b.quotes).any(|(x, y)| x.to_lowercase() != y.to_lowercase()) {
        // `replace "x" by "y"`: the same two the other way round mean something else.
        found.push(Veto { what: "order of quotations", a: a.quotes.join(", "), b: b.quotes.join(", ") });
    }
    if let Some((x, y)) = opposite_words(a, b, lexicon).into_iter().next() {
        found.push(Veto { what: "opposite", a: x, b: y });
    }
    let (of_a, of_b) = units_of_one(a, b);
    let bare = |units: &[String]| -> Vec<String> {
        units
            .iter()
            .filter_map(|unit| unit.split(' ').next_back())
            .filter(|unit| *unit != "degree")
            .map(str::to_owned)
            .collect()
    };
    let (bare_a, bare_b) = (bare(&of_a), bare(&of_b));
    // One alone may be left out: `how tall in metres`, `how many metres tall`. Two that stand against each other differ.
    if bare_a.iter().any(|unit| !bare_b.contains(unit)) && bare_b.iter().any(|unit| !bare_a.contains(unit)) {
        found.push(Veto { what: "unit", a: of_a.join(", "), b: of_b.join(", ") });
    }
    let dates = |question: &Question, places: &[usize]| -> Vec<String> {
        let words = places.iter().map(|place| &question.words[*place].text).filter(|word| is_date(word));
        words.cloned().collect()
    };
    let (of_a, of_b) = (dates(a, &alignment.left_a), dates(b, &alignment.left_b));
    if !of_a.is_empty() && !of_b.is_empty() {
        found.push(Veto { what: "date", a: of_a.join(", "), b: of_b.join(", ") });
    }
    let names = |question: &Question, places: &[usize]| -> Vec<String> {
        let words = places.iter().map(|place| &question.words[*place]);
        let named = words.filter(|word| {
            word.kind == Kind::Word && !word.is_known && !is_unit(&word.text) && !is_date(&word.text)
        });
        named.map(|word| word.text.clone()).collect()
    };
    let (of_a, of_b) = (names(a, &alignment.left_a), names(b, &alignment.left_b));
    if !of_a.is_empty() && !of_b.is_empty() {
        found.push(Veto { what: "name", a: of_a.join(", "), b: of_b.join(", ") });
    }
    let compares = |question: &Question| {
        // `how are jam and marmalade different`
        let how = question.words.iter().any(|word| word.text == "how");
        let compares = |word: &&str| COMPARES.contains(word) || (how && *word == "different");
        question.words.iter().map(|word| word.text.as_str()).find(compares).unwrap_or_default().to_owned()
    };
    let (of_a, of_b) = (compares(a), compares(b));
    if of_a.is_empty() != of_b.is_empty() {
        found.push(Veto { what: "comparison", a: of_a, b: of_b });
    }
    let (of_a, of_b) = (negations(a), negations(b));
    let count = |words: &[&str], of: &Question| words.len().saturating_sub(courtesies(of));
    if count(&of_a, a) != count(&of_b, b) {
        found.push(Veto { what: "negation", a: of_a.join(", "), b: of_b.join(", ") });
    } else if !asks_why(a) && !asks_why(b) {
        // `spins but does not drain`, `drains but does not spin`. Behind `why` the subject follows: `why won't it`.
        let (of_a, of_b) = (negated(a), negated(b));
        let has = |of: &Question, text: &str| of.words.iter().any(|word| word.text == text);
        let x = of_a.iter().find(|word| !of_b.contains(word) && has(b, word));
        let y = of_b.iter().find(|word| !of_a.contains(word) && has(a, word));
        if let (Some(x), Some(y)) = (x, y) {
            found.push(Veto { what: "negation", a: (*x).to_owned(), b: (*y).to_owned() });
        }
    }
    if let Some((x, y)) = particles(a, b) {
        found.push(Veto { what: "opposite", a: x, b: y });
    }
    let (of_a, of_b) = (modality(a), modality(b));
    if let (Some(x), Some(y)) = (of_a, of_b)
        && x != y
    {
        found.push(Veto { what: "modal verb", a: x.to_owned(), b: y.to_owned() });
    }
    found.extend(marks::differing(&a.marks, &b.marks).into_iter().map(|(what, a, b)| Veto { what, a, b }));
    found
}

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
    let are_contrary = |x: &str, y: &str| are_opposites(x, y) || lexicon.are_antonyms(x, y);
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
    let found =
        of_a.iter().filter_map(|x| of_b.iter().find(|y| contrary(x, y)).map(|y| (x.clone(), y.clone())));
    found.collect()
}

fn negations(question: &Question) -> Vec<&str> {
    let words = question.words.iter().filter(|word| word.class == Class::Negation);
    words.map(|word| word.text.as_str()).collect()
}

/// Negations that only belong to good manners.
fn courtesies(question: &Question) -> usize {
    let plain = question.plain.replace('’', "'");
    COURTESIES.iter().map(|phrase| plain.matches(phrase).count()).sum()
}

fn asks_why(question: &Question) -> bool {
    question.words.iter().any(|word| word.text == "why")
}

/// The words that are negated: after each negation the next one that carries meaning.
fn negated(question: &Question) -> Vec<&str> {
    let places = question.words.iter().enumerate().filter(|(_, word)| word.class == Class::Negation);
    let next = |place: usize| question.words.get(place + 1..)?.iter().find(|word| word.is_content());
    places.filter_map(|(place, _)| next(place)).map(|word| word.text.as_str()).collect()
}

/// The same verb with `in` in one and with `out` in the other: `opt in`, `log out`.
fn particles(a: &Question, b: &Question) -> Option<(String, String)> {
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

/// Whether a yes-or-no question asks if something may be done or if it has to be.
fn modality(question: &Question) -> Option<&'static str> {
    let plain = question.plain.as_str();
    let begins = |with: &[&str]| with.iter().any(|words| plain.starts_with(words));
    if begins(MAY) {
        return Some("may");
    }
    let asks_for_duty = begins(&["do ", "does ", "did "]) && DUTIES.iter().any(|duty| plain.contains(duty));
    (asks_for_duty || begins(MUST)).then_some("must")
}

/// How many units of measure, those behind numbers with their numbers, stand in one question only.
pub(super) fn units(a: &Question, b: &Question) -> usize {
    let (of_a, of_b) = units_of_one(a, b);
    of_a.len() + of_b.len()
}

/// Those of the first only, and of the second only.
fn units_of_one(a: &Question, b: &Question) -> (Vec<String>, Vec<String>) {
    let of = |question: &Question| -> Vec<String> {
        let behind_number = |place: usize| {
            let before = place.checked_sub(1).and_then(|before| question.words.get(before));
            before.is_some_and(|word| word.kind == Kind::Number)
        };
        // `am` is a time of day behind a number only, and what everybody says of himself elsewhere.
        let words = question.words.iter().enumerate();
        let words =
            words.filter(|(place, word)| is_unit(&word.text) && (word.text != "am" || behind_number(*place)));
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
    let only =
        |of: &[String], other: &[String]| of.iter().filter(|unit| !other.contains(unit)).cloned().collect();
    (only(&of_a, &of_b), only(&of_b, &of_a))
}
