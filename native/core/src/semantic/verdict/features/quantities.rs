//! Amounts: a number with its unit, by what they come to, `90 minutes` or `1.5 hours`.

use crate::semantic::question::Question;
use crate::semantic::question::classes::is_unit;
use crate::semantic::question::segment::Kind;

/// Units that are multiples of each other: what they measure, and how many of the smallest they are.
const SCALES: &[(&str, u8, f64)] = &[
    ("millisecond", 0, 0.001),
    ("second-unit", 0, 1.0),
    ("minute", 0, 60.0),
    ("hour", 0, 3600.0),
    ("day", 0, 86_400.0),
    ("week", 0, 604_800.0),
    ("month", 1, 1.0),
    ("year", 1, 12.0),
    ("decade", 1, 120.0),
    ("millimeter", 2, 1.0),
    ("centimeter", 2, 10.0),
    ("meter", 2, 1000.0),
    ("kilometer", 2, 1_000_000.0),
    ("microgram", 3, 0.000_001),
    ("milligram", 3, 0.001),
    ("gram", 3, 1.0),
    ("kilogram", 3, 1000.0),
    ("milliliter", 4, 1.0),
    ("liter", 4, 1000.0),
];

/// An amount in the smallest unit of what it measures.
struct Amount {
    /// The place of its number, or of the article: `an hour`.
    place: usize,
    measures: u8,
    value: f64,
}

/// The places of the words, numbers and units, of amounts that stand in both questions, however they are written.
pub(super) fn shared(a: &Question, b: &Question) -> (Vec<usize>, Vec<usize>) {
    let (of_a, of_b) = (amounts(a), amounts(b));
    let is_same = |x: &Amount, y: &Amount| {
        x.measures == y.measures && (x.value - y.value).abs() <= 1e-9 * x.value.abs().max(y.value.abs())
    };
    let both = |of: &[Amount], others: &[Amount]| -> Vec<usize> {
        let found = of.iter().filter(|amount| others.iter().any(|other| is_same(amount, other)));
        found.flat_map(|amount| [amount.place, amount.place + 1]).collect()
    };
    (both(&of_a, &of_b), both(&of_b, &of_a))
}

fn amounts(question: &Question) -> Vec<Amount> {
    let pairs = question.words.windows(2).enumerate();
    let found = pairs.filter_map(|(place, pair)| {
        let value = match pair[0].kind {
            Kind::Number => pair[0].text.parse().ok()?,
            Kind::Word if matches!(pair[0].text.as_str(), "a" | "an" | "one") => 1.0,
            _ => return None,
        };
        let (_, measures, scale) = SCALES.iter().find(|(unit, ..)| *unit == pair[1].text)?;
        Some(Amount { place, measures: *measures, value: value * scale })
    });
    found.collect()
}

/// How many units of measure, those behind numbers with their numbers, stand in one question only.
pub(super) fn units(a: &Question, b: &Question) -> usize {
    let (of_a, of_b) = units_of_one(a, b);
    of_a.len() + of_b.len()
}

/// Those of the first only, and of the second only.
pub(super) fn units_of_one(a: &Question, b: &Question) -> (Vec<String>, Vec<String>) {
    let of = |question: &Question, shared: &[usize]| -> Vec<String> {
        let behind_number = |place: usize| {
            let before = place.checked_sub(1).and_then(|before| question.words.get(before));
            before.is_some_and(|word| word.kind == Kind::Number)
        };
        // `am` is a time of day behind a number only, and what everybody says of himself elsewhere.
        let words = question.words.iter().enumerate().filter(|(place, _)| !shared.contains(place));
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
    let (shared_a, shared_b) = shared(a, b);
    let (of_a, of_b) = (of(a, &shared_a), of(b, &shared_b));
    let only =
        |of: &[String], other: &[String]| of.iter().filter(|unit| !other.contains(unit)).cloned().collect();
    (only(&of_a, &of_b), only(&of_b, &of_a))
}
