//! Letter by letter and piece by piece: what is a sign, an expression, a letter of another script.

/// A whitespace-delimited piece of more bytes is no word: the model reads a word of over 100 letters as an unknown one.
const LONGEST_WORD: usize = 60;

/// An operator or another sign between blanks. A dash is none, nor is what ends a sentence or stands for `and`.
pub(super) fn stands_alone(piece: &str, next: Option<&str>) -> bool {
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

/// `Flask + gunicorn`, `1 TB = how many GB`, and a smile.
pub(super) fn stands_for_a_word(piece: &str, before: Option<&str>, next: Option<&str>) -> bool {
    let is_word = |piece: &str| piece.len() > 1 && piece.chars().all(char::is_alphabetic);
    match piece {
        ":)" | ":-)" | ";)" | ":(" | "%?" | "%." => true,
        "+" => before.is_some_and(is_word) && next.is_some_and(is_word),
        "=" => next.is_none_or(|next| matches!(next, "how" | "what")),
        _ => false,
    }
}

/// Brackets and marks around a word that are not part of it.
pub(super) fn is_around(letter: char) -> bool {
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
pub(super) fn is_code(piece: &str) -> bool {
    if piece.len() > LONGEST_WORD {
        return true;
    }
    let core = piece.trim_matches(is_around);
    let is_language = ["c++", "g++"].iter().any(|name| core.eq_ignore_ascii_case(name));
    !is_language
        && core.contains(['(', ')', '{', '}', '[', ']', '=', '<', '>', '|', '+', '*', '^', '\\', '~', ';'])
}

/// A letter or a digit in another script than Latin, or one of no script.
pub(super) fn is_foreign(letter: char) -> bool {
    if letter.is_numeric() {
        return !letter.is_ascii_digit();
    }
    letter.is_alphabetic() && !matches!(letter, '\0'..='\u{2af}' | '\u{1e00}'..='\u{1eff}')
}

/// What may stand within a word of another script: marks and joiners.
pub(super) fn is_joiner(letter: char) -> bool {
    !letter.is_ascii() && !letter.is_alphanumeric() && !letter.is_whitespace() && !is_ordinary(letter)
}

pub(super) const fn is_accent(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}')
}

/// Anything but letters, digits, blanks, and what is ordinary punctuation or belongs to a number.
pub(super) fn is_sign(letter: char) -> bool {
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
            | '×'
            | '→'
            | '•'
    )
}
