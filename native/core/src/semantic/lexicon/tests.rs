use super::*;
use crate::semantic::fixtures::{lexicon, lexicon_file};

#[test]
fn a_word_is_found_by_its_letters_and_only_by_all_of_them() {
    let table = lexicon();
    assert!(table.word("cat").is_some() && table.word("animal").is_some() && table.word("user").is_some());
    assert_eq!(
        (table.word("ca"), table.word("cats"), table.word(""), table.word("zebra")),
        (None, None, None, None)
    );
}

#[test]
fn inflected_forms_lead_to_their_base_and_words_stay() {
    let table = lexicon();
    let bases = [
        ("cats", "cat"),
        ("mice", "cat"), // irregular: the table says so
        ("making", "make"),
        ("stopped", "stop"),
        ("directories", "directory"),
        ("users", "user"),
        ("left", "left"),
        ("xyzs", "xyzs"),
        ("s", "s"),
        ("", ""),
    ];
    for (form, base) in bases {
        assert_eq!(table.base(form), base, "{form}");
    }
    assert!(table.same_word("left", "leave") && table.same_word("leave", "left"));
    assert!(table.same_word("making", "makes") && !table.same_word("cat", "dog"));
}

#[test]
fn the_closest_relation_of_two_words_is_named_in_both_orders() {
    let table = lexicon();
    let relations = [
        ("delete", "remove", Relation::Synonym),
        ("install", "installation", Relation::Derived),
        ("cat", "animal", Relation::Broader),
        ("hot", "cold", Relation::Antonym),
        ("cat", "dog", Relation::Sister),
        ("cat", "hot", Relation::None),
        ("cat", "unknown", Relation::None),
    ];
    for (a, b, relation) in relations {
        assert_eq!((table.relation(a, b), table.relation(b, a)), (relation, relation), "{a} {b}");
    }
    assert!(table.are_antonyms("cold", "hot") && !table.are_antonyms("cold", "cat"));
    assert_eq!((table.commonness("leave"), table.commonness("unknown")), (7, 0));
}

#[test]
fn what_is_no_table_is_refused_and_the_empty_one_knows_nothing() {
    let file = lexicon_file();
    assert!(Lexicon::new(file[..file.len() - 1].to_vec()).is_none());
    assert!(Lexicon::new(file[1..].to_vec()).is_none());
    assert!(Lexicon::new(Vec::new()).is_none());
    let empty = Lexicon::empty();
    assert_eq!((empty.word("cat"), empty.relation("cat", "dog")), (None, Relation::None));
    assert_eq!(empty.base("cats"), "cats");
}

#[test]
fn a_table_whose_numbers_are_wrong_gives_wrong_answers_and_no_panic() {
    let file = lexicon_file();
    for place in 48..file.len() {
        let mut bad = file.clone();
        bad[place] ^= 0xff;
        let table = Lexicon::new(bad).unwrap();
        for word in ["cat", "dogs", "mice", "hot"] {
            let _ = (table.base(word).len(), table.relation(word, "cold"), table.commonness(word));
        }
    }
}
