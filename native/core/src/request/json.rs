//! A strict JSON reader that borrows from the body.
//!
//! **Why not a library**: a key needs numbers as they were written (no detour over `f64`), byte spans (the model alias
//! is spliced in place), lone surrogates that JavaScript clients do send, duplicate members, and an error that names the
//! member it stands in. **Policy**: RFC 8259 to the letter, nesting up to [`MAX_DEPTH`]; no value is changed.
//! **Cost**: one pass; strings without escapes are slices of the body; one allocation per array or object.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Deepest nesting that is read; deeper bodies are refused.
pub const MAX_DEPTH: usize = 128;

/// A value and where it stands in the body (byte offsets, end exclusive).
#[derive(Debug, Clone, PartialEq)]
pub struct Node<'a> {
    /// The value itself.
    pub kind: Kind<'a>,
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte.
    pub end: usize,
}

/// The six kinds of JSON values.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind<'a> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number, as it was written.
    Number(&'a str),
    /// A string.
    String(Text<'a>),
    /// Elements in order.
    Array(Vec<Node<'a>>),
    /// Members in order, duplicates kept.
    Object(Vec<(Text<'a>, Node<'a>)>),
}

/// The inside of a string literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    raw: &'a str,
    escaped: bool,
}

/// What is wrong with a body, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// What was met, as a clause: "expected a value".
    pub what: &'static str,
    /// Offset of the offending byte.
    pub offset: usize,
    /// The members that lead to it, innermost last: `messages[0].content`. Empty at the top.
    pub path: String,
}

impl<'a> Text<'a> {
    /// The text as bytes with escapes resolved. A lone surrogate becomes its three-byte (WTF-8) form, so that it
    /// stays apart from every real character.
    #[must_use]
    pub fn bytes(&self) -> Cow<'a, [u8]> {
        if self.escaped {
            Cow::Owned(unescape(self.raw.as_bytes()))
        } else {
            Cow::Borrowed(self.raw.as_bytes())
        }
    }

    /// The text as a string; a lone surrogate becomes U+FFFD. For reading, never for keys.
    #[must_use]
    pub fn to_str(&self) -> Cow<'a, str> {
        if self.escaped {
            Cow::Owned(String::from_utf8_lossy(&unescape(self.raw.as_bytes())).into_owned())
        } else {
            Cow::Borrowed(self.raw)
        }
    }

    /// Whether the text is `name`.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        if self.escaped { *self.bytes() == *name.as_bytes() } else { self.raw == name }
    }
}

impl<'a> Node<'a> {
    /// The member of that name; the last one where it stands twice, as most readers take it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Node<'a>> {
        match &self.kind {
            Kind::Object(members) => {
                members.iter().rev().find(|(key, _)| key.is(name)).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The string's text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&Text<'a>> {
        match &self.kind {
            Kind::String(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// The kind's name in an error message.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a boolean",
            Kind::Number(_) => "a number",
            Kind::String(_) => "a string",
            Kind::Array(_) => "an array",
            Kind::Object(_) => "an object",
        }
    }
}

/// Reads a whole body.
///
/// # Errors
/// Not UTF-8, not JSON, nested deeper than [`MAX_DEPTH`]: with offset and path.
pub fn parse(body: &[u8]) -> Result<Node<'_>, JsonError> {
    let text = simdutf8::compat::from_utf8(body).map_err(|error| JsonError {
        what: "the body is not valid UTF-8",
        offset: error.valid_up_to(),
        path: String::new(),
    })?;
    let mut reader = Reader { text, bytes: body, at: 0 };
    reader.space();
    let node = reader.value(0)?;
    reader.space();
    if reader.at < body.len() {
        return Err(reader.error("unexpected text after the end of the body"));
    }
    Ok(node)
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, what: &'static str) -> JsonError {
        JsonError { what, offset: self.at, path: String::new() }
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node<'a>, JsonError> {
        let start = self.at;
        let kind = match self.bytes.get(self.at) {
            Some(b'{' | b'[') if depth >= MAX_DEPTH => return Err(self.error("nested deeper than 128")),
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Kind::String(self.string()?),
            Some(b't') => self.word("true", Kind::Bool(true))?,
            Some(b'f') => self.word("false", Kind::Bool(false))?,
            Some(b'n') => self.word("null", Kind::Null)?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(_) => return Err(self.error("expected a value")),
            None => return Err(self.error("unexpected end of the body")),
        };
        Ok(Node { kind, start, end: self.at })
    }

    fn word(&mut self, word: &'static str, kind: Kind<'a>) -> Result<Kind<'a>, JsonError> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(kind)
        } else {
            Err(self.error("expected a value"))
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Kind<'a>, JsonError> {
        let start = self.at;
        if self.bytes[self.at] == b'-' {
            self.at += 1;
        }
        let leading_zero = self.bytes.get(self.at) == Some(&b'0');
        let whole = self.digits();
        if whole == 0 || (leading_zero && whole > 1) {
            return Err(self.error("not a number"));
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.error("not a number"));
            }
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.error("not a number"));
            }
        }
        Ok(Kind::Number(&self.text[start..self.at]))
    }

    fn string(&mut self) -> Result<Text<'a>, JsonError> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            let rest = &self.bytes[self.at..];
            let Some(stop) = memchr::memchr2(b'"', b'\\', rest) else {
                self.at = self.bytes.len();
                return Err(self.error("unterminated string"));
            };
            // Folded without a branch, so that the compiler can look at many bytes at once.
            if rest[..stop].iter().fold(0, |found, &byte| found | u8::from(byte < 0x20)) != 0 {
                return Err(self.error("control character in a string"));
            }
            self.at += stop;
            if self.bytes[self.at] == b'"' {
                let raw = &self.text[start..self.at];
                self.at += 1;
                return Ok(Text { raw, escaped });
            }
            escaped = true;
            self.escape()?;
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u')
                if self
                    .bytes
                    .get(self.at + 2..self.at + 6)
                    .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) =>
            {
                self.at += 6;
                Ok(())
            }
            _ => Err(self.error("invalid escape in a string")),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Kind<'a>, JsonError> {
        let mut elements = Vec::new();
        self.at += 1;
        self.space();
        if self.bytes.get(self.at) == Some(&b']') {
            self.at += 1;
            return Ok(Kind::Array(elements));
        }
        loop {
            let element = self.value(depth + 1).map_err(|error| within_element(error, elements.len()))?;
            elements.push(element);
            self.space();
            match self.bytes.get(self.at) {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Kind::Array(elements));
                }
                Some(_) => return Err(self.error("expected ',' or ']'")),
                None => return Err(self.error("unexpected end of the body")),
            }
            self.space();
        }
    }

    fn object(&mut self, depth: usize) -> Result<Kind<'a>, JsonError> {
        let mut members = Vec::new();
        self.at += 1;
        self.space();
        if self.bytes.get(self.at) == Some(&b'}') {
            self.at += 1;
            return Ok(Kind::Object(members));
        }
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => {}
                Some(_) => return Err(self.error("expected a member name")),
                None => return Err(self.error("unexpected end of the body")),
            }
            let key = self.string()?;
            self.space();
            if self.bytes.get(self.at) != Some(&b':') {
                return Err(within_member(self.error("expected ':'"), &key));
            }
            self.at += 1;
            self.space();
            let value = self.value(depth + 1).map_err(|error| within_member(error, &key))?;
            members.push((key, value));
            self.space();
            match self.bytes.get(self.at) {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Kind::Object(members));
                }
                Some(_) => return Err(self.error("expected ',' or '}'")),
                None => return Err(self.error("unexpected end of the body")),
            }
            self.space();
        }
    }
}

/// Longest path an error carries, in bytes; what is further in is left out.
const MAX_PATH: usize = 200;

fn within_element(mut error: JsonError, index: usize) -> JsonError {
    let mut path = String::new();
    // Writing to a String cannot fail.
    let _ = write!(path, "[{index}]");
    join(&mut error, path);
    error
}

fn within_member(mut error: JsonError, key: &Text<'_>) -> JsonError {
    join(&mut error, clipped(&key.to_str(), 64).to_owned());
    error
}

/// At most `limit` bytes of a text, whole characters.
fn clipped(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn join(error: &mut JsonError, outer: String) {
    error.path = match error.path.chars().next() {
        None => outer,
        Some('[') => outer + &error.path,
        Some(_) => outer + "." + &error.path,
    };
    if error.path.len() > MAX_PATH {
        error.path = format!("{}…", clipped(&error.path, MAX_PATH));
    }
}

fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(slash) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..slash]);
        rest = &rest[slash + 1..];
        let (byte, taken) = match rest.first() {
            Some(b'b') => (0x08, 1),
            Some(b'f') => (0x0c, 1),
            Some(b'n') => (b'\n', 1),
            Some(b'r') => (b'\r', 1),
            Some(b't') => (b'\t', 1),
            Some(b'u') => {
                let taken = unicode(rest, &mut out);
                rest = &rest[taken..];
                continue;
            }
            Some(&byte) => (byte, 1),
            None => break,
        };
        out.push(byte);
        rest = &rest[taken..];
    }
    out.extend_from_slice(rest);
    out
}

/// Appends the character of `uXXXX` (or of a surrogate pair) and tells how many bytes it took.
fn unicode(rest: &[u8], out: &mut Vec<u8>) -> usize {
    let first = hex4(rest.get(1..5));
    if (0xd800..0xdc00).contains(&first) && rest.get(5..7) == Some(b"\\u") {
        let second = hex4(rest.get(7..11));
        if (0xdc00..0xe000).contains(&second) {
            push_code_point(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), out);
            return 11;
        }
    }
    push_code_point(first, out);
    5
}

fn hex4(digits: Option<&[u8]>) -> u32 {
    digits
        .unwrap_or_default()
        .iter()
        .fold(0, |value, &digit| value * 16 + char::from(digit).to_digit(16).unwrap_or(0))
}

/// UTF-8 for every code point, surrogates included (`char` has none for those).
#[allow(clippy::cast_possible_truncation)] // each part is masked or bounded to eight bits
fn push_code_point(code: u32, out: &mut Vec<u8>) {
    if let Some(character) = char::from_u32(code) {
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        out.extend_from_slice(&[
            0xe0 | (code >> 12) as u8,
            0x80 | (code >> 6 & 0x3f) as u8,
            0x80 | (code & 0x3f) as u8,
        ]);
    }
}

#[cfg(test)]
mod tests;
