//! Facts that forbid sharing: numbers, literals, quotations, units, names, and what the modules beside this one find.

use super::Veto;
use super::contraries::{least, opposite_words, particles, sides};
use super::negation::contradiction;
use super::quantities::{shared, units_of_one};
use crate::semantic::lexicon::Lexicon;
use crate::semantic::question::Question;
use crate::semantic::question::classes::{is_date, is_unit};
use crate::semantic::question::marks;
use crate::semantic::question::segment::Kind;
use crate::semantic::verdict::align::Alignment;

const SINGLE: &[&str] = &["one", "a", "an", "single", "per", "first"];
const TWO: &[&str] = &["both", "pair", "couple", "double", "twice", "between", "second"];

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

/// What stands here and what stands there.
pub(super) struct Differing {
    pub(super) a: String,
    pub(super) b: String,
}

/// What may do so in other words: `which is bigger`, `tell them apart`.
const ALSO_COMPARES: &[&str] = &[
    "apart",
    "than",
    "better",
    "or",
    "distinct",
    "other",
    "unlike",
    "contrast",
    "change",
    "changed",
    "between",
    "mix",
    "different",
    "versus",
    "cheaper",
    "more",
    "less",
    "against",
];

/// Facts that must be equal: numbers, literals with digits or signs, quotations, units, dates, negations,
/// opposites, and what the model does not see.
pub(super) fn vetoes(a: &Question, b: &Question, alignment: &Alignment, lexicon: &Lexicon) -> Vec<Veto> {
    let mut found = Vec::new();
    let (shared_a, shared_b) = shared(a, b);
    let left = |question: &Question, places: &[usize], shared: &[usize], kind: Kind| -> Vec<String> {
        let places = places.iter().filter(|place| kind != Kind::Number || !shared.contains(place));
        let words = places.map(|place| &question.words[*place]).filter(|word| word.kind == kind);
        words.map(|word| word.text.clone()).collect()
    };
    for (kind, what) in [(Kind::Number, "number"), (Kind::Literal, "literal")] {
        let (mut of_a, mut of_b) =
            (left(a, &alignment.left_a, &shared_a, kind), left(b, &alignment.left_b, &shared_b, kind));
        if kind == Kind::Number {
            same_ordinals(&mut of_a, &mut of_b);
            of_a.retain(|number| !is_said_otherwise(number, b));
            of_b.retain(|number| !is_said_otherwise(number, a));
        }
        of_a.retain(|text| !stands_in_code(text, a, b));
        of_b.retain(|text| !stands_in_code(text, b, a));
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
            // £5 are five pounds.
            .map(|unit| if unit == "sterling" { "pound".to_owned() } else { unit.to_owned() })
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
    if let Some((a, b)) = comparison(a, b, alignment) {
        found.push(Veto { what: "comparison", a, b });
    }
    if let Some(Differing { a, b }) = contradiction(a, b, alignment) {
        found.push(Veto { what: "negation", a, b });
    }
    if let Some((x, y)) = particles(a, b).or_else(|| least(a, b)).or_else(|| sides(a, b)) {
        found.push(Veto { what: "opposite", a: x, b: y });
    }
    let (of_a, of_b) = (modality(a), modality(b));
    if let (Some(x), Some(y)) = (of_a, of_b)
        && x != y
    {
        found.push(Veto { what: "modal verb", a: x.to_owned(), b: y.to_owned() });
    }
    if is_foreign_to(a, b, |place| alignment.pairs.iter().any(|pair| pair.0 == place))
        || is_foreign_to(b, a, |place| alignment.pairs.iter().any(|pair| pair.1 == place))
    {
        found.push(Veto { what: "language", a: String::new(), b: String::new() });
    }
    found.extend(marks::differing(&a.marks, &b.marks).into_iter().map(|(what, a, b)| Veto { what, a, b }));
    found
}

/// Whether one question is in a language that is unknown and the other, in English, does not have its words.
fn is_foreign_to(question: &Question, other: &Question, is_shared: impl Fn(usize) -> bool) -> bool {
    question.marks.is_of_unknown_language()
        && !other.marks.is_of_unknown_language()
        && marks::is_of_unknown_language(&question.words, is_shared)
}

/// The word that asks for a comparison, if one question has it and the other nothing of the kind.
fn comparison(a: &Question, b: &Question, alignment: &Alignment) -> Option<(String, String)> {
    let compares = |question: &Question| {
        // `how are jam and marmalade different`
        let how = question.words.iter().any(|word| word.text == "how");
        let compares = |text: &str| COMPARES.contains(&text) || (how && text == "different");
        question.words.iter().position(|word| compares(&word.text))
    };
    let also = |question: &Question| {
        question.words.iter().any(|word| word.degree > 0 || ALSO_COMPARES.contains(&word.text.as_str()))
    };
    let text = |question: &Question, place: Option<usize>| {
        place.map(|place| question.words[place].text.clone()).unwrap_or_default()
    };
    let (of_a, of_b) = (compares(a), compares(b));
    let is_alone = match (of_a, of_b) {
        (Some(x), None) => !alignment.pairs.iter().any(|pair| pair.0 == x) && !also(b),
        (None, Some(y)) => !alignment.pairs.iter().any(|pair| pair.1 == y) && !also(a),
        _ => false,
    };
    is_alone.then(|| (text(a, of_a), text(b, of_b)))
}

/// `year three`, `the third year`: the number is the same.
fn same_ordinals(of_a: &mut Vec<String>, of_b: &mut Vec<String>) {
    of_a.retain(|number| {
        let is_same = |other: &String| {
            other.strip_suffix("th").is_some_and(|other| other == number)
                || number.strip_suffix("th").is_some_and(|number| number == other)
        };
        let found = of_b.iter().position(is_same);
        if let Some(place) = found {
            of_b.remove(place);
        }
        found.is_none()
    });
}

/// A number that the other question says without one: `1 TB` is a terabyte, `two files` are both files.
fn is_said_otherwise(number: &str, other: &Question) -> bool {
    let has = |list: &[&str]| other.words.iter().any(|word| list.contains(&word.text.as_str()));
    number == "1" && has(SINGLE) || number == "2" && has(TWO)
}

/// Code in backticks here that stands there without them, or a part of such code.
fn stands_in_code(text: &str, of: &Question, other: &Question) -> bool {
    let is_code = |quote: &str| quote.len() > 2 && quote.contains(|letter: char| !letter.is_alphanumeric());
    let in_both = |quote: &&String| {
        let quote = quote.to_lowercase();
        is_code(&quote) && of.plain.contains(&quote) && other.plain.contains(&quote)
    };
    let text = text.to_lowercase();
    of.quotes.iter().chain(&other.quotes).filter(in_both).any(|quote| quote.to_lowercase().contains(&text))
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
