//! Which preposition governs a word: `from Paris to London` is not `from London to Paris`.

use crate::semantic::question::Question;
use crate::semantic::question::classes::Class;
use crate::semantic::verdict::align::Alignment;

#[derive(Default)]
pub(super) struct Roles {
    pub(super) swapped: usize,
    pub(super) differ: usize,
    pub(super) missing: usize,
}

/// Which preposition governs each aligned word, and whether that is the same on both sides.
pub(super) fn roles(a: &Question, b: &Question, alignment: &Alignment) -> Roles {
    let mut found = Roles::default();
    let pairs: Vec<(Option<u8>, Option<u8>)> =
        alignment.pairs.iter().map(|(x, y, _)| (role(a, *x), role(b, *y))).collect();
    for (place, (x, y)) in pairs.iter().enumerate() {
        match (x, y) {
            (Some(x), Some(y)) if x != y => found.differ += 1,
            (Some(_), None) | (None, Some(_)) => found.missing += 1,
            _ => {}
        }
        if x != y {
            found.swapped += pairs[place + 1..].iter().filter(|(v, w)| x == w && y == v).count();
        }
    }
    found
}

/// The preposition before a word, with nothing but glue in between.
fn role(question: &Question, place: usize) -> Option<u8> {
    for word in question.words[..place].iter().rev() {
        if let Some(role) = preposition(&word.text) {
            return Some(role);
        }
        if !matches!(word.class, Class::Glue | Class::Person(_) | Class::Quantity(_)) {
            return None;
        }
    }
    None
}

const PREPOSITIONS: &[&[&str]] = &[
    &["from", "off"],
    &["to", "into", "onto", "toward", "towards"],
    &["in", "inside", "within", "at", "on"],
    &["by", "with", "using", "via", "through"],
    &["of"],
    &["for"],
    &["than", "over"],
    &["before", "until", "till"],
    &["after", "since"],
    &["without", "except", "excluding"],
    &["between", "and", "or", "versus"],
    &["against"],
    &["about"],
];

fn preposition(word: &str) -> Option<u8> {
    PREPOSITIONS.iter().position(|group| group.contains(&word)).and_then(|place| u8::try_from(place).ok())
}
