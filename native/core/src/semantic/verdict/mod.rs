//! Whether the reply to one question answers another.
//!
//! A question is read once ([`Verifier::read`]): its words, and its tokens as the embedding model sees them, each reduced to
//! a few numbers. Two of them are judged ([`Verifier::judge`]): facts that differ forbid sharing whatever else is alike;
//! otherwise a small network gives log odds. What they are worth is a matter of calibration, which is not done here.

pub mod align;
pub mod features;
pub mod model;
mod pack;
pub mod trees;

use features::{Directions, Looked, Side, Veto};
use model::{BadModel, Model};

use super::lexicon::Lexicon;
use super::question::Question;
use super::tokens::Encoded;
use align::How;

pub use pack::Packed;

/// Tokens beyond which nothing is judged: the network was trained on questions, not on documents.
pub const MOST_TOKENS: usize = 128;
/// Words, or quotations, beyond which a pair is not even looked at: what is made of control characters has few tokens and
/// many words, and looking takes the product of both numbers of words.
const MOST_WORDS: usize = 2 * MOST_TOKENS;

/// Reads and judges questions.
#[derive(Debug)]
pub struct Verifier {
    lexicon: Lexicon,
    model: Model,
}

/// A question that has been read.
#[derive(Debug, Clone)]
pub struct Subject {
    /// As it was asked.
    pub text: String,
    /// Its sentence embedding, of unit length; empty if only its tokens are known.
    pub sentence: Vec<f32>,
    question: Question,
    directions: Directions,
    tokens: Vec<f32>,
    packed: Packed,
}

/// What came of judging a pair.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Cosine of the sentence embeddings.
    pub similarity: f32,
    /// Log odds that the reply to one answers the other; negative infinity if a fact differs.
    pub score: f32,
    /// Why, the weightiest first.
    pub reasons: Vec<String>,
    /// The words that were put side by side: of the first, of the second, how; one of them empty if it stands alone.
    pub words: Vec<(String, String, &'static str)>,
    /// The features, in the order of their names.
    pub features: Vec<f32>,
}

impl Verifier {
    /// A verifier with its lexicon and weights.
    ///
    /// # Errors
    /// The weights are none.
    pub fn new(lexicon: Lexicon, weights: &[u8]) -> Result<Self, BadModel> {
        Ok(Self { lexicon, model: Model::new(weights)? })
    }

    /// Numbers per token that [`Self::read`] expects.
    #[must_use]
    pub fn width(&self) -> usize {
        self.model.width
    }

    /// Reads a question. `tokens`: an embedding for each of `encoded`'s tokens.
    #[must_use]
    pub fn read(&self, text: &str, encoded: &Encoded, sentence: &[f32], tokens: &[f32]) -> Subject {
        let (mut spans, mut projected) = (Vec::new(), Vec::new());
        for (span, token) in encoded.spans.iter().zip(tokens.chunks_exact(self.model.width.max(1))) {
            if span.1 > span.0 {
                spans.push(*span);
                projected.extend(self.model.project(token));
            }
        }
        let packed = Packed::new(&spans, &projected, self.model.size);
        self.unpack(text, packed, sentence.to_vec())
    }

    /// A question from what was kept of it: the same as when it was read.
    #[must_use]
    pub fn unpack(&self, text: &str, packed: Packed, sentence: Vec<f32>) -> Subject {
        let question = Question::read(text, &self.lexicon);
        let (spans, tokens) = packed.open(self.model.size);
        let directions = directions(&question, &spans, &tokens, self.model.size);
        Subject { text: text.to_owned(), sentence, question, directions, tokens, packed }
    }

    /// Judges a pair. `similarity`: the cosine of their sentence embeddings.
    #[must_use]
    pub fn judge(&self, a: &Subject, b: &Subject, similarity: f32) -> Verdict {
        if a.has_too_many_words() || b.has_too_many_words() {
            return Verdict::not_judged(similarity);
        }
        let looked = features::look(a.side(), b.side(), similarity, &self.lexicon);
        let most = MOST_TOKENS * self.model.size;
        let too_long = a.tokens.len() > most || b.tokens.len() > most;
        let score = if too_long || !looked.vetoes.is_empty() {
            f32::NEG_INFINITY
        } else {
            self.model.score(&a.tokens, &b.tokens, &looked.features)
        };
        let mut reasons = reasons(a, b, &looked);
        if too_long {
            reasons.insert(0, too_long_reason());
        }
        let words = words(a, b, &looked);
        Verdict { similarity, score, reasons, words, features: looked.features.to_vec() }
    }
}

impl Subject {
    /// What is kept of it beside its text.
    #[must_use]
    pub fn packed(&self) -> &Packed {
        &self.packed
    }

    fn has_too_many_words(&self) -> bool {
        self.question.words.len().max(self.question.quotes.len()) > MOST_WORDS
    }

    fn side(&self) -> Side<'_> {
        Side { question: &self.question, directions: &self.directions }
    }
}

impl Verdict {
    /// Of a pair that is too long to be looked at.
    fn not_judged(similarity: f32) -> Self {
        let mut features = vec![0.0; features::COUNT];
        features[0] = similarity;
        Self {
            similarity,
            score: f32::NEG_INFINITY,
            reasons: vec![too_long_reason()],
            words: Vec::new(),
            features,
        }
    }
}

fn too_long_reason() -> String {
    format!("longer than {MOST_TOKENS} tokens: not judged")
}

/// For each word with meaning the mean of its tokens, of unit length.
fn directions(question: &Question, spans: &[(usize, usize)], tokens: &[f32], size: usize) -> Directions {
    let mut data = Vec::new();
    for place in question.content() {
        let word = &question.words[place];
        let mut sum = vec![0.0_f32; size];
        // Spans are in order and do not overlap.
        let first = spans.partition_point(|(_, end)| *end <= word.start);
        let of_word = spans[first..].iter().take_while(|(start, _)| *start < word.end);
        for (token, _) in tokens.chunks_exact(size).skip(first).zip(of_word) {
            sum.iter_mut().zip(token).for_each(|(into, value)| *into += value);
        }
        let norm = sum.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-6);
        data.extend(sum.into_iter().map(|value| value / norm));
    }
    Directions { width: size, data }
}

fn words(a: &Subject, b: &Subject, looked: &Looked) -> Vec<(String, String, &'static str)> {
    let text = |side: &Subject, place: usize| side.question.words[place].text.clone();
    let alignment = &looked.alignment;
    let pairs = alignment.pairs.iter().map(|(x, y, how)| (text(a, *x), text(b, *y), name(*how)));
    let left_a = alignment.left_a.iter().map(|x| (text(a, *x), String::new(), "left over"));
    let left_b = alignment.left_b.iter().map(|y| (String::new(), text(b, *y), "left over"));
    pairs.chain(left_a).chain(left_b).collect()
}

const fn name(how: How) -> &'static str {
    match how {
        How::Same => "same",
        How::Form => "form",
        How::Compound => "compound",
        How::Synonym => "synonym",
        How::Derived => "derived",
        How::Typo => "typo",
    }
}

fn reasons(a: &Subject, b: &Subject, looked: &Looked) -> Vec<String> {
    let mut found = Vec::new();
    for Veto { what, a, b } in &looked.vetoes {
        let or_none = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
        found.push(match *what {
            "opposite" => format!("opposites: {a} / {b}"),
            what => format!("{what}s differ: {} / {}", or_none(a), or_none(b)),
        });
    }
    let value = |name: &str| {
        features::NAMES.iter().position(|known| *known == name).map_or(0.0, |place| looked.features[place])
    };
    let only = |side: &Subject, places: &[usize]| -> String {
        places.iter().map(|place| side.question.words[*place].text.as_str()).collect::<Vec<_>>().join(", ")
    };
    let (left_a, left_b) = (only(a, &looked.alignment.left_a), only(b, &looked.alignment.left_b));
    match (left_a.is_empty(), left_b.is_empty()) {
        (false, false) => found.push(format!("replaced: {left_a} / {left_b}")),
        (false, true) => found.push(format!("only in the first: {left_a}")),
        (true, false) => found.push(format!("only in the second: {left_b}")),
        (true, true) => {}
    }
    for (name, what) in [
        ("units_differ", "units differ"),
        ("asks_conflict", "they ask for different things"),
        ("quantities", "quantities differ"),
        ("modals", "may, must or should differ"),
        ("tenses", "tenses differ"),
        ("degrees", "comparatives differ"),
        ("roles_swapped", "roles are swapped"),
        ("swap", "words have changed places"),
    ] {
        if value(name) > 0.0 {
            found.push(what.to_owned());
        }
    }
    if found.is_empty() {
        found.push("every word with meaning has its counterpart".to_owned());
    }
    found
}

#[cfg(test)]
mod tests;
