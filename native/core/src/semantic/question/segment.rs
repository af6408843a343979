//! Takes a text apart: words in their normal spelling, numbers by value, and what must be taken literally.
//!
//! **Policy**: what a person may write in two ways (case, contractions, `2` and `two`, `km` and `kilometres`) comes out the
//! same; what is code, a name of a file, a flag or a quotation comes out as it is. **Cost**: one pass, about 3 µs for 25
//! words.

use super::classes;

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
    (walk.tokens, walk.quotes)
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
        let lower = word.to_lowercase().replace('’', "'");
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

    /// A number word; `twenty five` and `two hundred` become one number.
    fn counted(&mut self, value: u64, at: usize, end: usize) {
        if value >= 100
            && let Some(last) = self.tokens.last_mut()
            && matches!(last.text.as_str(), "one" | "a")
            && last.end <= at
            && self.text.get(last.end..at).is_some_and(|between| between.trim().is_empty())
        {
            "1".clone_into(&mut last.text);
            last.kind = Kind::Number;
        }
        if self.tokens.len() > 1
            && self.tokens.last().is_some_and(|last| last.text == "and")
            && self.tokens[self.tokens.len() - 2]
                .text
                .parse::<u64>()
                .is_ok_and(|before| before >= 100 && value < 100)
        {
            let and = self.tokens.pop().map_or(at, |and| and.end);
            if let Some(last) = self.tokens.last_mut() {
                last.end = and;
            }
        }
        if let Some(last) = self.tokens.last_mut()
            && last.kind == Kind::Number
            && last.start < at
            && self.text.get(last.end..at).is_some_and(|between| between.trim_matches([' ', '-']).is_empty())
            && let Ok(before) = last.text.parse::<u64>()
        {
            let units = before % 1000;
            let joined = match value {
                // `one thousand five hundred`
                100 if before > 1000 && (1..10).contains(&units) => Some(before - units + units * 100),
                100 | 1000 | 1_000_000 | 1_000_000_000 => before.checked_mul(value),
                _ if before >= 20 && value < 10 && before % 10 == 0 => before.checked_add(value),
                _ if before % 100 == 0 && value < 100 => before.checked_add(value),
                _ => None,
            };
            if let Some(joined) = joined {
                last.text = joined.to_string();
                last.end = end;
                return;
            }
        }
        self.push(&value.to_string(), Kind::Number, at, end, false);
    }

    fn number(&mut self, core: &str, at: usize, end: usize) {
        let lower = core.to_lowercase().replace('’', "'");
        let lower = lower.strip_suffix("'s").unwrap_or(&lower).to_owned();
        if let Some(words) = classes::spelled(&lower) {
            for part in words.split(' ') {
                let kind =
                    if part.bytes().all(|byte| byte.is_ascii_digit()) { Kind::Number } else { Kind::Word };
                self.push(part, kind, at, end, true);
            }
            return;
        }
        let (sign, unsigned) = match lower.strip_prefix(['$', '€', '£']) {
            Some(rest) => (classes::spelled(&lower[..lower.len() - rest.len()]), rest),
            None => (None, lower.as_str()),
        };
        let digits = unsigned
            .find(|letter: char| !letter.is_ascii_digit() && !matches!(letter, '.' | ','))
            .unwrap_or(unsigned.len());
        let (number, unit) = (
            unsigned[..digits].trim_end_matches(['.', ',']),
            unsigned[digits..].trim_matches(['-', '.', ',']),
        );
        let value = normal(number);
        let plain = unit
            .chars()
            .all(|letter| letter.is_alphabetic() || matches!(letter, '%' | '°' | '$' | '€' | '£'));
        match (value, unit) {
            // `1099-NEC`: the letters are part of the number's name.
            _ if is_form_number(core) => self.push(&lower, Kind::Literal, at, end, true),
            (Some(value), "") => self.push(&value, Kind::Number, at, end, false),
            (Some(value), "st" | "nd" | "rd" | "th") => {
                let (text, kind) = ordinal(&value);
                self.push(&text, kind, at, end, false);
            }
            (Some(value), "k") => self.push(&scaled(&value, 3), Kind::Number, at, end, false),
            // A million, not a metre.
            (Some(value), "m") if core.ends_with('M') => {
                self.push(&scaled(&value, 6), Kind::Number, at, end, false);
            }
            // What Kubernetes calls memory; `mi` in small letters is a mile.
            (Some(value), "ki" | "mi" | "gi" | "ti")
                if ["Ki", "Mi", "Gi", "Ti"].iter().any(|name| core.ends_with(name)) =>
            {
                self.push(&value, Kind::Number, at, end, false);
                self.push(binary_unit(unit), Kind::Word, at, end, false);
            }
            (Some(value), unit) if plain && unit.chars().count() <= 12 => {
                self.push(&value, Kind::Number, at, end, false);
                match classes::unit_behind(unit) {
                    Some(name) => self.push(name, Kind::Word, at, end, false),
                    None => self.spelled(unit, at, end, false),
                }
            }
            _ if is_range(&lower) => {
                for part in lower.split(['-', '–', '/']) {
                    self.push(&normal(part).unwrap_or_default(), Kind::Number, at, end, false);
                }
            }
            _ if lower.contains('-')
                && lower.split('-').all(|part| part.chars().all(char::is_alphanumeric))
                && !is_date(&lower) =>
            {
                // `30-day`, `covid-19`, `gpt-4`: joined words.
                let mut from = at;
                for part in core.split('-') {
                    if part.chars().any(|letter| letter.is_ascii_digit()) {
                        self.number(part, from, from + part.len());
                    } else {
                        self.word(part, from);
                    }
                    from += part.len() + 1;
                }
            }
            _ => self.push(lower.trim_matches(['.', ',']), Kind::Literal, at, end, false),
        }
        if let Some(words) = sign {
            self.push(words, Kind::Word, at, end, false);
        }
    }

    fn push(&mut self, text: &str, kind: Kind, start: usize, end: usize, is_name: bool) {
        if !text.is_empty() {
            self.tokens.push(Token { text: text.to_owned(), kind, start, end, is_name });
        }
    }
}

fn binary_unit(short: &str) -> &'static str {
    match short {
        "ki" => "kibibyte",
        "mi" => "mebibyte",
        "gi" => "gibibyte",
        _ => "tebibyte",
    }
}

fn is_form_number(core: &str) -> bool {
    core.split_once('-').is_some_and(|(digits, letters)| {
        !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && (1..=5).contains(&letters.len())
            && letters.bytes().all(|byte| byte.is_ascii_uppercase())
    })
}

fn is_single_capital(word: &str) -> bool {
    word.len() == 1 && word.bytes().all(|byte| byte.is_ascii_uppercase() && byte != b'I')
}

fn is_flag(core: &str) -> bool {
    let body = core.trim_start_matches('-');
    let dashes = core.len() - body.len();
    (1..=2).contains(&dashes)
        && body.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && body.len() < 40
}

/// Paths, addresses, identifiers, expressions.
fn is_literal(core: &str) -> bool {
    let has = |letters: &[char]| core.contains(letters);
    if has(&['_', '\\', '{', '}', '[', ']', '^'])
        || core.contains("::")
        || core.contains("->")
        || core.contains("()")
    {
        return true;
    }
    if core.contains("://")
        || (core.contains('@') && core.contains('.'))
        || core.starts_with(['/', '~', '@', '#', '&', '|', '='])
    {
        return core.len() > 1;
    }
    if core.starts_with('$') && core[1..].starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        return true;
    }
    if core.starts_with("./") || core.starts_with("../") || core.matches('/').count() > 1 {
        return true;
    }
    // `config.yaml`, `numpy.array`, `.env`, but not an ellipsis or a missing blank after a full stop.
    if let Some((before, after)) = core.rsplit_once('.')
        && !after.is_empty()
        && after.len() <= 12
        && after.chars().all(|letter| letter.is_ascii_alphanumeric())
        && after.chars().any(|letter| letter.is_ascii_alphabetic())
        && !core.starts_with("..")
        && !(before.len() == 1 || before.chars().all(|letter| letter.is_ascii_digit() || letter == '.'))
    {
        return after.chars().all(|letter| !letter.is_uppercase());
    }
    // `getUserName`, `parseConfig`: a capital inside a word that begins small.
    let mut letters = core.chars();
    letters.next().is_some_and(char::is_lowercase)
        && core.chars().all(char::is_alphanumeric)
        && core.chars().filter(|letter| letter.is_uppercase()).count() >= 1
        && core.len() > 6
}

/// `10-20`, `80/20`: two numbers; a fraction, `1/3`, is one thing.
fn is_range(lower: &str) -> bool {
    let parts: Vec<&str> = lower.split(['-', '–', '/']).collect();
    parts.len() == 2
        && parts
            .iter()
            .all(|part| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
        && !(lower.contains('/') && parts[0].len() == 1)
}

fn is_date(lower: &str) -> bool {
    lower.split('-').all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A number by value: `1,000` → `1000`, `2.50` → `2.5`; `None` for versions such as `1.2.3`.
fn normal(number: &str) -> Option<String> {
    if number.is_empty() {
        return None;
    }
    let groups: Vec<&str> = number.split(',').collect();
    let grouped = groups.len() > 1
        && groups[1..].iter().all(|group| group.split('.').next().is_some_and(|whole| whole.len() == 3));
    let joined = if grouped { number.replace(',', "") } else { number.replace(',', ".") };
    if joined.matches('.').count() > 1 {
        return None;
    }
    // A version's last digit counts: 3.10 is not 3.1. Only a fraction of zeros after two places is money.
    let joined = joined.strip_suffix(".00").unwrap_or(&joined);
    let trimmed = joined.trim_start_matches('0');
    Some(match trimmed.chars().next() {
        None => "0".to_owned(),
        Some('.') => format!("0{trimmed}"),
        Some(_) => trimmed.to_owned(),
    })
}

/// `first` and `second` mean many things; from the third on an ordinal is a number.
fn ordinal(value: &str) -> (String, Kind) {
    match value {
        "1" => ("first".to_owned(), Kind::Word),
        "2" => ("second".to_owned(), Kind::Word),
        _ => (format!("{value}th"), Kind::Number),
    }
}

/// A number with its point moved to the right.
fn scaled(value: &str, zeros: usize) -> String {
    match value.split_once('.') {
        Some((whole, fraction)) if fraction.len() <= zeros => {
            format!("{whole}{fraction}{}", "0".repeat(zeros - fraction.len()))
        }
        _ => format!("{value}{}", "0".repeat(zeros)),
    }
}

/// `don't` → `do` `not`, `what's` → `what` (its `is` would be glue), `dog's` → `dog`.
fn split_contraction(lower: &str) -> Vec<(String, &'static str)> {
    for (ending, rest) in
        [("n't", "not"), ("'re", "are"), ("'ve", "have"), ("'ll", "will"), ("'m", "am"), ("'d", "would")]
    {
        if let Some(stem) = lower.strip_suffix(ending).filter(|stem| !stem.is_empty()) {
            let stem = match (stem, ending) {
                ("ca", "n't") => "can",
                ("wo", "n't") => "will",
                ("sha", "n't") => "shall",
                _ => stem,
            };
            return vec![(stem.to_owned(), rest)];
        }
    }
    let stem = lower.strip_suffix("'s").or_else(|| lower.strip_suffix('\'')).unwrap_or(lower);
    vec![(stem.replace('\'', ""), "")]
}

#[cfg(test)]
mod tests;
