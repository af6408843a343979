use crate::semantic::fixtures::lexicon;
use crate::semantic::question::Question;

use super::differing;

fn what(a: &str, b: &str) -> Vec<&'static str> {
    let table = lexicon();
    let (a, b) = (Question::read(a, &table), Question::read(b, &table));
    let (there, back) = (differing(&a.marks, &b.marks), differing(&b.marks, &a.marks));
    let kinds =
        |found: &[(&'static str, String, String)]| found.iter().map(|(what, ..)| *what).collect::<Vec<_>>();
    assert_eq!(kinds(&there), kinds(&back));
    kinds(&there)
}

#[test]
fn what_the_model_cannot_tell_apart_must_be_the_same() {
    let table = [
        ("do i delete the cat 😀", "do i delete the cat 😡", "sign"),
        ("is the cat ≤ the dog", "is the cat ≥ the dog", "sign"),
        ("is the cat < the dog", "is the cat > the dog", "sign"),
        ("what is cat || dog", "what is cat && dog", "sign"),
        ("what is ? to a cat", "what is ! to a cat", "sign"),
        ("do i en\u{200b}able the cat", "do i enable the cat", "sign"),
        ("do i leave the cat\u{202e} hot", "do i leave the cat hot", "sign"),
        ("do i dele\0te the cat", "do i delete the cat", "sign"),
        ("what is 猫 to me", "what is 犬 to me", "letter"),
        ("如何启用两步验证？", "如何禁用两步验证？", "letter"),
        ("كيف أقوم بتفعيل المصادقة؟", "كيف أقوم بتعطيل المصادقة؟", "letter"),
        ("เมืองหลวงของฝรั่งเศส", "เมืองหลวงของเยอรมนี", "letter"),
        ("Как включить уведомления?", "Как выключить уведомления?", "letter"),
        ("is the c\u{430}t hot", "is the cat hot", "letter"),
        ("is the cat ３ or hot", "is the cat ５ or hot", "letter"),
        ("is it ½ of the cat", "is it ¼ of the cat", "letter"),
        ("is x² hot", "is x³ hot", "letter"),
        ("is the cat schön", "is the cat schon", "accent"),
        ("is the cat an ano", "is the cat an an\u{303}o", "accent"),
        ("what does print(a+b) do", "what does print(a-b) do", "expression"),
        ("what does cat[a] do", "what does cat[b] do", "expression"),
        ("is the cat\n  hot\n  cold", "is the cat\n  hot\ncold", "indentation"),
        ("is `Cat` hot", "is `cat` hot", "spelling"),
        ("is \"Cat dog\" hot", "is \"cat dog\" hot", "spelling"),
        ("is the getCatName hot", "is the getcatName hot", "spelling"),
        ("is the Get method hot", "is the get method hot", "spelling"),
        ("is it getdogs or getDogs", "is it getDogs or getDogs", "spelling"),
        ("is the variable Cat hot", "is the variable cat hot", "spelling"),
        ("is the cat in the US hot", "is the cat in the us hot", "capital"),
        ("does it leave the user IT", "does it leave the user it", "capital"),
        ("explain this: leave the cat", "explain this: the cat leaves", "text"),
        ("summarize this\n\nthe cat is hot", "summarize this\n\nthe cat is cold", "text"),
        ("what is the plural of cat", "what is the plural of cats", "word"),
        ("define the word usually", "define the word typically", "word"),
        ("wat kost een cat", "wat kost een dog", "language"),
    ];
    for (a, b, kind) in table {
        assert!(what(a, b).contains(&kind), "{a} / {b}: {:?}", what(a, b));
        assert_eq!((what(a, a), what(b, b)), (vec![], vec![]), "{a} / {b}, each and itself");
    }
}

#[test]
fn what_may_be_written_in_two_ways_is_none_of_it() {
    let table = [
        ("How do I delete the cat?", "how do I delete the cat"),
        ("delete the cat (and the dog)", "delete the cat and the dog"),
        ("delete the cat – please", "delete the cat, please"),
        ("Delete the cat & the dog", "delete the cat and the dog"),
        ("delete “the cat”", "delete the cat"),
        ("IS THE CAT HOT", "is the cat hot"),
        ("is the cat hot at 50%", "is the cat hot at 50 %"),
        ("is Node.js hot", "is node.js hot"),
        ("is the cat from Zürich hot", "is the cat from Zurich hot"),
        ("is the café hot", "is the cafe hot"),
        ("is 20 m² hot", "is 20 square metres hot"),
        ("is 5 µg hot", "is 5 micrograms hot"),
        ("leave the cat + dog", "leave the cat and dog"),
        ("is the cat hot :)", "is the cat hot"),
        ("cat → dog", "cat to dog"),
        ("is EC2 hot", "is ec2 hot"),
        ("is 40 × 30 hot", "is 40 by 30 hot"),
    ];
    for (a, b) in table {
        let found: Vec<_> = what(a, b).into_iter().filter(|kind| *kind != "language").collect();
        assert_eq!(found, Vec::<&str>::new(), "{a} / {b}");
    }
}

#[test]
fn words_that_are_too_long_for_the_model_must_be_the_same() {
    let long = "abcdefghij".repeat(12);
    let (a, b) = (format!("delete the cat {long}a"), format!("delete the cat {long}b"));
    assert!(what(&a, &b).contains(&"expression"));
}
