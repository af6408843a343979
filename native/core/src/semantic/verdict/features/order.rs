//! In which order words stand: `does stress cause insomnia` is not `does insomnia cause stress`.

use crate::semantic::question::classes::Class;
use crate::semantic::question::{Question, Word};
use crate::semantic::verdict::align::Alignment;

/// The share of pairs of aligned words that stand in the other order, and how many neighbours do.
#[allow(clippy::cast_precision_loss)] // counts of words
pub(super) fn inversions(alignment: &Alignment) -> (f32, usize) {
    let order: Vec<usize> = alignment.pairs.iter().map(|(_, y, _)| *y).collect();
    let (mut inverted, mut all) = (0, 0);
    for place in 0..order.len() {
        for later in &order[place + 1..] {
            all += 1;
            inverted += usize::from(*later < order[place]);
        }
    }
    let neighbours = order.windows(2).filter(|pair| pair[1] < pair[0]).count();
    (if all == 0 { 0.0 } else { inverted as f32 / all as f32 }, neighbours)
}

/// The longest run of words that stand in reverse order. Two clauses that changed places give 2; `client … server` turned
/// round what stands between them gives 3.
pub(super) fn pivot(a: &Question, b: &Question, alignment: &Alignment) -> usize {
    let order = sequence(a, b, alignment);
    let mut longest = vec![1; order.len()];
    for place in 0..order.len() {
        for before in 0..place {
            if order[before] > order[place] {
                longest[place] = longest[place].max(longest[before] + 1);
            }
        }
    }
    longest.into_iter().max().unwrap_or(0)
}

/// For the words of the first question that stand in the second too, articles left out, their places there.
fn sequence(a: &Question, b: &Question, alignment: &Alignment) -> Vec<usize> {
    let mut taken = vec![false; b.words.len()];
    let mut order = Vec::new();
    for (place, word) in a.words.iter().enumerate() {
        let paired = alignment.pairs.iter().find(|(x, _, _)| *x == place).map(|(_, y, _)| *y);
        let same = || {
            let mut places =
                b.words.iter().enumerate().filter(|(at, other)| !taken[*at] && said(other) == said(word));
            places.next().map(|(at, _)| at)
        };
        let is_article =
            matches!(word.text.as_str(), "a" | "an" | "the" | "is" | "are" | "do" | "does" | "and" | "or");
        if let Some(at) = paired.or_else(|| if is_article { None } else { same() }) {
            taken[at] = true;
            order.push(at);
        }
    }
    order
}

/// A word, with the cases of a pronoun as one.
fn said(word: &Word) -> &str {
    match word.text.as_str() {
        "me" | "my" => "i",
        "us" | "our" => "we",
        "him" | "his" => "he",
        "her" => "she",
        "them" | "their" => "they",
        "your" => "you",
        text => text,
    }
}

pub(super) fn first_differs(a: &Question, b: &Question, alignment: &Alignment) -> bool {
    let first_a = a.content().next();
    let first_b = b.content().next();
    !alignment.pairs.iter().any(|(x, y, _)| Some(*x) == first_a && Some(*y) == first_b)
}

/// The share of neighbouring words, fillers and articles left out, that stand together in both.
#[allow(clippy::cast_precision_loss)] // counts of words
pub(super) fn bigrams(a: &Question, b: &Question) -> f32 {
    let of = |question: &Question| -> Vec<String> {
        let words = question.words.iter().filter(|word| {
            word.class != Class::Filler
                && !matches!(word.text.as_str(), "a" | "an" | "the" | "is" | "do" | "does")
        });
        let words: Vec<&str> = words.map(|word| word.text.as_str()).collect();
        words.windows(2).map(|pair| pair.join(" ")).collect()
    };
    let (of_a, of_b) = (of(a), of(b));
    let shared = of_a.iter().filter(|pair| of_b.contains(pair)).count();
    2.0 * shared as f32 / ((of_a.len() + of_b.len()) as f32).max(1.0)
}

/// How much better two words fit the other question's order when they change places: neighbours of the one there that are
/// neighbours of the other here, less those that each has in both. `does stress cause insomnia` and `does insomnia cause
/// stress` give 4, moved clauses 0 or 1.
pub(super) fn swap(a: &Question, b: &Question) -> i32 {
    fn spoken(question: &Question) -> Vec<&str> {
        let skipped = [
            "a", "an", "the", "my", "our", "your", "his", "their", "its", "and", "or", "that", "is", "are",
            "be",
        ];
        let words = question.words.iter().filter(|word| !skipped.contains(&word.text.as_str()));
        words.map(said).take(80).collect()
    }
    let (of_a, of_b) = (spoken(a), spoken(b));
    let once = |words: &[&str], word: &str| words.iter().filter(|other| **other == word).count() == 1;
    let shared: Vec<(usize, usize)> = of_a
        .iter()
        .enumerate()
        .filter(|(_, word)| once(&of_a, word) && once(&of_b, word))
        .filter_map(|(x, word)| of_b.iter().position(|other| other == word).map(|y| (x, y)))
        .collect();
    let agree =
        |x: &[Option<&str>; 2], y: &[Option<&str>; 2]| i32::from(x[0] == y[0]) + i32::from(x[1] == y[1]);
    let mut most = 0;
    for (place, (x1, y1)) in shared.iter().enumerate() {
        for (x2, y2) in &shared[place + 1..] {
            if (x1 < x2) == (y1 < y2) {
                continue;
            }
            let (first, second) = (of_a[*x1], of_a[*x2]);
            let here = [around(&of_a, *x1, second), around(&of_a, *x2, first)];
            let there = [around(&of_b, *y1, second), around(&of_b, *y2, first)];
            let crossed = agree(&here[0], &there[1]) + agree(&here[1], &there[0]);
            let straight = agree(&here[0], &there[0]) + agree(&here[1], &there[1]);
            most = most.max(crossed - straight);
        }
    }
    most
}

/// The words on both sides of one. A neighbour that is the other of the two that change places says nothing.
fn around<'q>(words: &[&'q str], place: usize, other: &str) -> [Option<&'q str>; 2] {
    let of = |at: Option<usize>| match at.and_then(|at| words.get(at)) {
        Some(word) if *word == other => Some("\u{0}"),
        word => word.copied(),
    };
    [of(place.checked_sub(1)), of(Some(place + 1))]
}
