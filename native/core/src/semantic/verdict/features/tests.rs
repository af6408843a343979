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
