use super::*;
use crate::semantic::fixtures::lexicon;

/// How the words of two texts stand for each other, then what is left over.
fn aligned(a: &str, b: &str) -> String {
    let table = lexicon();
    let (a, b) = (Question::read(a, &table), Question::read(b, &table));
    let found = align(&a, &b, &table);
    let pairs =
        found.pairs.iter().map(|(x, y, how)| format!("{} {how:?} {}", a.words[*x].text, b.words[*y].text));
    let left = |question: &Question, places: &[usize]| {
        places.iter().map(|place| question.words[*place].text.clone()).collect::<Vec<_>>().join(" ")
    };
    let pairs = pairs.collect::<Vec<_>>().join(", ");
    format!("{pairs} | {} | {}", left(&a, &found.left_a), left(&b, &found.left_b))
}

#[test]
fn each_way_in_which_a_word_stands_for_another_is_told() {
    assert_eq!(aligned("the cat", "a cat"), "cat Same cat |  | ");
    assert_eq!(aligned("left", "leave"), "left Form leave |  | ");
    assert_eq!(aligned("frobbing", "frobbed"), "frobbing Form frobbed |  | ");
    assert_eq!(aligned("hotdog", "hot dog"), "hotdog Compound hot |  | ");
    assert_eq!(aligned("hot dog", "hotdog"), "hot Compound hotdog |  | ");
    assert_eq!(aligned("configure", "set up"), "configure Synonym set |  | ");
    assert_eq!(aligned("delete", "remove"), "delete Synonym remove |  | ");
    assert_eq!(aligned("install", "installation"), "install Derived installation |  | ");
    assert_eq!(aligned("cat", "animal"), " | cat | animal", "a kind of it is not the same");
    assert_eq!(aligned("dierctory", "directory"), "dierctory Typo directory |  | ");
}

#[test]
fn opposites_sisters_numbers_and_literals_are_left_over() {
    assert_eq!(aligned("hot", "cold"), " | hot | cold");
    assert_eq!(aligned("cat 5", "dog 6"), " | cat 5 | dog 6");
    assert_eq!(aligned("`a`", "`b`"), " | a | b");
    assert_eq!(aligned("", ""), " |  | ");
}

#[test]
fn an_abbreviation_stands_for_the_words_that_begin_with_its_letters() {
    assert_eq!(aligned("the ACD", "the animal cat dog"), "acd Compound animal |  | ");
    assert_eq!(aligned("the animal of a dog", "an AOD"), "animal Compound aod |  | ");
    assert_eq!(aligned("our C&D", "our cat and dog"), "cd Compound cat |  | ");
    assert_eq!(aligned("the ACD", "the animal dog cat"), " | acd | animal dog cat", "in their order");
    assert_eq!(aligned("cat", "cold animal tail"), " | cat | cold animal tail", "an everyday word is none");
}

#[test]
fn names_that_nobody_knows_are_one_if_two_letters_changed_places() {
    assert_eq!(aligned("kuberentes", "kubernetes"), "kuberentes Typo kubernetes |  | ");
    assert_eq!(aligned("memoisation", "memoization"), "memoisation Typo memoization |  | ");
    assert_eq!(aligned("johanson", "johansen"), " | johanson | johansen", "two persons");
    let named = aligned("about Directorry", "about Directory");
    assert_eq!(named, " | directorry | directory", "written as names, though one is a word");
    assert_eq!(aligned("uuids", "uuid"), "uuids Form uuid |  | ");
    assert_eq!(aligned("in R", "in r"), "R Same r |  | ");
}

#[test]
fn a_word_said_twice_is_paired_with_the_nearest() {
    let table = lexicon();
    let (a, b) = (Question::read("cat dog cat", &table), Question::read("cat dog cat", &table));
    let pairs = align(&a, &b, &table).pairs;
    assert_eq!(pairs.iter().map(|(x, y, _)| (*x, *y)).collect::<Vec<_>>(), [(0, 0), (1, 1), (2, 2)]);
}

#[test]
fn edits_count_swaps_of_neighbours_once_and_stop_at_the_limit() {
    assert_eq!((edits("cat", "cat", 2), edits("cat", "act", 2), edits("cat", "cart", 2)), (0, 1, 1));
    assert_eq!(edits("cat", "elephant", 2), 3);
    assert_eq!(edits(&"x".repeat(65), &"x".repeat(65), 2), 3, "longer words are not compared");
    assert_eq!((edits("", "", 1), edits("é", "e", 1)), (0, 1));
}
