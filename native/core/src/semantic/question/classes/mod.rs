//! Closed classes of English words, as far as the verdict looks at them, and names with several spellings.
//!
//! * this file: what a word does in a question.
//! * `spellings`: `js` and `javascript`, `colour` and `color`, `don't` without its apostrophe.
//! * `numbers`, `units`: `two`, `km`.
//! * `opposites`: `before` and `after`.
//!
//! **Cost**: every question about a word is one probe of a hash table that is built from the tables below when it is first needed.

mod numbers;
mod opposites;
mod spellings;
mod units;

use std::collections::HashMap;
use std::sync::LazyLock;

pub use numbers::{decade, is_numbered, number, ordinal};
pub use opposites::are_opposites;
pub use spellings::spelled;
pub use units::{is_date, is_unit, unit_behind};

/// The base form of a word that the lexicon has as a word of its own, too: `days` are not only the days of one's life.
#[must_use]
pub fn base(word: &str) -> Option<&str> {
    match word {
        "longest" => Some("long"),
        _ => word.strip_suffix('s').filter(|unit| is_unit(unit)),
    }
}

/// What a word does in a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It carries meaning of its own.
    Content,
    /// Articles, pronouns, auxiliaries: taken for granted.
    Glue,
    /// Politeness and ways of asking: may be there or not.
    Filler,
    /// not, never, without, …
    Negation,
    /// can, must, should, …; its group.
    Modal(u8),
    /// how, why, when, …; its group.
    Asks(u8),
    /// Words that place an event in time; its group.
    Tense(u8),
    /// all, only, at least, first, …; its group.
    Quantity(u8),
    /// from, to, before, under, …; its group.
    Relation(u8),
    /// Whose: my, his, their, …; its group.
    Person(u8),
}

/// The class of a word in lower case.
#[must_use]
pub fn of(word: &str) -> Class {
    CLASSES.get(word).copied().unwrap_or(Class::Content)
}

/// Words in groups that a class tells apart.
type Groups = &'static [&'static [&'static str]];
/// The class that a group belongs to.
type Make = fn(u8) -> Class;

/// Every word of the tables; the first table that has it counts.
static CLASSES: LazyLock<HashMap<&str, Class>> = LazyLock::new(|| {
    let mut found = HashMap::new();
    for (words, class) in [(GLUE, Class::Glue), (FILLER, Class::Filler), (NEGATION, Class::Negation)] {
        for word in words {
            found.entry(*word).or_insert(class);
        }
    }
    let groups: [(Groups, Make); 6] = [
        (ASKS, Class::Asks),
        (MODAL, Class::Modal),
        (TENSE, Class::Tense),
        (QUANTITY, Class::Quantity),
        (RELATION, Class::Relation),
        (PERSON, Class::Person),
    ];
    for (groups, class) in groups {
        for (group, words) in (0..).zip(groups) {
            for word in *words {
                found.entry(*word).or_insert(class(group));
            }
        }
    }
    found
});

#[rustfmt::skip] // as many to a line as fit
/// Words that end as a plural or a past does and are neither.
pub const UNBENDING: &[&str] = &["https", "aws", "ios", "dns", "css", "news", "windows", "redis", "pandas", "kubernetes"];

const GLUE: &[&str] = &[
    "a",
    "an",
    "the",
    "this",
    "that",
    "these",
    "those",
    "it",
    "its",
    "i",
    "you",
    "we",
    "us",
    "me",
    "one",
    "ones",
    "is",
    "are",
    "am",
    "be",
    "being",
    "been",
    "do",
    "does",
    "has",
    "have",
    "having",
    "there",
    "here",
    "and",
    "so",
    "as",
    "of",
    "such",
    "then",
    "also",
    "too",
    "very",
    "really",
    "own",
    "itself",
    "myself",
    "yourself",
    "etc",
    "s",
    "someone",
    "somebody",
    "something",
    "anyone",
    "anybody",
    "people",
    "person",
    "thing",
    "things",
    "stuff",
    "because",
    "if",
    "while",
    "doing",
    "done",
    "get",
    "gets",
    "getting",
    "got",
    "go",
    "goes",
    "going",
    "make",
    "makes",
    "making",
    "made",
    "take",
    "takes",
    "taking",
    "use",
    "using",
    "used",
    "uses",
    "let",
    "lets",
    "just",
    "simply",
    "actually",
    "basically",
    "currently",
    "at",
    "on",
    "in",
    "for",
    "with",
    "by",
    "about",
    "or",
    "but",
    "ok",
    "oclock",
];

#[rustfmt::skip] // as many to a line as fit
const FILLER: &[&str] = &[
    "please", "pls", "plz", "hi", "hello", "hey", "thanks", "thank", "thx", "kindly", "quick", "question",
    "quickly", "wondering", "wonder", "help", "tell", "explain", "show", "give", "know", "way", "ways",
    "possible", "want", "like", "need", "trying", "try", "looking", "look", "find", "figure",
    "understand", "idea", "curious", "wanted", "exactly", "correct", "proper", "properly", "easy",
    "easily", "easiest", "simple", "simplest", "good", "anyway", "say", "mean", "means", "meant",
    "meaning", "able", "available", "project", "mine", "today", "appreciate", "appreciated", "advance",
    "ask", "asking", "describe", "provide", "well", "sure", "hoping", "hope", "somehow", "maybe",
    "perhaps", "happen", "happens", "work", "works", "working", "seem", "seems", "certain", "particular",
    "given", "steps", "step", "procedure", "method", "process", "approach", "instructions", "guide",
    "usual", "usually", "normally", "typically", "typical", "generally", "supposed", "sort", "kind",
    "type", "reason", "reasons", "cause", "causes", "anything", "everything", "whole", "entire", "order",
    "case", "dear", "sorry", "folks", "team", "everyone", "guys",
];

#[rustfmt::skip] // as many to a line as fit
const NEGATION: &[&str] = &[
    "not", "no", "never", "without", "none", "neither", "nor", "nobody", "nothing", "nowhere", "cannot",
    "except", "unless", "excluding", "hardly", "barely", "lacking", "non",
];

const ASKS: &[&[&str]] = &[
    &["how"],
    &["why"],
    &["when"],
    &["where"],
    &["who", "whom", "whose"],
    &["whose"],
    &["which"],
    &["what"],
    &["whether"],
];

const MODAL: &[&[&str]] = &[
    &["can", "could"],
    &["may", "might", "allowed", "permitted", "legal", "okay"],
    &["must", "required", "mandatory", "obligatory", "compulsory", "obliged"],
    &["should", "ought", "recommended", "advisable", "better"],
];

const TENSE: &[&[&str]] = &[
    &["did", "was", "were", "had"],
    &["will", "shall", "gonna"],
    &["would"],
    &["already"],
    &["yet", "still"],
    &["ever"],
    &["used"],
    &["now", "nowadays"],
];

const QUANTITY: &[&[&str]] = &[
    &["all", "every", "each", "everything", "whole", "entire"],
    &["any"],
    &["some", "several", "few"],
    &["most", "mostly", "majority"],
    &["many", "much"],
    &["only", "solely", "exclusively"],
    &["both"],
    &["either"],
    &["more", "over", "above", "exceed", "exceeding"],
    &["less", "fewer", "under", "below"],
    &["least", "minimum", "min", "minimal"],
    &["maximum", "max", "maximal"],
    &["first", "1st", "initial"],
    &["last", "final"],
    &["second", "2nd"],
    &["next", "following"],
    &["previous", "prior", "preceding"],
    &["half"],
    &["double", "twice"],
    &["once"],
    &["same"],
    &["other", "another", "else", "different"],
    &["exact"],
    &["average", "mean", "median"],
    &["total", "sum"],
];

const RELATION: &[&[&str]] = &[
    &["from"],
    &["to"],
    &["into"],
    &["before"],
    &["after"],
    &["during"],
    &["until", "till"],
    &["since"],
    &["between", "among"],
    &["through", "via"],
    &["against"],
    &["outside"],
    &["inside", "within"],
    &["behind"],
    &["off"],
    &["out"],
    &["down"],
    &["up"],
    &["back"],
    &["away"],
    &["than"],
    &["per"],
    &["versus", "vs"],
    &["near", "around"],
    &["across"],
    &["onto"],
    &["toward", "towards"],
    &["upon"],
];

const PERSON: &[&[&str]] =
    &[&["my", "our"], &["your"], &["his", "he", "him"], &["her", "she"], &["their", "they", "them"]];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_belongs_to_the_first_class_that_has_it() {
        assert_eq!(of("the"), Class::Glue);
        assert_eq!(of("used"), Class::Glue, "and not a tense, which has it too");
        assert_eq!(of("please"), Class::Filler);
        assert_eq!(of("without"), Class::Negation);
        assert_eq!((of("how"), of("why"), of("whose")), (Class::Asks(0), Class::Asks(1), Class::Asks(4)));
        assert_eq!((of("can"), of("must")), (Class::Modal(0), Class::Modal(2)));
        assert_eq!((of("did"), of("will")), (Class::Tense(0), Class::Tense(1)));
        assert_eq!(
            (of("every"), of("at"), of("least")),
            (Class::Quantity(0), Class::Glue, Class::Quantity(10))
        );
        assert_eq!((of("from"), of("upon")), (Class::Relation(0), Class::Relation(27)));
        assert_eq!((of("my"), of("her")), (Class::Person(0), Class::Person(3)));
        assert_eq!((of("database"), of("")), (Class::Content, Class::Content));
    }
}
