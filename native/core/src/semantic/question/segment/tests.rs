use proptest::prelude::*;

use super::*;

/// Tokens as one text: words as they are, numbers behind `#`, literals in braces.
fn seen(text: &str) -> String {
    let (tokens, _) = segment(text);
    let shown = tokens.iter().map(|token| match token.kind {
        Kind::Word => token.text.clone(),
        Kind::Number => format!("#{}", token.text),
        Kind::Literal => format!("{{{}}}", token.text),
    });
    shown.collect::<Vec<_>>().join(" ")
}

fn all_are(table: &[(&str, &str)]) {
    for (text, tokens) in table {
        assert_eq!(seen(text), *tokens, "{text}");
    }
}

#[test]
fn words_lose_their_case_their_contraction_and_their_abbreviation() {
    all_are(&[
        ("What's the dog's name?", "what the dog name"),
        ("I don't, can’t and won't.", "i do not can not and will not"),
        ("my JS repo", "my javascript repository"),
        ("colour/centre", "color center"),
        ("well-known…really", "well known really"),
        ("", ""),
        ("?!", ""),
    ]);
}

#[test]
fn numbers_come_by_value_however_they_are_written() {
    all_are(&[
        ("two 2 2.00 002", "#2 #2 #2 #2"),
        ("1,000 and 1,5", "#1000 and #1.5"),
        ("twenty five", "#25"),
        ("twenty-five", "#25"),
        ("two hundred and five", "#205"),
        ("a million", "#1000000"),
        ("5k 5M 1.5k", "#5000 #5000000 #1500"),
        ("1st 2nd 22nd", "first second #22th"),
        (".5", "#0.5"),
    ]);
}

#[test]
fn units_are_told_from_their_numbers() {
    all_are(&[
        ("5km 5 km", "#5 kilometer #5 kilometer"),
        ("10m", "#10 meter"),
        ("20°C", "#20 celsius"),
        ("50%", "#50 percent"),
        ("$20 20€", "#20 dollar #20 euro"),
        ("a 30-day trial", "a #30 day trial"),
    ]);
}

#[test]
fn several_words_may_be_one_number() {
    all_are(&[
        ("half a million and half-million", "#500000 and #500000"),
        ("two and a half", "#2.5"),
        ("2.5 million", "#2500000"),
        ("two and a half million", "#2500000"),
        ("an hour and a half", "#1.5 hour"),
        ("half an hour", "#0.5 hour"),
        ("half the hour", "half the hour"),
        ("1/2 3/4 1/4", "#0.5 #0.75 #0.25"),
        ("two thirds", "{2/3}"),
        ("a third of it", "{1/3} of it"),
        ("a third cat", "a #3th cat"),
        ("seventy-one", "#71"),
        ("twenty-fifth, nineteenth", "#25th #19th"),
        ("twenty-first", "#21th"),
        ("a 30-second film", "a #30 second film"),
        ("ten per cent", "#10 percent"),
        ("a fortnight", "a #2 week"),
    ]);
}

#[test]
fn decades_and_centuries_are_numbers_of_their_own() {
    all_are(&[
        ("the 90s, the nineties, 1990s", "the #90s the #90s #90s"),
        ("1890s", "#1890s"),
        ("the 1800s", "the #19th century"),
        ("a timeout of 30s", "a timeout of #30 second-unit"),
    ]);
}

#[test]
fn roman_numerals_stand_behind_names() {
    all_are(&[
        ("about Henry VIII, Louis XIV's", "about henry #8 louis #14"),
        ("in World War II and World War I", "in world war #2 and world war #1"),
        ("the war I saw", "the war i saw"),
        ("open vi", "open vi"),
    ]);
}

#[test]
fn letters_behind_a_number_are_its_unit() {
    all_are(&[
        ("230 V, 16 A", "#230 volt #16 ampere"),
        ("25 m of it, 90 min", "#25 meter of it #90 minute"),
        ("20 m² and 20m²", "#20 square meter and #20 square meter"),
        ("5 m³", "#5 cubic meter"),
        ("$3.5k £1.5m", "#3500 dollar #1500000 sterling"),
        ("column C", "column {C}"),
    ]);
}

#[test]
fn abbreviations_of_letters_are_one_word() {
    all_are(&[
        ("the U.K. and the U.S.", "the britain and the america"),
        ("our D&D and T&C", "our dd and tc"),
        ("w/o H2O", "without water"),
        ("Node.js v5.2", "node version #5.2"),
        ("v1.2.3", "version {1.2.3}"),
        ("60x60 and 0x60", "#60 #60 and {0x60}"),
        ("un-install", "uninstall"),
    ]);
}

#[test]
fn accents_go_as_the_embedding_model_takes_them_away() {
    all_are(&[("Zürich, Kraków", "zurich krakow"), ("5 µg", "#5 microgram")]);
}

#[test]
fn ranges_are_two_numbers_and_versions_dates_and_fractions_one_thing() {
    all_are(&[
        ("10-20", "#10 #20"),
        ("80/20", "#80 #20"),
        ("1/3", "{1/3}"),
        ("1.2.3", "{1.2.3}"),
        ("3.10", "#3.10"),
        ("2024-01-05", "{2024-01-05}"),
        ("gpt-4", "gpt #4"),
    ]);
}

#[test]
fn what_is_written_for_machines_is_taken_as_it_stands() {
    all_are(&[
        ("-f --force -F", "{-f} {--force} {-F}"),
        ("/etc/hosts ./a.sh ~/x", "{/etc/hosts} {./a.sh} {~/x}"),
        ("config.yaml", "{config.yaml}"),
        ("getUserName", "{getusername}"),
        ("a_b std::vec foo()", "{a_b} {std::vec} {foo()}"),
        ("$HOME", "{$home}"),
        ("https://a.example/x", "{https://a.example/x}"),
        ("run `git  push`", "run {git  push}"),
        ("```\nx = 1\n```", "{x = 1}"),
        ("a ` alone", "a alone"),
    ]);
}

#[test]
fn quotations_are_noted_and_an_apostrophe_is_none() {
    let quotes = |text: &str| segment(text).1;
    assert_eq!(quotes("say \"good  day\" and ‘bye’"), ["good day", "bye"]);
    assert_eq!(quotes("«a» „b“ `c`"), ["a", "b", "c"]);
    assert_eq!(quotes("it's the dogs' bowl"), Vec::<String>::new());
    assert_eq!(quotes("'it's here'"), ["it's here"]);
    assert_eq!(quotes(&format!("\"{}\"", "x".repeat(400))).len(), 1);
    assert_eq!(quotes(&format!("\"{}\"", "x".repeat(401))).len(), 0);
}

#[test]
fn a_capital_makes_a_name_unless_a_sentence_begins() {
    let names = |text: &str| -> Vec<String> {
        segment(text).0.into_iter().filter(|token| token.is_name).map(|token| token.text).collect()
    };
    assert_eq!(names("Paris is in France. London too"), ["france"]);
    assert_eq!(names("the NASA budget"), ["nasa"]);
}

fn is_sound(text: &str) -> Result<(), TestCaseError> {
    for token in segment(text).0 {
        prop_assert!(!token.text.is_empty());
        prop_assert!(token.start <= token.end, "{token:?}");
        prop_assert!(text.get(token.start..token.end).is_some(), "{token:?} in {text:?}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_token_has_a_text_and_a_place_whatever_is_read(text in any::<String>()) {
        is_sound(&text)?;
    }

    #[test]
    fn every_token_has_a_place_in_what_looks_like_a_question(
        text in "([a-zA-Z]{0,6}|[0-9.,]{0,5}|two|hundred|and|five|['\"`“”‘’„«»]|[-–—/_$€%°#@()=.:]{1,2}|[ \n\t\u{0}\u{200f}]|n't|İ|ß|é|👩){0,40}"
    ) {
        is_sound(&text)?;
    }
}
