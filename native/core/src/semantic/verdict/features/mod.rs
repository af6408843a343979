//! What a pair of questions looks like, as numbers: what the verdict weighs.
//!
//! * `similar`: how near words are to one another.
//! * `left`: words that nothing stands for.
//! * `classes`: what words do that are taken for granted: negations, modals, what is asked for, of whom.
//! * `roles`, `order`: who does what to whom.
//! * `facts`: numbers, literals, quotations, units, names: what forbids sharing.
//! * `negation`, `contraries`, `quantities`: what is denied, opposites, amounts, as far as they forbid it.
//!
//! Every feature is the same whichever question comes first. **Cost**: about 20 µs for two questions of 25 words; it grows with the
//! product of their numbers of words, so that callers look at short ones only.

mod classes;
mod contraries;
mod facts;
mod left;
mod negation;
mod order;
mod quantities;
mod roles;
mod similar;
#[cfg(test)]
mod tests;

use super::align::{Alignment, How, align};
use crate::semantic::lexicon::Lexicon;
use crate::semantic::question::classes::Class;
use crate::semantic::question::segment::Kind;
use crate::semantic::question::{Question, Word};
use classes::{Asks, asked, asks, class_difference, degrees, fillers, has, negations, persons};
use facts::vetoes;
use left::{contrasts, rarity};
use order::{bigrams, first_differs, inversions, pivot, swap};
use quantities::units;
use roles::roles;
use similar::{Similar, mean};

pub use contraries::opposite_words;

/// The names of the features, in order.
pub const NAMES: &[&str] = &[
    "cosine",
    "content_words",
    "length_ratio",
    "matched_share",
    "forms",
    "compounds",
    "synonyms",
    "derived",
    "broader",
    "typos",
    "left_total",
    "left_least",
    "left_most",
    "left_rare",
    "antonyms",
    "sisters",
    "left_worst",
    "left_mean",
    "left_replaced_worst",
    "worst",
    "second_worst",
    "mean",
    "same_worst",
    "paired_worst",
    "names_left",
    "unknown_left",
    "literals_left",
    "numbers_differ",
    "quotes_differ",
    "negations",
    "asks_conflict",
    "asks_missing",
    "modals",
    "tenses",
    "quantities",
    "relations",
    "persons",
    "degrees",
    "roles_swapped",
    "roles_differ",
    "roles_missing",
    "inversions",
    "neighbours_inverted",
    "fillers",
    "opposites",
    "units_differ",
    "pivot",
    "first_differs",
    "bigrams",
    "why",
    "when",
    "who_where",
    "how",
    "amount",
    "persons_order",
    "form_conflict",
    "swap",
    "by_differs",
    "swap_whole",
];

/// How many there are.
pub const COUNT: usize = NAMES.len();

/// Directions of the words that carry meaning: one unit vector each, in the order of `Question::content`.
#[derive(Debug, Clone, Default)]
pub struct Directions {
    /// Numbers per word.
    pub width: usize,
    /// All of them, one after the other.
    pub data: Vec<f32>,
}

/// One of the two questions, with what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Side<'q> {
    /// Its words.
    pub question: &'q Question,
    /// Their directions.
    pub directions: &'q Directions,
}

/// A pair's numbers, its alignment and the facts that forbid sharing whatever the numbers say.
#[derive(Debug)]
pub struct Looked {
    /// In the order of [`NAMES`].
    pub features: [f32; COUNT],
    /// What stands for what.
    pub alignment: Alignment,
    /// Facts that must be equal and are not.
    pub vetoes: Vec<Veto>,
}

/// A fact that stands in one question only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Veto {
    /// What kind of fact.
    pub what: &'static str,
    /// As it stands in the first question; empty if it does not.
    pub a: String,
    /// As it stands in the second.
    pub b: String,
}

/// Looks at a pair. `cosine`: of the two sentence embeddings.
#[must_use]
#[allow(clippy::cast_precision_loss, clippy::too_many_lines)] // counts of words; one line per feature
pub fn look(a: Side<'_>, b: Side<'_>, cosine: f32, lexicon: &Lexicon) -> Looked {
    let alignment = align(a.question, b.question, lexicon);
    let similar = Similar::of(a, b);
    let (left_a, left_b) = (&alignment.left_a, &alignment.left_b);
    let (count_a, count_b) = (similar.content_a.len(), similar.content_b.len());
    let left = left_a.len() + left_b.len();
    let words = |side: Side<'_>, places: &[usize], pick: fn(&Word) -> bool| {
        places.iter().filter(|place| pick(&side.question.words[**place])).count()
    };
    let both = |pick: fn(&Word) -> bool| (words(a, left_a, pick) + words(b, left_b, pick)) as f32;
    let how = |kind: How| alignment.pairs.iter().filter(|(_, _, how)| *how == kind).count() as f32;
    let (antonyms, sisters, broader) = contrasts(a.question, b.question, &alignment, lexicon);
    let alone: Vec<f32> = similar.best(left_a, left_b);
    let replaced = similar.replaced(left_a, left_b);
    let mut all = similar.best(&similar.content_a, &similar.content_b);
    all.sort_by(f32::total_cmp);
    let pairs = |wanted: fn(How) -> bool| {
        let chosen = alignment.pairs.iter().filter(|(_, _, how)| wanted(*how));
        chosen.map(|(x, y, _)| similar.pair(*x, *y)).fold(1.0_f32, f32::min)
    };
    let roles = roles(a.question, b.question, &alignment);
    let (inversions, neighbours) = inversions(&alignment);
    let differ = |pick: fn(Class) -> Option<u8>| class_difference(a.question, b.question, pick) as f32;
    let asks = asks(a.question, b.question);
    let asked = asked(a.question, b.question);
    let swap = swap(a.question, b.question);
    let vetoes = vetoes(a.question, b.question, &alignment, lexicon);
    let forbidden = |what: &str| f32::from(vetoes.iter().any(|veto| veto.what == what));
    let features = [
        cosine,
        (1.0 + (count_a + count_b) as f32).ln(),
        (count_a.min(count_b) as f32 + 1.0) / (count_a.max(count_b) as f32 + 1.0),
        2.0 * alignment.pairs.len() as f32 / ((count_a + count_b) as f32).max(1.0),
        how(How::Form),
        how(How::Compound),
        how(How::Synonym),
        how(How::Derived),
        broader as f32,
        how(How::Typo),
        left as f32,
        left_a.len().min(left_b.len()) as f32,
        left_a.len().max(left_b.len()) as f32,
        rarity(a.question, left_a, lexicon) + rarity(b.question, left_b, lexicon),
        antonyms as f32,
        sisters as f32,
        alone.iter().copied().fold(1.0, f32::min),
        mean(&alone),
        replaced,
        all.first().copied().unwrap_or(0.0),
        all.get(1).copied().unwrap_or(1.0),
        mean(&all),
        pairs(|how| how == How::Same),
        pairs(|how| how != How::Same),
        both(|word| word.is_name),
        both(|word| word.kind == Kind::Word && !word.is_known),
        both(|word| word.kind == Kind::Literal),
        forbidden("number"),
        forbidden("quotation"),
        negations(a.question).abs_diff(negations(b.question)) as f32,
        f32::from(asks == Asks::Conflict),
        f32::from(asks == Asks::OneOnly),
        differ(|class| if let Class::Modal(group) = class { Some(group) } else { None }),
        differ(|class| if let Class::Tense(group) = class { Some(group) } else { None }),
        differ(|class| if let Class::Quantity(group) = class { Some(group) } else { None }),
        differ(|class| if let Class::Relation(group) = class { Some(group) } else { None }),
        differ(|class| if let Class::Person(group) = class { Some(group) } else { None }),
        degrees(a.question, b.question) as f32,
        roles.swapped as f32,
        roles.differ as f32,
        roles.missing as f32,
        inversions,
        neighbours as f32,
        fillers(a.question).abs_diff(fillers(b.question)) as f32,
        opposite_words(a.question, b.question, lexicon).len() as f32,
        units(a.question, b.question) as f32,
        pivot(a.question, b.question, &alignment) as f32,
        f32::from(first_differs(a.question, b.question, &alignment)),
        bigrams(a.question, b.question),
        asked[0],
        asked[1],
        asked[2],
        asked[3],
        asked[4],
        f32::from(persons(a.question) != persons(b.question)),
        f32::from(asked.iter().filter(|value| **value > 0.0).count() > 1),
        swap as f32,
        f32::from(has(a.question, "by") != has(b.question, "by")),
        f32::from(swap >= 3 && left == 0),
    ];
    Looked { features, alignment, vetoes }
}
