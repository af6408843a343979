//! One line of `usage.jsonl`.
//!
//! Lines are read by hand, since a report reads a million of them: members in any order, unknown ones skipped. What a reader of
//! JSON would refuse may pass here if the members that count can be read; what has no time, provider or model never does.

use std::borrow::Cow;
use std::io::Write as _;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What one line says.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Line<'l> {
    /// Seconds since 1970.
    pub at_secs: u64,
    /// The provider's id.
    pub provider: Cow<'l, str>,
    /// The model.
    pub model: Cow<'l, str>,
    /// The tenant's label.
    pub tenant: Cow<'l, str>,
    /// The tool that asked.
    pub tool: Cow<'l, str>,
    /// The layer that answered.
    pub layer: Cow<'l, str>,
    /// Tokens read.
    pub input: u64,
    /// Tokens written.
    pub output: u64,
    /// Of those read, from the prompt cache.
    pub cached: u64,
    /// Of those read, into the prompt cache.
    pub cache_write: u64,
    /// Of those written, for reasoning.
    pub reasoning: u64,
    /// The tokens are an estimate.
    pub estimated: bool,
    /// US dollars spent.
    pub cost: f64,
    /// US dollars saved.
    pub saved: f64,
    /// No provider was asked.
    pub deflected: bool,
    /// The HTTP status.
    pub status: u64,
    /// Milliseconds that it took.
    pub latency_ms: f64,
    /// Requests that it stands for.
    pub requests: u64,
}

/// A moment as text, `2026-11-21T15:08:10.123Z`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// Milliseconds since 1970.
    at_ms: u64,
}

impl Stamp {
    /// The moment so many milliseconds after 1970 began.
    #[must_use]
    pub const fn of(at_ms: u64) -> Self {
        Self { at_ms }
    }

    /// Appends the text.
    pub fn write(self, out: &mut Vec<u8>) {
        let (days, rest) = (self.at_ms / 86_400_000, self.at_ms % 86_400_000);
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
        let ms = rest % 1000;
        // Writing into memory does not fail.
        let _ = write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z");
    }
}

/// Year, month and day of the day so many days after 1970-01-01 (proleptic Gregorian calendar, years of 400 years).
const fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468; // since 0000-03-01
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + if month <= 2 { 1 } else { 0 }, month, day)
}

/// Days from 1970-01-01 to a day.
const fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Seconds since 1970 of an RFC 3339 time.
fn seconds(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    if bytes.len() >= 20 && bytes[19..].ends_with(b"Z") && bytes[10] == b'T' {
        let number = |from: usize, to: usize| {
            bytes[from..to]
                .iter()
                .try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0')))
        };
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let is_date = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        let is_time = hour < 24 && minute < 60 && second < 61;
        return (is_date && is_time)
            .then(|| days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second);
    }
    u64::try_from(OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp()).ok()
}

/// The members, in the order in which they are written.
const MEMBERS: [&[u8]; 19] = [
    b"\"timestamp\"",
    b"\"provider\"",
    b"\"model\"",
    b"\"prompt_tokens\"",
    b"\"completion_tokens\"",
    b"\"total_tokens\"",
    b"\"cached_tokens\"",
    b"\"cache_write_tokens\"",
    b"\"reasoning_tokens\"",
    b"\"estimated\"",
    b"\"estimated_cost_usd\"",
    b"\"estimated_saved_cost_usd\"",
    b"\"final_layer\"",
    b"\"deflected\"",
    b"\"tenant\"",
    b"\"tool\"",
    b"\"status\"",
    b"\"latency_ms\"",
    b"\"requests\"",
];
// Their places.
const TIMESTAMP: usize = 0;
const PROVIDER: usize = 1;
const MODEL: usize = 2;
const PROMPT_TOKENS: usize = 3;
const COMPLETION_TOKENS: usize = 4;
const CACHED_TOKENS: usize = 6;
const CACHE_WRITE_TOKENS: usize = 7;
const REASONING_TOKENS: usize = 8;
const ESTIMATED: usize = 9;
const ESTIMATED_COST_USD: usize = 10;
const ESTIMATED_SAVED_COST_USD: usize = 11;
const FINAL_LAYER: usize = 12;
const DEFLECTED: usize = 13;
const TENANT: usize = 14;
const TOOL: usize = 15;
const STATUS: usize = 16;
const LATENCY_MS: usize = 17;
const REQUESTS: usize = 18;

/// Reads a line (without its end); `None` if it is none of ours.
#[must_use]
pub fn read(line: &[u8]) -> Option<Line<'_>> {
    let mut scan = Scan { bytes: line, at: 0 };
    let mut found = Line { status: 200, requests: 1, ..Line::default() };
    let mut seen = 0;
    scan.expect(b'{')?;
    if scan.peek()? == b'}' {
        return None;
    }
    let mut next = 0;
    loop {
        let place = scan.member(next)?;
        scan.expect(b':')?;
        next = place + 1;
        match place {
            TIMESTAMP => {
                found.at_secs = seconds(&scan.text()?)?;
                seen |= 1;
            }
            PROVIDER => {
                found.provider = scan.text()?;
                seen |= 2;
            }
            MODEL => {
                found.model = scan.text()?;
                seen |= 4;
            }
            PROMPT_TOKENS => found.input = scan.count()?,
            COMPLETION_TOKENS => found.output = scan.count()?,
            CACHED_TOKENS => found.cached = scan.count()?,
            CACHE_WRITE_TOKENS => found.cache_write = scan.count()?,
            REASONING_TOKENS => found.reasoning = scan.count()?,
            ESTIMATED => found.estimated = scan.truth()?,
            ESTIMATED_COST_USD => found.cost = scan.number()?,
            ESTIMATED_SAVED_COST_USD => found.saved = scan.number()?,
            FINAL_LAYER => found.layer = scan.text()?,
            DEFLECTED => found.deflected = scan.truth()?,
            TENANT => found.tenant = scan.text()?,
            TOOL => found.tool = scan.text()?,
            STATUS => found.status = scan.count()?,
            LATENCY_MS => found.latency_ms = scan.number()?,
            REQUESTS => found.requests = scan.count()?,
            _ => scan.skip()?,
        }
        match scan.next()? {
            b',' => {}
            b'}' => break,
            _ => return None,
        }
    }
    scan.space();
    (seen == 7 && scan.at == line.len()).then_some(found)
}

/// A place in a line.
struct Scan<'l> {
    bytes: &'l [u8],
    at: usize,
}

impl<'l> Scan<'l> {
    fn space(&mut self) {
        while self.bytes.get(self.at).is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&mut self) -> Option<u8> {
        self.space();
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    /// The place of the next member's name in [`MEMBERS`], which is likely to be `next`; past the end for an unknown one.
    fn member(&mut self, next: usize) -> Option<usize> {
        self.space();
        let rest = self.bytes.get(self.at..)?;
        if let Some(name) = MEMBERS.get(next)
            && rest.starts_with(name)
        {
            self.at += name.len();
            return Some(next);
        }
        let start = self.at;
        self.text()?;
        let name = &self.bytes[start..self.at];
        Some(MEMBERS.iter().position(|known| *known == name).unwrap_or(MEMBERS.len()))
    }

    fn text(&mut self) -> Option<Cow<'l, str>> {
        if self.peek()? == b'n' {
            // What is not known may be null.
            return self.word(b"null").map(|()| Cow::Borrowed(""));
        }
        self.expect(b'"')?;
        let start = self.at;
        let mut is_plain = true;
        loop {
            match self.bytes.get(self.at)? {
                b'"' => break,
                b'\\' => {
                    is_plain = false;
                    self.at += 2;
                }
                0..0x20 => return None,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        if is_plain {
            return std::str::from_utf8(&self.bytes[start..self.at - 1]).ok().map(Cow::Borrowed);
        }
        serde_json::from_slice::<String>(&self.bytes[start - 1..self.at]).ok().map(Cow::Owned)
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.space();
        let is_there = self.bytes[self.at..].starts_with(word);
        self.at += word.len();
        is_there.then_some(())
    }

    fn truth(&mut self) -> Option<bool> {
        let is = self.peek()? == b't';
        self.word(if is { b"true" } else { b"false" }).map(|()| is)
    }

    fn digits(&mut self) -> Option<&'l str> {
        self.space();
        let start = self.at;
        let is_of_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
        while self.bytes.get(self.at).is_some_and(is_of_number) {
            self.at += 1;
        }
        std::str::from_utf8(&self.bytes[start..self.at]).ok()
    }

    /// A number that is not below zero.
    fn number(&mut self) -> Option<f64> {
        let digits = self.digits()?;
        if digits == "0" || digits == "0.0" {
            return Some(0.0);
        }
        digits.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)
    }

    fn count(&mut self) -> Option<u64> {
        let digits = self.digits()?;
        if let Ok(count) = digits.parse() {
            return Some(count);
        }
        let number = digits.parse().ok().filter(|number: &f64| (0.0..1e18).contains(number))?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // just looked at
        Some(number as u64)
    }

    /// Leaves out a value of any kind.
    fn skip(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => {
                self.text()?;
            }
            b'{' | b'[' => {
                let mut depth = 0_u32;
                loop {
                    match self.peek()? {
                        b'"' => {
                            self.text()?;
                            continue;
                        }
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' => depth -= 1,
                        _ => {}
                    }
                    self.at += 1;
                    if depth == 0 {
                        break;
                    }
                }
            }
            _ => {
                let start = self.at;
                while !matches!(self.bytes.get(self.at)?, b',' | b'}') {
                    self.at += 1;
                }
                return (self.at > start).then_some(());
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
