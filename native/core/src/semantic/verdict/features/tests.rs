use super::*;
use crate::semantic::fixtures::lexicon;

fn looked(a: &str, b: &str) -> Looked {
    let table = lexicon();
    let (a, b) = (Question::read(a, &table), Question::read(b, &table));
    let none = Directions::default();
    let side = |question| Side { question, directions: &none };
    look(side(&a), side(&b), 0.5, &table)
}

/// A feature of a pair, the same in both orders.
#[track_caller]
fn feature(name: &str, a: &str, b: &str) -> f32 {
    let place = NAMES.iter().position(|known| *known == name).unwrap();
    let (there, back) = (looked(a, b).features[place], looked(b, a).features[place]);
    assert!((there - back).abs() < 1e-6, "{name}: {there} and {back}");
    there
}

#[test]
fn each_feature_is_zero_for_a_pair_without_it_and_not_for_one_with_it() {
    let same = "how do i delete the cat from the directory";
    let table = [
        ("synonyms", "delete the cat", "remove the cat"),
        ("derived", "install", "installation"),
        ("broader", "cat", "animal"),
        ("typos", "directory", "dierctory"),
        ("compounds", "hotdog", "hot dog"),
        ("forms", "left", "leave"),
        ("antonyms", "hot", "cold"),
        ("sisters", "cat", "dog"),
        ("left_total", "cat dog", "cat"),
        ("names_left", "the cat in Rome", "the cat"),
        ("unknown_left", "cat frob", "cat"),
        ("literals_left", "cat `a`", "cat"),
        ("numbers_differ", "cat 5", "cat 6"),
        ("quotes_differ", "cat \"a b\"", "cat"),
        ("negations", "a cat", "not a cat"),
        ("asks_conflict", "why leave", "when leave"),
        ("asks_missing", "why leave", "leave"),
        ("modals", "can i leave", "must i leave"),
        ("tenses", "did it stop", "will it stop"),
        ("quantities", "all cats", "some cats"),
        ("relations", "before cats", "after cats"),
        ("persons", "his cat", "her cat"),
        ("degrees", "a hot cat", "the hottest cat"),
        ("roles_swapped", "from cat to dog", "from dog to cat"),
        ("inversions", "cat dog", "dog cat"),
        ("fillers", "please leave", "leave"),
        ("opposites", "upload", "download"),
        ("units_differ", "5 km", "5 miles"),
        ("first_differs", "cat dog", "dog cat"),
        ("why", "why leave", "leave"),
        ("swap", "does cat stop dog now", "does dog stop cat now"),
        ("by_differs", "stop by cat", "stop cat"),
        ("persons_order", "i tell him", "he tells me"),
    ];
    for (name, a, b) in table {
        assert!(feature(name, a, b) > 0.0, "{name}: {a} / {b}");
        assert!(feature(name, same, same) <= 0.0, "{name} of a question and itself");
    }
}

#[test]
fn two_clauses_that_change_places_are_no_swap_of_roles() {
    let (a, b) = ("does cat stop dog", "does dog stop cat");
    assert!(feature("pivot", a, b) >= 3.0);
    assert!(feature("swap", a, b) >= 3.0);
    let (a, b) = ("if cat stop leave user", "leave user if cat stop");
    assert!(feature("swap", a, b) <= 1.0);
}

#[test]
fn facts_that_differ_forbid() {
    let vetoes =
        |a: &str, b: &str| -> Vec<&str> { looked(a, b).vetoes.iter().map(|veto| veto.what).collect() };
    assert_eq!(vetoes("cat 5", "cat five"), Vec::<&str>::new());
    assert_eq!(vetoes("cat 5", "cat 6"), ["number"]);
    assert_eq!(vetoes("1 cat", "a cat"), Vec::<&str>::new(), "one is what an article says");
    assert_eq!(vetoes("cat --force", "cat"), ["literal"]);
    assert_eq!(vetoes("\"a cat\"", "a cat"), Vec::<&str>::new(), "it stands there without its marks");
    assert_eq!(vetoes("\"a dog\" cat", "\"a hot\" cat"), ["quotation"]);
    assert_eq!(vetoes("cat \"a dog\" or \"a hot\"", "cat \"a hot\" or \"a dog\""), ["order of quotations"]);
    assert_eq!(vetoes("why will the cat not stop", "why won't the cat stop"), Vec::<&str>::new());
    assert_eq!(vetoes("stop the cat if you don't mind", "stop the cat"), Vec::<&str>::new());
    assert_eq!(vetoes("what should i stop", "what can i stop"), Vec::<&str>::new(), "both ask for advice");
    assert_eq!(vetoes("one thousand five hundred cats", "1,500 cats"), Vec::<&str>::new());
    assert_eq!(vetoes("i am hot at 5", "hot at 5"), Vec::<&str>::new(), "no time of day");
    assert_eq!(vetoes("it is hot but not cold", "it is cold but not hot"), ["negation"]);
    assert_eq!(vetoes("stop in the cat", "stop out the cat"), ["opposite"]);
    assert_eq!(vetoes("can i stop the cat", "do i have to stop the cat"), ["modal verb"]);
    assert!(vetoes("set 512Mi of memory", "set 512Gi of memory").contains(&"unit"));
    assert!(vetoes("form 1099-NEC", "form 1099-INT").contains(&"literal"));
    assert_eq!(vetoes("hot", "cold"), ["opposite"]);
    assert_eq!(vetoes("cat 5 km", "cat 5 miles"), ["unit"]);
    assert_eq!(vetoes("cat in metres", "cat"), Vec::<&str>::new(), "a unit may be left out");
    assert_eq!(vetoes("cat on monday", "cat on friday"), ["date"]);
    assert_eq!(vetoes("do not stop the cat", "stop the cat"), ["negation"]);
    assert_eq!(vetoes("explain cat", "how do cat and dog differ"), ["comparison"]);
}

/// What forbids a pair, the same in both orders.
#[track_caller]
fn vetoes(a: &str, b: &str) -> Vec<&'static str> {
    let of = |a: &str, b: &str| -> Vec<&str> { looked(a, b).vetoes.iter().map(|veto| veto.what).collect() };
    assert_eq!(of(a, b), of(b, a), "{a} / {b}");
    of(a, b)
}

#[track_caller]
fn all_are_free(pairs: &[(&str, &str)]) {
    for (a, b) in pairs {
        // Most English words are names to so small a lexicon.
        let found: Vec<&str> = vetoes(a, b).into_iter().filter(|what| *what != "name").collect();
        assert_eq!(found, Vec::<&str>::new(), "{a} / {b}");
    }
}

#[test]
fn what_is_denied_here_may_not_stand_undenied_there() {
    for (a, b) in [
        ("which cats do not leave", "which cats leave"),
        ("a cat without a dog", "a cat with a dog"),
        ("an animal with no cold dog", "an animal with a dog"),
        ("why won't the cat stop", "why does the cat stop"),
        ("what should a cat not leave", "what should a dog install"),
        ("is the cat not allowed to leave", "is the dog to install"),
        ("delete cats unless hot", "delete cold cats"),
        ("stop the cat if nobody else has", "stop the cat that others install"),
        ("leave the cat", "leave the cat and never install"),
    ] {
        assert!(vetoes(a, b).contains(&"negation"), "{a} / {b}");
    }
}

#[test]
fn one_negation_alone_is_weighed_if_the_other_question_says_the_same_in_other_words() {
    all_are_free(&[
        ("a dog that is not hot", "a dog that is free of heat"),
        ("keep the cat from leaving the dog", "so that the cat doesn't leave the dog"),
        ("my cat won't leave", "my cat will refuse to leave"),
        ("an animal other than a dog", "an animal that is not a dog"),
    ]);
}

#[test]
fn negations_that_deny_nothing_of_what_is_asked_do_not_count() {
    all_are_free(&[
        ("isn't the cat hot?", "is the cat hot?"),
        ("is it not hot?", "is it hot?"),
        ("is it hot or not", "is it hot"),
        ("stop cat no. 5", "stop cat number 5"),
        ("i never learn this: is it hot", "is it hot"),
        ("i still do not get it, is it hot", "is it hot"),
    ]);
    assert_eq!(
        vetoes("i can't learn, is it hot", "can i learn, is it hot"),
        ["negation"],
        "it is what is asked"
    );
}

#[test]
fn a_contrary_that_is_denied_is_none() {
    all_are_free(&[
        ("keep the cat", "do not lose the cat"),
        ("the cold cat", "the cat that is not hot"),
        ("the cat with no dog", "the cat without a dog"),
        ("the least expensive cat", "the cheap cat"),
        ("a dog over a hot animal", "the cat under my installation"),
    ]);
    assert_eq!(vetoes("stop cat over dog", "stop cat under dog"), ["opposite"]);
    assert_eq!(vetoes("at least one cat", "all cats"), ["opposite"]);
    assert_eq!(vetoes("a cat to install", "a cat to uninstall"), ["opposite"]);
    assert_eq!(vetoes("an overwatered cat", "an underwatered cat"), ["opposite", "name"]);
    assert_eq!(vetoes("the least hot cat", "the hottest cat"), ["opposite"]);
    assert_eq!(vetoes("stop in 7 days", "stop in 7 hours"), ["unit"]);
}

#[test]
fn amounts_are_compared_by_what_they_come_to() {
    all_are_free(&[
        ("cat for 90 minutes", "cat for an hour and a half"),
        ("cat for 12 month", "cat for a year"),
        ("a 48 hour cat", "a 2 day cat"),
        ("cat of 240 cm", "cat of 2.40 m"),
        ("cat for £5", "cat for five pounds"),
        ("cat on 9th November", "cat on 9 november"),
        ("two cats and dogs", "both cats and dogs"),
        ("stop the 5th cat", "stop cat 5"),
    ]);
    assert!(!vetoes("cat for 90 minutes", "cat for 2 hours").is_empty());
    assert!(!vetoes("cat of 20 m²", "cat of 20 m³").is_empty());
    assert_eq!(vetoes("5 mg of cat", "5 µg of cat"), ["unit"]);
    assert!(!vetoes("cat for 30 days", "cat for a month").is_empty(), "a month may have 31");
}

#[test]
fn code_may_stand_without_its_marks() {
    all_are_free(&[("stop `cat 755` hot", "stop cat 755 hot")]);
    assert!(vetoes("stop `cat 755` hot", "stop cat 644 hot").contains(&"number"));
}

#[test]
fn a_comparison_may_be_asked_for_in_other_words() {
    all_are_free(&[("what is the difference of cat and dog", "how do i tell cat and dog apart")]);
}

#[test]
fn a_text_in_an_unknown_language_may_have_the_words_of_an_english_one() {
    let (a, b) =
        ("frobnicator wibble cat zorkmid", "how do i make the cat leave my frobnicator wibble zorkmid");
    assert!(!vetoes(a, b).contains(&"language"));
    assert!(vetoes("wat kost een hond", "how do i leave the cat and the dog").contains(&"language"));
}

#[test]
fn the_cosines_of_words_reach_the_features() {
    let table = lexicon();
    let (a, b) = (Question::read("cat dog", &table), Question::read("cat hot", &table));
    let of_a = Directions { width: 2, data: vec![1.0, 0.0, 0.0, 1.0] };
    let of_b = Directions { width: 2, data: vec![1.0, 0.0, 0.6, 0.8] };
    let looked =
        look(Side { question: &a, directions: &of_a }, Side { question: &b, directions: &of_b }, 0.5, &table);
    let value = |name: &str| looked.features[NAMES.iter().position(|known| *known == name).unwrap()];
    assert!((value("left_replaced_worst") - 0.8).abs() < 1e-6);
    assert!((value("worst") - 0.8).abs() < 1e-6);
    assert!((value("same_worst") - 1.0).abs() < 1e-6);
    assert!((value("cosine") - 0.5).abs() < 1e-6);
}
