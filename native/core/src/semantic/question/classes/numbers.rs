//! Numbers and ordinals in words. `one` is none of them: it is more often a pronoun.

/// The value of a number word.
#[must_use]
pub fn number(word: &str) -> Option<u64> {
    NUMBERS.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
}

const NUMBERS: &[(&str, u64)] = &[
    ("zero", 0),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("thirteen", 13),
    ("fourteen", 14),
    ("fifteen", 15),
    ("sixteen", 16),
    ("seventeen", 17),
    ("eighteen", 18),
    ("nineteen", 19),
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("fifty", 50),
    ("sixty", 60),
    ("seventy", 70),
    ("eighty", 80),
    ("ninety", 90),
    ("hundred", 100),
    ("thousand", 1000),
    ("million", 1_000_000),
    ("billion", 1_000_000_000),
    ("dozen", 12),
];

/// The value of an ordinal from the third on.
#[must_use]
pub fn ordinal(word: &str) -> Option<u64> {
    ORDINALS.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
}

const ORDINALS: &[(&str, u64)] = &[
    ("third", 3),
    ("fourth", 4),
    ("fifth", 5),
    ("sixth", 6),
    ("seventh", 7),
    ("eighth", 8),
    ("ninth", 9),
    ("tenth", 10),
    ("eleventh", 11),
    ("twelfth", 12),
    ("thirteenth", 13),
    ("fourteenth", 14),
    ("fifteenth", 15),
    ("sixteenth", 16),
    ("seventeenth", 17),
    ("eighteenth", 18),
    ("nineteenth", 19),
    ("twentieth", 20),
    ("thirtieth", 30),
    ("fortieth", 40),
    ("fiftieth", 50),
    ("sixtieth", 60),
    ("seventieth", 70),
    ("eightieth", 80),
    ("ninetieth", 90),
    ("hundredth", 100),
];

/// The decade that a word names, as `the 90s` is read.
#[must_use]
pub fn decade(word: &str) -> Option<&'static str> {
    DECADES.iter().find(|(name, _)| *name == word).map(|(_, decade)| *decade)
}

const DECADES: &[(&str, &str)] = &[
    ("twenties", "20s"),
    ("thirties", "30s"),
    ("forties", "40s"),
    ("fifties", "50s"),
    ("sixties", "60s"),
    ("seventies", "70s"),
    ("eighties", "80s"),
    ("nineties", "90s"),
];

/// Whether a number is written behind a word, in Roman numerals too.
#[must_use]
pub fn is_numbered(word: &str) -> bool {
    ["war", "book", "part", "chapter", "volume", "type", "stage", "phase", "grade", "class", "act"]
        .contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_words_have_their_value_and_one_has_none() {
        assert_eq!((number("two"), number("dozen"), number("one")), (Some(2), Some(12), None));
    }
}
