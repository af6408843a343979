//! What the verdict's words do not show, because the model does not see it or the lexicon does not know it.
//!
//! The model's tokenizer takes case and accents away, and what it has no letters for, from `≥` to 猫, becomes one and the same
//! unknown token; the lexicon knows English only. Such things cannot be judged, so they must be the same in both texts
//! ([`differing`]): if in doubt, miss. **Cost**: a few passes over the text, 1 µs for 25 words.

mod signs;

use std::collections::HashSet;

use super::Word;
use super::classes::Class;
use super::segment::Kind;
use crate::semantic::lexicon::Lexicon;
use signs::{is_accent, is_around, is_code, is_foreign, is_joiner, is_sign, stands_alone, stands_for_a_word};

/// What must be the same in two texts.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// Signs and pictures in order.
    signs: Vec<String>,
    /// Words and digits in scripts other than Latin, in order.
    foreign: Vec<String>,
    /// Words with letters other than the English ones, in alphabetical order.
    accented: Vec<String>,
    /// Expressions and words of unlikely length, in order.
    code: Vec<String>,
    /// Where lines begin, if one of them is indented.
    indents: Vec<String>,
    /// Words as they were written that case may tell apart: literals and what is named after a word such as `variable`.
    cased: Vec<String>,
    /// What stands behind the first colon or the first line: code or a text that something is to be done with.
    payload: String,
    /// Every word as it stands in small letters, if the text is about words: their spelling, their plural.
    spoken: Vec<String>,
    /// Words in capitals that mean something else in small letters: `US`, `WHO`, `AIDS`.
    capitals: Vec<String>,
    /// Most of its plain words are not English.
    unknown_language: bool,
    /// All words in small letters, in order.
    words: Vec<String>,
}

impl Marks {
    pub(super) fn read(text: &str, words: &[Word], quotes: &[String], lexicon: &Lexicon) -> Self {
        let mut marks =
            Self { words: words.iter().map(|word| word.text.clone()).collect(), ..Self::default() };
        let pieces: Vec<&str> = text.split_whitespace().collect();
        for (place, piece) in pieces.iter().enumerate() {
            let next = pieces.get(place + 1);
            let before = place.checked_sub(1).map(|before| pieces[before]);
            if stands_for_a_word(piece, before, next.copied()) {
                continue;
            }
            if stands_alone(piece, next.copied()) {
                marks.signs.push((*piece).to_owned());
            } else if is_code(piece) {
                marks.code.push(piece.trim_matches(is_around).to_owned());
            }
        }
        marks.letters(text);
        marks.accented.sort_unstable();
        let indents = text.lines().filter(|line| !line.trim().is_empty());
        let indents = indents.map(|line| line[..line.len() - line.trim_start().len()].to_owned());
        let indents: Vec<String> = indents.collect();
        if indents.iter().skip(1).any(|indent| !indent.is_empty()) {
            marks.indents = indents;
        }
        let spoken = || text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
        if spoken().any(|word| is_about_words(&word.to_lowercase())) {
            marks.spoken = spoken().map(str::to_lowercase).collect();
        }
        payload(text).clone_into(&mut marks.payload);
        marks.cased(text, words, quotes);
        marks.capitals(text, lexicon);
        marks.unknown_language = is_of_unknown_language(words, |_| false);
        marks
    }

    /// Whether most of its words are not English.
    #[must_use]
    pub const fn is_of_unknown_language(&self) -> bool {
        self.unknown_language
    }

    /// Letter by letter: signs, other scripts, accents.
    fn letters(&mut self, text: &str) {
        let (mut word, mut is_accented, mut is_name, mut foreign) =
            (String::new(), false, false, String::new());
        // One more that ends whatever is open.
        for letter in text.chars().chain([' ']) {
            let is_foreign = is_foreign(letter) || (!foreign.is_empty() && is_joiner(letter));
            if !is_foreign && !foreign.is_empty() {
                self.foreign.push(std::mem::take(&mut foreign));
            }
            if matches!(letter, '²' | '³') && LENGTHS.contains(&word.as_str()) {
                continue; // square metres: the words say it
            }
            if is_foreign {
                foreign.push(letter);
            } else if letter.is_alphabetic() || is_accent(letter) {
                is_name |= word.is_empty() && letter.is_uppercase();
                is_accented |= !letter.is_ascii() && !matches!(letter, 'µ' | 'μ');
                word.extend(letter.to_lowercase());
                continue;
            } else if is_sign(letter) {
                self.signs.push(letter.to_string());
            }
            // `Zurich` for Zürich is no other word.
            let is_one_word = is_name && word.chars().count() >= SHORTEST_NAME || is_loanword(&word);
            if is_accented && !is_one_word {
                self.accented.push(std::mem::take(&mut word));
            }
            word.clear();
            (is_accented, is_name) = (false, false);
        }
    }

    fn cased(&mut self, text: &str, words: &[Word], quotes: &[String]) {
        self.cased = quotes.to_vec();
        let literals = words.iter().filter(|word| word.kind == Kind::Literal);
        let literals: HashSet<&str> = literals.map(|word| word.text.as_str()).collect();
        let source = |word: &Word| text.get(word.start..word.end).unwrap_or_default().trim();
        for (place, word) in words.iter().enumerate() {
            let before = place.checked_sub(1).and_then(|before| words.get(before));
            let is_named = before.is_some_and(|noun| NAMING.contains(&noun.text.as_str()))
                || words.get(place + 1).is_some_and(|noun| NAMED.contains(&noun.text.as_str()));
            if (is_named && place > 0) || literals.contains(word.text.as_str()) {
                self.cased.push(source(word).trim_end_matches(['.', ',', '?', '!']).to_owned());
            }
        }
    }

    fn capitals(&mut self, text: &str, lexicon: &Lexicon) {
        let small = text.chars().filter(|letter| letter.is_lowercase()).count();
        let large = text.chars().filter(|letter| letter.is_uppercase()).count();
        if large > small {
            return; // all of it is in capitals
        }
        for word in text.split(|letter: char| !letter.is_alphanumeric() && letter != '_') {
            if word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase()) {
                let lower = word.to_lowercase();
                let base = lexicon.base(&lower).into_owned();
                let is_common =
                    super::classes::of(&lower) == Class::Content && lexicon.commonness(&base) >= COMMON;
                if is_common || ["it", "us", "who", "aids"].contains(&lower.as_str()) {
                    self.capitals.push(base);
                }
            }
        }
    }
}

/// Whether most of the plain words are not English. `is_shared`: whether the word at a place stands in an English text too.
#[must_use]
pub fn is_of_unknown_language(words: &[Word], is_shared: impl Fn(usize) -> bool) -> bool {
    let plain = || words.iter().enumerate().filter(|(_, word)| word.kind == Kind::Word);
    let is_english =
        |(place, word): &(usize, &Word)| word.class != Class::Content || word.is_known || is_shared(*place);
    let english = plain().filter(is_english).count();
    plain().count() >= FEWEST_WORDS && english * 5 < plain().count() * 3
}

/// Units of length that a raised 2 or 3 makes one of area or volume.
const LENGTHS: &[&str] = &["m", "km", "cm", "mm", "ft", "in", "yd", "mi"];

/// A name of fewer letters may be another one without its accent.
const SHORTEST_NAME: usize = 5;

/// Words that English writes with an accent or without.
fn is_loanword(word: &str) -> bool {
    const LOANWORDS: &[&str] = &[
        "café",
        "cafés",
        "résumé",
        "résumés",
        "resumé",
        "fiancé",
        "fiancée",
        "naïve",
        "façade",
        "cliché",
        "jalapeño",
        "purée",
    ];
    LOANWORDS.contains(&word)
}

/// Of fewer words nobody can say what language they are.
const FEWEST_WORDS: usize = 4;

/// From this commonness on a word in capitals is not simply the same word.
const COMMON: u32 = 3;

/// What is named right behind these.
const NAMING: &[&str] = &[
    "variable",
    "function",
    "method",
    "class",
    "field",
    "column",
    "table",
    "key",
    "command",
    "tag",
    "keyword",
    "identifier",
    "constant",
    "property",
    "attribute",
    "parameter",
    "argument",
    "flag",
    "option",
    "file",
    "folder",
    "directory",
    "branch",
    "package",
    "module",
    "struct",
    "enum",
    "interface",
    "trait",
    "macro",
    "named",
    "called",
    "name",
    "call",
];
/// What is named right before these.
const NAMED: &[&str] = &["variable", "method", "field", "column", "identifier", "constant", "property"];

/// What the two texts do not have in common although they must: what it is, as it stands here and there.
#[must_use]
pub fn differing(a: &Marks, b: &Marks) -> Vec<(&'static str, String, String)> {
    let mut found = Vec::new();
    for (what, x, y) in [
        ("sign", &a.signs, &b.signs),
        ("letter", &a.foreign, &b.foreign),
        ("accent", &a.accented, &b.accented),
        ("expression", &a.code, &b.code),
        ("indentation", &a.indents, &b.indents),
    ] {
        if x != y {
            found.push((what, x.join(" "), y.join(" ")));
        }
    }
    if !a.payload.is_empty() && !b.payload.is_empty() && a.payload != b.payload {
        found.push(("text", a.payload.clone(), b.payload.clone()));
    }
    if let Some((x, y)) = said_otherwise(a, b) {
        found.push(("word", x, y));
    }
    let other_case = |x: &Marks, y: &Marks| -> Option<(String, String)> {
        x.cased.iter().filter(|word| !y.cased.contains(word)).find_map(|word| {
            let other = y.cased.iter().find(|other| other.to_lowercase() == word.to_lowercase())?;
            (!is_one_name(word, other)).then(|| (word.clone(), other.clone()))
        })
    };
    if let Some((x, y)) = other_case(a, b).or_else(|| other_case(b, a).map(|(y, x)| (x, y))) {
        found.push(("spelling", x, y));
    }
    let only = |x: &Marks, y: &Marks| {
        x.capitals.iter().find(|word| !y.capitals.contains(word) && y.words.contains(word)).cloned()
    };
    let (x, y) = (only(a, b), only(b, a));
    if x.is_some() || y.is_some() {
        found.push(("capital", x.unwrap_or_default(), y.unwrap_or_default()));
    }
    if a.is_of_unknown_language() && b.is_of_unknown_language() && a.words != b.words {
        found.push(("language", String::new(), String::new()));
    }
    found
}

/// What makes a question one about words, which no synonym and no other form stands for.
fn is_about_words(word: &str) -> bool {
    const ABOUT: &[&str] = &[
        "spell",
        "spelled",
        "spelling",
        "plural",
        "singular",
        "tense",
        "conjugate",
        "rhyme",
        "rhymes",
        "pronounce",
        "pronounced",
        "synonym",
        "synonyms",
        "antonym",
        "antonyms",
        "word",
        "verb",
        "noun",
        "adjective",
    ];
    ABOUT.contains(&word)
}

/// The first word of one text about words that the other has not, and does not just leave out.
fn said_otherwise(a: &Marks, b: &Marks) -> Option<(String, String)> {
    let only = |x: &Marks, y: &Marks| {
        let mut alone = x.spoken.iter().filter(|word| {
            !y.spoken.contains(word) && !is_about_words(word) && word.chars().all(char::is_alphabetic)
        });
        alone.find(|word| matches!(super::classes::of(word), Class::Content | Class::Filler)).cloned()
    };
    Some((only(a, b)?, only(b, a)?))
}

/// What follows a colon or the first line, without what ends a sentence.
fn payload(text: &str) -> &str {
    let text = text.trim();
    let colon = text
        .char_indices()
        .find(|(place, letter)| *letter == ':' && text[place + 1..].starts_with(char::is_whitespace));
    // `Docker: how do I …` names a subject, `Translate: …` brings a text along.
    let colon = colon.filter(|(place, _)| {
        let head = text[..*place].to_lowercase();
        head.split(|letter: char| !letter.is_alphanumeric()).any(|word| BRINGS_A_TEXT.contains(&word))
    });
    let line = text.find('\n');
    let at = colon.map(|(place, _)| place + 1).into_iter().chain(line).min().unwrap_or(text.len());
    text[at..].trim().trim_end_matches(['.', '?', '!'])
}

/// Words before a colon after which comes what something is to be done with.
const BRINGS_A_TEXT: &[&str] = &[
    "this",
    "these",
    "following",
    "below",
    "text",
    "texts",
    "sentence",
    "sentences",
    "paragraph",
    "phrase",
    "word",
    "words",
    "code",
    "snippet",
    "function",
    "query",
    "message",
    "email",
    "letter",
    "poem",
    "list",
    "names",
    "numbers",
    "json",
    "translate",
    "translation",
    "proofread",
    "correct",
    "rewrite",
    "rephrase",
    "paraphrase",
    "reword",
    "summarise",
    "summarize",
    "summary",
    "grammar",
    "improve",
    "polish",
    "shorten",
    "fix",
    "explain",
    "review",
    "reply",
    "answer",
    "convert",
    "sort",
    "count",
    "parse",
    "format",
    "complete",
    "continue",
    "classify",
    "extract",
    "spell",
    "pronounce",
    "regex",
    "expression",
    "equation",
    "solve",
    "calculate",
    "evaluate",
    "simplify",
    "refactor",
    "debug",
    "output",
];

/// `Node.js` and `node.js`, `EC2` and `ec2`.
fn is_one_name(x: &str, y: &str) -> bool {
    // `ec2` is typed for `EC2`, `ipv4` for `IPv4`.
    let is_lower = |text: &str| !text.chars().any(char::is_uppercase);
    let is_model = |text: &str| {
        text.chars().all(char::is_alphanumeric) && text.chars().any(|letter| letter.is_ascii_digit())
    };
    let is_capital =
        |text: &str| text.len() > 1 && text.bytes().take(2).all(|byte| !byte.is_ascii_lowercase());
    if is_model(x) && (is_lower(x) && is_capital(y) || is_capital(x) && is_lower(y)) {
        return true;
    }
    x.contains('.') && !x.contains(['/', '_', '\\', ':']) && x.get(1..) == y.get(1..)
}

#[cfg(test)]
mod tests;
