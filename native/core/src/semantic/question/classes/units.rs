//! Units of measure, and the letters that stand for them right behind a number.

use std::collections::HashSet;
use std::sync::LazyLock;

/// The unit that a text right behind a number stands for.
#[must_use]
pub fn unit_behind(word: &str) -> Option<&'static str> {
    UNITS_BEHIND.iter().find(|(spelling, _)| *spelling == word).map(|(_, unit)| *unit)
}

/// Whether a word in its normal spelling names a day, a month or a time of day.
#[must_use]
pub fn is_date(word: &str) -> bool {
    DATES.contains(&word)
}

const DATES: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "noon",
    "midnight",
    "morning",
    "afternoon",
    "evening",
    "spring",
    "summer",
    "autumn",
    "winter",
    "christmas",
    "easter",
    "today",
    "tomorrow",
    "yesterday",
    "weekday",
    "weekend",
    "hourly",
    "daily",
    "weekly",
    "monthly",
    "quarterly",
    "yearly",
];

/// Whether a word in its normal spelling is a unit of measure.
#[must_use]
pub fn is_unit(word: &str) -> bool {
    TABLE.contains(word)
}

static TABLE: LazyLock<HashSet<&str>> = LazyLock::new(|| UNITS.iter().copied().collect());

/// Letters that are units only behind a number.
const UNITS_BEHIND: &[(&str, &str)] = &[
    ("m", "meter"),
    ("l", "liter"),
    ("g", "gram"),
    ("h", "hour"),
    ("s", "second-unit"),
    ("w", "watt"),
    ("v", "volt"),
    ("ml", "milliliter"),
    ("min", "minute"),
    ("c", "celsius"),
    ("f", "fahrenheit"),
    ("mo", "month"),
    ("d", "day"),
    ("in", "inch"),
    ("a", "ampere"),
    ("°", "degree"),
];

#[rustfmt::skip] // as many to a line as fit
const UNITS: &[&str] = &[
    "kilometer", "meter", "centimeter", "millimeter", "mile", "yard", "foot", "inch", "kilogram", "gram",
    "milligram", "microgram", "micrometer", "milliampere", "kilojoule", "kilopascal", "pound", "ounce", "ton", "tonne", "stone", "liter", "milliliter", "gallon", "pint",
    "cup", "tablespoon", "teaspoon", "celsius", "fahrenheit", "kelvin", "byte", "bit", "kilobyte",
    "megabyte", "gigabyte", "terabyte", "kibibyte", "mebibyte", "gibibyte", "tebibyte", "millisecond", "microsecond",
    "nanosecond", "second-unit", "minute", "hour", "day", "week", "month", "year", "decade", "century",
    "percent", "dollar", "euro", "sterling", "yen", "franc", "cent", "degree", "radian", "watt",
    "kilowatt", "volt", "ampere", "joule", "calorie", "kilocalorie", "acre", "hectare", "knot", "am",
    "pm", "px", "em", "rem", "pt", "hz", "khz", "mhz", "ghz", "mbps", "gbps", "psi", "bar", "horsepower",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_a_unit_only_behind_a_number() {
        assert_eq!((unit_behind("m"), is_unit("m"), is_unit("meter")), (Some("meter"), false, true));
        assert_eq!(unit_behind("x"), None);
    }
}
