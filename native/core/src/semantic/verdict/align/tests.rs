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
