//! Takes a text apart: words in their normal spelling, numbers by value, and what must be taken literally.
//!
//! **Policy**: what a person may write in two ways (case, contractions, `2` and `two`, `km` and `kilometres`) comes out the
//! same; what is code, a name of a file, a flag or a quotation comes out as it is. **Cost**: one pass, about 3 µs for 25
//! words.

mod numbers;
mod phrases;
mod shapes;

use super::classes;
use shapes::{initials, is_flag, is_literal, is_single_capital, plain, roman, split_contraction};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A word, in lower case and normal spelling.
    Word,
    /// A number, by value.
    Number,
    /// Code, a path, a flag, an identifier: compared as it stands.
    Literal,
}

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its normal form.
    pub text: String,
    /// What it is.
    pub kind: Kind,
    /// Where it stands in the text, in bytes.
    pub start: usize,
    /// Its end.
    pub end: usize,
    /// It is written with a capital though it does not begin a sentence, or in capitals.
    pub is_name: bool,
}

/// Texts in quotation marks or backticks, trimmed.
pub type Quotes = Vec<String>;

/// The tokens of a text and its quotations.
#[must_use]
pub fn segment(text: &str) -> (Vec<Token>, Quotes) {
    let mut walk = Walk { text, tokens: Vec::new(), quotes: Vec::new(), fresh: true, fresh_before: true };
    walk.run();
    (phrases::join(&walk.tokens), walk.quotes)
}

struct Walk<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    quotes: Quotes,
    /// A sentence begins here.
    fresh: bool,
    /// The word in hand began one.
    fresh_before: bool,
}

/// A quotation of more bytes is none: its marks belong to something else.
const LONGEST_QUOTE: usize = 400;

const CLOSERS: &[(char, char)] = &[('"', '"'), ('“', '”'), ('„', '“'), ('«', '»'), ('‘', '’'), ('\'', '\'')];

impl Walk<'_> {
    fn run(&mut self) {
        let mut at = 0;
        while let Some(first) = self.text[at..].chars().next() {
            if first.is_whitespace() || first.is_control() {
                self.fresh |= first == '\n';
                at += first.len_utf8();
            } else if first == '`' {
                at = self.code(at);
            } else if let Some(end) = self.quotation(at, first) {
                at = end;
            } else {
                let length = self.text[at..]
                    .find(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '`')
                    .unwrap_or(self.text.len() - at)
                    .max(first.len_utf8());
                self.chunk(at, at + length);
                at += length;
            }
        }
    }

    /// A span or block of code; an opening mark without its end is skipped.
    fn code(&mut self, at: usize) -> usize {
        let marks = self.text[at..].bytes().take_while(|byte| *byte == b'`').count();
        let fence = &self.text[at..at + marks];
        let inside = at + marks;
        let Some(length) = self.text[inside..].find(fence) else { return inside };
        let code = self.text[inside..inside + length].trim();
        self.quotes.push(code.split_whitespace().collect::<Vec<_>>().join(" "));
        self.push(code, Kind::Literal, inside, inside + length, false);
        inside + length + marks
    }

    /// Notes a quotation; what stands in it is read as words like everything else.
    fn quotation(&mut self, at: usize, open: char) -> Option<usize> {
        let (_, close) = CLOSERS.iter().find(|(opener, _)| *opener == open)?;
        let inside = at + open.len_utf8();
        let rest = &self.text[inside..];
        let single = matches!(open, '\'' | '‘');
        let mut near = rest.char_indices().take_while(|(place, _)| *place <= LONGEST_QUOTE);
        let end = near.find(|(place, letter)| {
            letter == close
                && *place > 0
                && !(single
                    && rest[place + letter.len_utf8()..].chars().next().is_some_and(char::is_alphanumeric))
        });
        if let Some((length, _)) = end {
            self.quotes.push(rest[..length].split_whitespace().collect::<Vec<_>>().join(" "));
        }
        Some(inside)
    }

    fn chunk(&mut self, start: usize, end: usize) {
        let chunk = &self.text[start..end];
        let kept_front = ['.', '/', '~', '-', '$', '€', '£', '#', '@', '_', '°', '%', '<', '&', '|', '='];
        let front = chunk
            .trim_start_matches(|letter: char| !letter.is_alphanumeric() && !kept_front.contains(&letter));
        let kept_back = ['+', '#', '%', '/', '$', '€', '£', '°', '_', ')', '*', '=', '>'];
        let mut core =
            front.trim_end_matches(|letter: char| !letter.is_alphanumeric() && !kept_back.contains(&letter));
        if !core.contains('(') || core.ends_with("))") {
            core = core.trim_end_matches(')');
        }
        let ends_sentence =
            chunk.trim_end_matches(['"', ')', '”', '\'']).ends_with(['.', '?', '!', ':', ';']);
        let begin = start + (chunk.len() - front.len());
        if !core.is_empty() {
            self.core(core, begin);
        }
        self.fresh = ends_sentence;
    }

    fn core(&mut self, core: &str, at: usize) {
        let end = at + core.len();
        if let Some(name) = initials(core) {
            self.spelled(&name, at, end, true);
            self.fresh = false;
            return;
        }
        if is_flag(core) || is_literal(core) {
            let text = if core.len() == 2 { core.to_owned() } else { core.to_lowercase() };
            self.push(text.trim_end_matches(['.', ',']), Kind::Literal, at, end, false);
            self.fresh = false;
            return;
        }
        if core.chars().any(|letter| letter.is_ascii_digit()) {
            self.number(core, at, end);
            self.fresh = false;
            return;
        }
        // A hyphen or a slash joins words; an apostrophe belongs to one.
        let mut from = 0;
        for (place, letter) in core.char_indices() {
            if matches!(
                letter,
                '-' | '/'
                    | '–'
                    | '—'
                    | ','
                    | ';'
                    | ':'
                    | '('
                    | ')'
                    | '…'
                    | '?'
                    | '!'
                    | '.'
                    | '|'
                    | '='
                    | '&'
                    | '<'
                    | '>'
                    | '*'
                    | '_'
                    | '~'
                    | '@'
            ) {
                self.word(&core[from..place], at + from);
                from = place + letter.len_utf8();
            }
        }
        self.word(&core[from..], at + from);
    }

    fn word(&mut self, word: &str, at: usize) {
        if word.is_empty() {
            return;
        }
        let mut letters = word.chars();
        let capital = letters.next().is_some_and(char::is_uppercase);
        let inner = letters.any(char::is_uppercase);
        let is_name = inner || (capital && !self.fresh && word.len() > 1);
        self.fresh_before = self.fresh;
        self.fresh = false;
        let end = at + word.len();
        // `column A`, `service B`: a name of one letter, unless it begins a sentence or is the speaker.
        if is_single_capital(word)
            && self.tokens.last().is_some_and(|last| last.end <= at)
            && !self.fresh_before
        {
            self.push(word, Kind::Literal, at, end, true);
            return;
        }
        if let Some(value) = roman(word.strip_suffix("'s").unwrap_or(word))
            && let Some(last) = self.tokens.last()
        {
            let is_named = self.text[last.start..].starts_with(char::is_uppercase);
            // `World War I`, but not `may I`
            if if value == "1" {
                is_named && last.text == "war"
            } else {
                is_named || classes::is_numbered(&last.text)
            } {
                self.push(value, Kind::Number, at, end, false);
                return;
            }
        }
        let lower = plain(&word.to_lowercase().replace('’', "'"));
        for (stem, rest) in split_contraction(&lower) {
            self.spelled(&stem, at, end, is_name);
            if !rest.is_empty() {
                self.push(rest, Kind::Word, at, end, false);
            }
        }
    }

    fn spelled(&mut self, word: &str, at: usize, end: usize, is_name: bool) {
        if let Some(value) = classes::number(word) {
            self.counted(value, at, end);
            return;
        }
        if let Some(decade) = classes::decade(word) {
            self.push(decade, Kind::Number, at, end, false);
            return;
        }
        if let Some(value) = classes::ordinal(word) {
            self.push(&format!("{value}th"), Kind::Number, at, end, false);
            return;
        }
        match classes::spelled(word) {
            Some(words) => {
                for part in words.split(' ') {
                    let kind = if part.bytes().all(|byte| byte.is_ascii_digit()) {
                        Kind::Number
                    } else {
                        Kind::Word
                    };
                    self.push(part, kind, at, end, is_name);
                }
            }
            None => self.push(word, Kind::Word, at, end, is_name),
        }
    }

    fn push(&mut self, text: &str, kind: Kind, start: usize, end: usize, is_name: bool) {
        if !text.is_empty() {
            self.tokens.push(Token { text: text.to_owned(), kind, start, end, is_name });
        }
    }
}

#[cfg(test)]
mod tests;
