//! Numbers by value, in digits and in words, with what stands right behind them.

use super::{Kind, Walk};
use crate::semantic::question::classes;

impl Walk<'_> {
    /// A number word; `twenty five` and `two hundred` become one number.
    pub(super) fn counted(&mut self, value: u64, at: usize, end: usize) {
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

    pub(super) fn number(&mut self, core: &str, at: usize, end: usize) {
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
        let plain = unit.chars().all(|letter| {
            letter.is_alphabetic() || matches!(letter, '%' | '°' | '$' | '€' | '£' | '²' | '³')
        });
        match (value, unit) {
            // `1099-NEC`: the letters are part of the number's name.
            _ if is_form_number(core) => self.push(&lower, Kind::Literal, at, end, true),
            (Some(value), "") => self.push(&value, Kind::Number, at, end, false),
            (Some(value), "st" | "nd" | "rd" | "th") => {
                let (text, kind) = ordinal(&value);
                self.push(&text, kind, at, end, false);
            }
            (Some(value), "s") if self.is_decade(&value) => self.decade(&value, at, end),
            (Some(value), "k") => self.push(&scaled(&value, 3), Kind::Number, at, end, false),
            // A million, not a metre.
            (Some(value), "m") if core.ends_with('M') || sign.is_some() => {
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
            // `v5.2`
            (None, version) if number.is_empty() && is_version(version) => {
                self.push("version", Kind::Word, at, end, false);
                let number = &version[1..];
                match normal(number) {
                    Some(value) => self.push(&value, Kind::Number, at, end, false),
                    None => self.push(number, Kind::Literal, at, end, false),
                }
            }
            _ if is_size(&lower) => {
                for part in lower.split(['x', '×']) {
                    self.push(&normal(part).unwrap_or_default(), Kind::Number, at, end, false);
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

    /// `the 90s`, `1990s`, but not the seconds of `a timeout of 30s`.
    fn is_decade(&self, value: &str) -> bool {
        const BEFORE: &[&str] = &["the", "early", "late", "mid", "their", "his", "her", "my", "your"];
        let is_announced = || self.tokens.last().is_some_and(|last| BEFORE.contains(&last.text.as_str()));
        value.ends_with('0') && (value.len() == 4 || value.len() == 2 && is_announced())
    }

    /// A decade by its two digits in the last century, a century by its ordinal: `the nineties`, `the 1800s`.
    fn decade(&mut self, value: &str, at: usize, end: usize) {
        match value.strip_suffix("00").and_then(|hundreds| hundreds.parse::<u64>().ok()) {
            Some(hundreds) if hundreds < 20 => {
                self.push(&format!("{}th", hundreds + 1), Kind::Number, at, end, false);
                self.push("century", Kind::Word, at, end, false);
            }
            _ => {
                let value = value.strip_prefix("19").unwrap_or(value);
                self.push(&format!("{value}s"), Kind::Number, at, end, false);
            }
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
pub(super) fn scaled(value: &str, zeros: usize) -> String {
    match value.split_once('.') {
        Some((whole, fraction)) if fraction.len() <= zeros => {
            format!("{whole}{fraction}{}", "0".repeat(zeros - fraction.len()))
        }
        _ => format!("{value}{}", "0".repeat(zeros)),
    }
}

fn is_version(text: &str) -> bool {
    text.strip_prefix('v').is_some_and(|number| {
        number.starts_with(|letter: char| letter.is_ascii_digit())
            && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

/// `60x60`, `55x40x20`: numbers of their own. `0x26` is one.
fn is_size(lower: &str) -> bool {
    let parts: Vec<&str> = lower.split(['x', '×']).collect();
    parts.len() > 1
        && parts.iter().all(|part| {
            (1..=4).contains(&part.len())
                && !part.starts_with('0')
                && part.bytes().all(|byte| byte.is_ascii_digit())
        })
}
