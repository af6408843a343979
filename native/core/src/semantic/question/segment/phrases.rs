//! Several tokens that are one number or one unit: `half a million`, `two thirds`, `an hour and a half`, `per cent`, `230 V`.

use super::numbers::scaled;
use super::{Kind, Token};
use crate::semantic::question::classes::{is_unit, unit_behind};

/// Units by a capital that stands alone behind a number.
const CAPITALS: &[(&str, &str)] = &[
    ("V", "volt"),
    ("W", "watt"),
    ("A", "ampere"),
    ("L", "liter"),
    ("B", "byte"),
    ("K", "kelvin"),
    ("F", "fahrenheit"),
    ("C", "celsius"),
];

/// Units that are no words, which may stand apart from their number.
const SMALL: &[&str] = &["m", "l", "g", "h", "s", "ml", "min", "w", "v"];

/// Denominators in the plural, which are no ordinals.
const PARTS: &[(&str, &str)] = &[
    ("thirds", "3"),
    ("quarters", "4"),
    ("quarter", "4"),
    ("fourths", "4"),
    ("fifths", "5"),
    ("sixths", "6"),
    ("eighths", "8"),
    ("tenths", "10"),
];

/// Joins the tokens of such phrases.
pub(super) fn join(tokens: &[Token]) -> Vec<Token> {
    let mut joined: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut rest = tokens;
    while let Some(first) = rest.first() {
        let Some((text, kind, taken)) = fraction(rest).or_else(|| half(rest)).or_else(|| word(rest)) else {
            joined.push(first.clone());
            rest = &rest[1..];
            multiply(&mut joined);
            continue;
        };
        let end = rest[taken - 1].end;
        joined.push(Token { text, kind, start: first.start, end, is_name: false });
        rest = &rest[taken..];
        multiply(&mut joined);
    }
    joined
}

fn is(token: Option<&Token>, texts: &[&str]) -> bool {
    token.is_some_and(|token| token.kind == Kind::Word && texts.contains(&token.text.as_str()))
}

fn number(token: Option<&Token>) -> Option<&str> {
    token.filter(|token| token.kind == Kind::Number).map(|token| token.text.as_str())
}

/// `2/3`, `two thirds`, `a third of`, `half a`, `a quarter of an`.
fn fraction(rest: &[Token]) -> Option<(String, Kind, usize)> {
    let [first, behind @ ..] = rest else { return None };
    if first.kind == Kind::Literal {
        let (above, below) = first.text.split_once('/')?;
        return decimal(above, below).map(|text| (text.to_owned(), Kind::Number, 1));
    }
    let (second, third) = (behind.first(), behind.get(1));
    let measures = |token: Option<&Token>| {
        token.is_some_and(|token| {
            is_unit(&token.text) || matches!(token.text.as_str(), "percentage" | "cubic" | "square")
        })
    };
    if is(Some(first), &["half"]) && is(second, &["a", "an"]) && measures(third) {
        return Some(("0.5".to_owned(), Kind::Number, 2));
    }
    if is(Some(first), &["quarter"])
        && is(second, &["of"])
        && is(third, &["a", "an"])
        && measures(behind.get(2))
    {
        return Some(("0.25".to_owned(), Kind::Number, 3));
    }
    let above = match number(Some(first)) {
        Some(above) if above.len() == 1 => above,
        None if is(Some(first), &["one"]) => "1",
        None if is(Some(first), &["a"]) && is(third, &["of"]) => "1",
        _ => return None,
    };
    let plural = second.and_then(|word| PARTS.iter().find(|(name, _)| *name == word.text));
    let below = match plural {
        Some((_, below)) if above != "1" || is(third, &["of"]) => *below,
        Some(_) => return None,
        None => number(second)?.strip_suffix("th").filter(|below| above == "1" && below.len() < 3)?,
    };
    Some(match decimal(above, below) {
        Some(text) => (text.to_owned(), Kind::Number, 2),
        None => (format!("{above}/{below}"), Kind::Literal, 2),
    })
}

/// Fractions that are mostly written with a point.
fn decimal(above: &str, below: &str) -> Option<&'static str> {
    match (above, below) {
        ("1", "2") => Some("0.5"),
        ("1", "4") => Some("0.25"),
        ("3", "4") => Some("0.75"),
        _ => None,
    }
}

/// `half a million`, `two and a half`, `hour and a half`.
fn half(rest: &[Token]) -> Option<(String, Kind, usize)> {
    let [first, behind @ ..] = rest else { return None };
    if is(Some(first), &["half"]) {
        let whole: u64 = number(behind.first())?.parse().ok()?;
        let is_round = [1000, 1_000_000, 1_000_000_000].contains(&whole);
        return is_round.then(|| ((whole / 2).to_string(), Kind::Number, 2));
    }
    let whole = match number(Some(first)) {
        Some(whole) if whole.bytes().all(|byte| byte.is_ascii_digit()) => whole,
        None if is(Some(first), &["one", "a", "an"]) => "1",
        _ => return None,
    };
    let ends = |at: usize| {
        is(behind.get(at), &["and"]) && is(behind.get(at + 1), &["a"]) && is(behind.get(at + 2), &["half"])
    };
    ends(0).then(|| (format!("{whole}.5"), Kind::Number, 4))
}

/// `per cent`, `seventy-one`, `twenty-fifth`.
fn word(rest: &[Token]) -> Option<(String, Kind, usize)> {
    let [first, second, ..] = rest else { return None };
    if is(Some(first), &["per"]) && is(Some(second), &["cent"]) {
        return Some(("percent".to_owned(), Kind::Word, 2));
    }
    let tens: u64 = number(Some(first))?.parse().ok()?;
    if !(20..100).contains(&tens) || !tens.is_multiple_of(10) || second.start > first.end + 1 {
        return None;
    }
    if is(Some(second), &["one"]) {
        return Some(((tens + 1).to_string(), Kind::Number, 2));
    }
    // `30-second` is a time.
    let is_spelled = first.end - first.start > 3 && second.start == first.end + 1;
    let ones: u64 = match second.text.as_str() {
        "first" if is_spelled => 1,
        "second" if is_spelled => 2,
        _ => number(Some(second))?.strip_suffix("th")?.parse().ok()?,
    };
    (ones < 10).then(|| (format!("{}th", tens + ones), Kind::Number, 2))
}

/// What the last tokens make of the one before them: `2.5 million`, `230 V`, `hour and a half`.
fn multiply(joined: &mut Vec<Token>) {
    let [.., before, last] = joined.as_mut_slice() else { return };
    let is_behind = before.kind == Kind::Number && last.start == before.end + 1;
    if is_behind && last.kind == Kind::Word && SMALL.contains(&last.text.as_str()) {
        unit_behind(&last.text).unwrap_or_default().clone_into(&mut last.text);
        return;
    }
    if is_behind && last.kind == Kind::Literal {
        if let Some((_, unit)) = CAPITALS.iter().find(|(capital, _)| *capital == last.text) {
            (*unit).clone_into(&mut last.text);
            last.kind = Kind::Word;
            last.is_name = false;
        }
        return;
    }
    let zeros = match last.text.as_str() {
        "1000" => 3,
        "1000000" => 6,
        "1000000000" => 9,
        _ => 0,
    };
    if before.kind == Kind::Number && before.text.contains('.') && last.kind == Kind::Number && zeros > 0 {
        before.text = scaled(&before.text, zeros);
        before.end = last.end;
        joined.pop();
        return;
    }
    halves(joined);
}

/// `an hour and a half`, `two hours and a half`.
fn halves(joined: &mut Vec<Token>) {
    let [.., count, unit, and, a, half] = joined.as_mut_slice() else { return };
    if !(is(Some(half), &["half"]) && is(Some(a), &["a"]) && is(Some(and), &["and"]) && is_unit(&unit.text)) {
        return;
    }
    if is(Some(count), &["a", "an", "one"]) {
        "1".clone_into(&mut count.text);
        count.kind = Kind::Number;
    }
    if count.kind == Kind::Number && count.text.bytes().all(|byte| byte.is_ascii_digit()) {
        count.text.push_str(".5");
        joined.truncate(joined.len() - 3);
    }
}
