//! A question as the verdict sees it: its words, each with a class and, if it carries meaning, a direction in space.

pub mod classes;
pub mod marks;
pub mod segment;

use classes::Class;
use marks::Marks;
use segment::{Kind, Quotes, Token};

use super::lexicon::Lexicon;

/// One word.
#[derive(Debug, Clone)]
pub struct Word {
    /// Its normal form; a base form where one is known.
    pub text: String,
    /// What it is.
    pub kind: Kind,
    /// What it does.
    pub class: Class,
    /// Where it stands in the text, in bytes.
    pub start: usize,
    /// Its end.
    pub end: usize,
    /// It looks like a name: a capital within a sentence.
    pub is_name: bool,
    /// 1: comparative, 2: superlative.
    pub degree: u8,
    /// It is a word of the language.
    pub is_known: bool,
}

/// A text, read.
#[derive(Debug, Clone)]
pub struct Question {
    /// Its words in order.
    pub words: Vec<Word>,
    /// Its quotations.
    pub quotes: Quotes,
    /// The text in lower case with single blanks: where a quotation of the other may stand without its marks.
    pub plain: String,
    /// What must be the same because it cannot be judged.
    pub marks: Marks,
}

impl Question {
    /// Reads a text.
    #[must_use]
    pub fn read(text: &str, lexicon: &Lexicon) -> Self {
        let (tokens, quotes) = segment::segment(text);
        let words: Vec<Word> = tokens.into_iter().map(|token| word(token, lexicon)).collect();
        let plain = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let marks = Marks::read(text, &words, &quotes, lexicon);
        Self { words, quotes, plain, marks }
    }

    /// The places of the words that carry meaning: those that have a direction.
    pub fn content(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().filter(|(_, word)| word.is_content()).map(|(place, _)| place)
    }
}

impl Word {
    /// Whether it carries meaning of its own.
    #[must_use]
    pub fn is_content(&self) -> bool {
        self.kind != Kind::Word || self.class == Class::Content
    }
}

fn word(token: Token, lexicon: &Lexicon) -> Word {
    let Token { text, kind, start, end, is_name } = token;
    if kind != Kind::Word {
        return Word { text, kind, class: Class::Content, start, end, is_name, degree: 0, is_known: false };
    }
    // A capital makes a name of what is else an everyday word: `Will`, `May`, `US`.
    let class = classes::of(&text);
    if class != Class::Content {
        return Word { text, kind, class, start, end, is_name: false, degree: 0, is_known: true };
    }
    let base = if classes::UNBENDING.contains(&text.as_str()) {
        text.clone()
    } else if let Some(base) = classes::base(&text) {
        base.to_owned()
    } else {
        lexicon.base(&text).into_owned()
    };
    let degree = match () {
        () if base == text => 0,
        () if text.ends_with("est") => 2,
        () if text.ends_with("er") => 1,
        () => 0,
    };
    let is_known = lexicon.word(&base).is_some();
    Word { text: base, kind, class, start, end, is_name, degree, is_known }
}
