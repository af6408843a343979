//! What the verdict's words do not show, because the model does not see it or the lexicon does not know it.
//!
//! The model's tokenizer takes case and accents away, and what it has no letters for, from `≥` to 猫, becomes one and the same
//! unknown token; the lexicon knows English only. Such things cannot be judged, so they must be the same in both texts
//! ([`differing`]): if in doubt, miss. **Cost**: a few passes over the text, 1 µs for 25 words.

use std::collections::HashSet;

use super::Word;
use super::classes::Class;
use super::segment::Kind;
use crate::semantic::lexicon::Lexicon;

/// A whitespace-delimited piece of more bytes is no word: the model reads a word of over 100 letters as an unknown one.
const LONGEST_WORD: usize = 60;

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
    /// All plain words in small letters, if most of them are not English, in order.
    unknown_language: Option<Vec<String>>,
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
        let plain = || words.iter().filter(|word| word.kind == Kind::Word);
        let english = plain().filter(|word| word.class != Class::Content || word.is_known).count();
        if plain().count() >= FEWEST_WORDS && english * 5 < plain().count() * 3 {
            marks.unknown_language = Some(marks.words.clone());
        }
        marks
    }

    /// Letter by letter: signs, other scripts, accents.
    fn letters(&mut self, text: &str) {
        let (mut word, mut is_accented, mut foreign) = (String::new(), false, String::new());
        // One more that ends whatever is open.
        for letter in text.chars().chain([' ']) {
            let is_foreign = is_foreign(letter) || (!foreign.is_empty() && is_joiner(letter));
            if !is_foreign && !foreign.is_empty() {
                self.foreign.push(std::mem::take(&mut foreign));
            }
            if is_foreign {
                foreign.push(letter);
            } else if letter.is_alphabetic() || is_accent(letter) {
                is_accented |= !letter.is_ascii();
                word.extend(letter.to_lowercase());
                continue;
            } else if is_sign(letter) {
                self.signs.push(letter.to_string());
            }
            if is_accented {
                self.accented.push(std::mem::take(&mut word));
            }
            word.clear();
            is_accented = false;
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
    if (a.unknown_language.is_some() || b.unknown_language.is_some()) && a.words != b.words {
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

/// `Node.js` and `node.js`.
fn is_one_name(x: &str, y: &str) -> bool {
    x.contains('.') && !x.contains(['/', '_', '\\', ':']) && x.get(1..) == y.get(1..)
}

/// An operator or another sign between blanks. A dash is none, nor is what ends a sentence or stands for `and`.
fn stands_alone(piece: &str, next: Option<&str>) -> bool {
    if !piece.bytes().all(|byte| byte.is_ascii_punctuation()) {
        return false;
    }
    match piece {
        "?" | "!" | ":" | ";" | "." | "," => {
            next.is_some_and(|next| next.starts_with(|letter: char| letter.is_lowercase()))
        }
        "&" | "/" | "%" => false,
        _ => piece.bytes().any(|byte| !br#"-.,'"`()"#.contains(&byte)),
    }
}

/// Brackets and marks around a word that are not part of it.
fn is_around(letter: char) -> bool {
    matches!(
        letter,
        '.' | ','
            | ';'
            | ':'
            | '?'
            | '!'
            | '"'
            | '\''
            | '`'
            | '*'
            | '_'
            | '('
            | ')'
            | '“'
            | '”'
            | '’'
            | '‘'
            | '~'
    )
}

/// `f(x)`, `a+b`, `x>=5`, but not `(optional)` and `C++`, which has a word of its own.
fn is_code(piece: &str) -> bool {
    if piece.len() > LONGEST_WORD {
        return true;
    }
    let core = piece.trim_matches(is_around);
    let is_language = ["c++", "g++"].iter().any(|name| core.eq_ignore_ascii_case(name));
    !is_language
        && core.contains(['(', ')', '{', '}', '[', ']', '=', '<', '>', '|', '+', '*', '^', '\\', '~', ';'])
}

/// A letter or a digit in another script than Latin, or one of no script.
fn is_foreign(letter: char) -> bool {
    if letter.is_numeric() {
        return !letter.is_ascii_digit();
    }
    letter.is_alphabetic() && !matches!(letter, '\0'..='\u{2af}' | '\u{1e00}'..='\u{1eff}')
}

/// What may stand within a word of another script: marks and joiners.
fn is_joiner(letter: char) -> bool {
    !letter.is_ascii() && !letter.is_alphanumeric() && !letter.is_whitespace() && !is_ordinary(letter)
}

const fn is_accent(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}')
}

/// Anything but letters, digits, blanks, and what is ordinary punctuation or belongs to a number.
fn is_sign(letter: char) -> bool {
    match letter {
        '\t' | '\n' | '\r' => false,
        _ if letter.is_control() => true,
        _ if letter.is_ascii() => false,
        _ => !letter.is_alphanumeric() && !letter.is_whitespace() && !is_ordinary(letter),
    }
}

const fn is_ordinary(letter: char) -> bool {
    matches!(
        letter,
        '–' | '—'
            | '…'
            | '“'
            | '”'
            | '„'
            | '‘'
            | '’'
            | '«'
            | '»'
            | '‹'
            | '›'
            | '¿'
            | '¡'
            | '€'
            | '£'
            | '°'
            | '\u{fe0f}'
            | '。'
            | '，'
            | '？'
            | '！'
            | '、'
            | '؟'
            | '،'
            | '·'
            | '•'
    )
}

#[cfg(test)]
mod tests;
