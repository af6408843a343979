//! Whether one question denies what the other says.
//!
//! **Policy**: the same thing is often asked with a negation and without one: `a sauce that doesn't split`, `keep a sauce
//! from splitting`. So a negation on one side alone forbids nothing; it forbids if what it denies stands undenied in the
//! other question, or if the other has no words left that could say the same. What remains is weighed with the features.

use super::facts::Differing;
use crate::semantic::question::classes::Class;
use crate::semantic::question::segment::Kind;
use crate::semantic::question::{Question, Word};
use crate::semantic::verdict::align::Alignment;

/// Words with one negation each that say nothing of what is asked: manners, idioms, `or not`, `no. of`.
const COURTESIES: &[&[&str]] = &[
    &["you", "do", "not", "mind"],
    &["you", "not", "mind"],
    &["not", "too", "much"],
    &["not", "sure", "if"],
    &["not", "sure", "whether"],
    &["not", "sure", "this"],
    &["not", "urgent"],
    &["no", "rush"],
    &["no", "hurry"],
    &["no", "worry"],
    &["no", "worries"],
    &["no", "trouble"],
    &["no", "tomorrow"],
    &["no", "idea"],
    &["no", "clue"],
    &["no", "of"],
    &["i", "do", "not", "know"],
    &["i", "do", "not", "understand"],
    &["never", "know"],
    &["no", "more", "than"],
    &["not", "more", "than"],
    &["or", "not"],
    &["nothing", "but"],
    &["nothing", "else"],
    &["non", "disclosure"],
];

/// Conditions and exceptions, which no other word says: one side alone may not have them.
const EXCEPTIONS: &[&str] = &["except", "excluding", "unless"];

/// Words that deny without being negations.
const DENYING: &[&str] = &[
    "unable",
    "fail",
    "failure",
    "refuse",
    "prevent",
    "avoid",
    "stop",
    "lack",
    "missing",
    "miss",
    "forbid",
    "forbidden",
    "forbade",
    "prohibit",
    "ban",
    "illegal",
    "impossible",
    "decline",
    "ignore",
    "instead",
    "rather",
    "absent",
    "empty",
    "lose",
    "lost",
    "unless",
    "cease",
    "quit",
    "reject",
    "omit",
    "skip",
    "exclude",
    "free",
    "keep",
    "neglect",
    "dead",
    "gone",
    "disable",
    "block",
    "only",
    "wrong",
    "bad",
    "invisible",
    "unlike",
    "outside",
];

/// Verbs that are taken for granted elsewhere and are what is denied behind a negation.
const VERBS: &[&str] = &["get", "got", "go", "make", "made", "take", "use", "used", "let", "have"];

/// Those that say little without their object.
const LIGHT: &[&str] = &["have", "use", "used", "contain", "include", "involve"];

/// What stands between a negation and what it denies.
const BETWEEN: &[&str] =
    &["able", "sure", "exactly", "usually", "normally", "typically", "generally", "easily", "properly"];

/// Auxiliaries that a question may begin with: `doesn't a spider count as an insect` asks whether it does.
const AUXILIARIES: &[&str] = &[
    "do", "does", "did", "is", "are", "was", "were", "can", "could", "will", "would", "should", "has", "have",
];

const SUBJECTS: &[&str] = &[
    "a", "an", "the", "it", "i", "you", "we", "there", "this", "that", "these", "those", "he", "she", "they",
    "my", "our", "your", "his", "her", "their",
];

struct Denial {
    place: usize,
    /// What it denies: the places of the first words with meaning behind it.
    scope: Vec<usize>,
    /// The subject stands between the negation and what it denies: `why won't the cat eat`.
    inverted: bool,
}

/// What one of the two denies and the other does not.
pub(super) fn contradiction(a: &Question, b: &Question, alignment: &Alignment) -> Option<Differing> {
    let (mut of_a, mut of_b) = (denials(a), denials(b));
    of_a.retain(|denial| !is_ignorance(a, denial, b));
    of_b.retain(|denial| !is_ignorance(b, denial, a));
    let words = |question: &Question, of: &[Denial]| -> String {
        of.iter().map(|denial| question.words[denial.place].text.as_str()).collect::<Vec<_>>().join(", ")
    };
    let differing = || Differing { a: words(a, &of_a), b: words(b, &of_b) };
    if of_a.len() != of_b.len() {
        if exceptions(a, &of_a) != exceptions(b, &of_b) {
            return Some(differing());
        }
        let there: Vec<(usize, usize)> = alignment.pairs.iter().map(|(x, y, _)| (*x, *y)).collect();
        let back: Vec<(usize, usize)> = there.iter().map(|(x, y)| (*y, *x)).collect();
        let is_denied = denies((a, &of_a), (b, &of_b), &alignment.left_b, &there)
            || denies((b, &of_b), (a, &of_a), &alignment.left_a, &back);
        let (fewer, left) =
            if of_a.len() < of_b.len() { (a, &alignment.left_a) } else { (b, &alignment.left_b) };
        let says_nothing_else = left.is_empty() && !has_denying(fewer, left);
        return (is_denied || says_nothing_else).then(differing);
    }
    if asks_why(a) || asks_why(b) {
        return None;
    }
    // `spins but does not drain`, `drains but does not spin`. Behind `why` the subject follows: `why won't it`.
    let (of_a, of_b) = (negated(a), negated(b));
    let has = |of: &Question, text: &str| of.words.iter().any(|word| word.text == text);
    let x = of_a.iter().find(|word| !of_b.contains(word) && has(b, word))?;
    let y = of_b.iter().find(|word| !of_a.contains(word) && has(a, word))?;
    Some(Differing { a: (*x).to_owned(), b: (*y).to_owned() })
}

/// Whether a word is denied: `without losing`, `does not fit`, `least expensive`, `stop it from starting`.
pub(super) fn denied(question: &Question, text: &str) -> bool {
    let words = &question.words;
    let is_word = |place: &usize| words[*place].text == text;
    let is_behind = |place: usize| {
        let before = |back: usize| place.checked_sub(back).map_or("", |before| words[before].text.as_str());
        match before(1) {
            "stop" | "prevent" | "avoid" | "less" => true,
            "least" => before(2) != "at",
            "from" => (2..6).any(|back| matches!(before(back), "stop" | "prevent" | "keep")),
            _ => false,
        }
    };
    (0..words.len()).any(|place| is_word(&place) && is_behind(place))
        || denials(question).iter().any(|denial| denial.scope.iter().take(2).any(is_word))
}

/// Whether something that is denied in the first question stands undenied in the second.
fn denies(
    (a, of_a): (&Question, &[Denial]),
    (b, of_b): (&Question, &[Denial]),
    left_b: &[usize],
    pairs: &[(usize, usize)],
) -> bool {
    if has_denying(b, left_b) {
        return false;
    }
    if of_a.iter().any(|denial| is_of_duty(a, denial)) || of_b.is_empty() && selects(a) && selects(b) {
        return true;
    }
    let is_undenied = |place: usize| {
        let word = &a.words[place];
        let paired = pairs.iter().filter(|(x, _)| *x == place).map(|(_, y)| *y);
        let same = b.words.iter().enumerate().filter(|(_, other)| other.text == word.text).map(|(at, _)| at);
        let mut stands = paired.chain(same);
        stands.any(|at| !of_b.iter().any(|denial| denial.scope.contains(&at)))
    };
    of_a.iter().any(|denial| {
        let mut scope = denial.scope.iter();
        if denial.inverted {
            !denial.scope.is_empty() && scope.all(|place| is_undenied(*place))
        } else {
            let text = a.words[denial.place].text.as_str();
            // `no direct sun`: the noun comes last.
            let is_noun_last = matches!(text, "no" | "without" | "non");
            // `do not have TODO`, `do not use the euro`
            let is_light =
                denial.scope.first().is_some_and(|first| LIGHT.contains(&a.words[*first].text.as_str()));
            scope.take(if is_noun_last || is_light { 2 } else { 1 }).any(|place| is_undenied(*place))
        }
    })
}

/// `need not`, `not allowed`: the contrary asks for as much as this does.
fn is_of_duty(question: &Question, denial: &Denial) -> bool {
    let is_duty = |word: &Word| {
        matches!(word.class, Class::Modal(group) if group > 0)
            || matches!(word.text.as_str(), "need" | "supposed" | "able")
    };
    let from = denial.place.saturating_sub(1);
    question.words[denial.place].text == "not" && question.words.iter().skip(from).take(3).any(is_duty)
}

/// It asks for a choice: which of them do, which do not.
fn selects(question: &Question) -> bool {
    const CHOOSE: &[&str] = &["which", "what", "list", "name", "show", "find", "select", "count", "print"];
    question.words.iter().take(6).any(|word| CHOOSE.contains(&word.text.as_str()))
}

fn has_denying(question: &Question, left: &[usize]) -> bool {
    let left = left.iter().map(|place| &question.words[*place]);
    let others = question.words.iter().filter(|word| !word.is_content());
    let is_other = question.words.windows(2).any(|pair| pair[0].text == "other" && pair[1].text == "than");
    is_other || left.chain(others).any(|word| DENYING.contains(&word.text.as_str()) || is_deprived(word))
}

/// `windowless`, `unattached`, `non-slip`.
fn is_deprived(word: &Word) -> bool {
    let text = word.text.as_str();
    word.kind == Kind::Word
        && (text.ends_with("less") && text.len() > 6 || text.starts_with("un") && text.len() > 6)
}

fn exceptions(question: &Question, of: &[Denial]) -> usize {
    let text = |place: usize| question.words.get(place).map_or("", |word| word.text.as_str());
    // `nobody else uses it` excludes others.
    let excludes = |place: usize| {
        EXCEPTIONS.contains(&text(place)) || (text(place) == "nobody" && text(place + 1) == "else")
    };
    of.iter().filter(|denial| excludes(denial.place)).count()
}

fn denials(question: &Question) -> Vec<Denial> {
    let words = &question.words;
    let places = (0..words.len()).filter(|place| words[*place].class == Class::Negation);
    let places = places.filter(|place| !is_courtesy(words, *place) && !is_rhetorical(question, *place));
    places.map(|place| denial(words, place)).collect()
}

fn denial(words: &[Word], place: usize) -> Denial {
    let auxiliary = place.checked_sub(1).and_then(|before| words.get(before));
    let inverted = words[place].text == "not"
        && auxiliary.is_some_and(|word| AUXILIARIES.contains(&word.text.as_str()))
        && place.checked_sub(2).is_none_or(|before| matches!(words[before].class, Class::Asks(_)));
    let most = if inverted { 4 } else { 3 };
    let behind = words.iter().enumerate().skip(place + 1);
    let scope = behind.filter(|(_, word)| can_be_denied(word)).map(|(at, _)| at).take(most).collect();
    Denial { place, scope, inverted }
}

fn can_be_denied(word: &Word) -> bool {
    let text = word.text.as_str();
    match word.class {
        Class::Filler => !BETWEEN.contains(&text),
        Class::Modal(group) => group > 0,
        Class::Glue => VERBS.contains(&text),
        _ => word.is_content(),
    }
}

fn is_courtesy(words: &[Word], place: usize) -> bool {
    // `order no. 7719`
    let is_numbered = words[place].text == "no"
        && words
            .get(place + 1)
            .is_some_and(|next| next.text.starts_with(|letter: char| letter.is_ascii_digit()));
    is_numbered
        || COURTESIES.iter().any(|phrase| {
            let at =
                phrase.iter().position(|word| matches!(*word, "not" | "no" | "never" | "nothing" | "non"));
            let from = at.and_then(|at| place.checked_sub(at));
            let said = from.and_then(|from| words.get(from..from + phrase.len()));
            said.is_some_and(|said| said.iter().zip(*phrase).all(|(word, text)| word.text == *text))
        })
}

/// `I never learned that at school: …`, `none of us knew`: that the question is asked says as much.
fn is_ignorance(question: &Question, denial: &Denial, other: &Question) -> bool {
    const IGNORANCE: &[&str] = &[
        "know",
        "remember",
        "recall",
        "understand",
        "learn",
        "learnt",
        "clear",
        "idea",
        "clue",
        "answer",
        "dare",
        "judge",
        "matter",
        "joy",
        "luck",
        "urgent",
        "usual",
    ];
    let Some(first) = denial.scope.first() else { return false };
    let text = question.words[*first].text.as_str();
    let behind = question.words.get(first + 1).map_or("", |word| word.text.as_str());
    let is_said =
        IGNORANCE.contains(&text) || text == "get" && matches!(behind, "it" | "is" | "how" | "why" | "what");
    is_said && !other.words.iter().any(|word| word.text == text)
}

/// A question that begins with `isn't it`, `is it not` asks whether it is.
fn is_rhetorical(question: &Question, place: usize) -> bool {
    let is = |at: usize, list: &[&str]| {
        question.words.get(at).is_some_and(|word| list.contains(&word.text.as_str()))
    };
    let is_subject = |at: usize| is(at, SUBJECTS) || question.words.get(at).is_some_and(|word| word.is_name);
    is(place, &["not"])
        && is(0, AUXILIARIES)
        && question.plain.contains('?')
        && (place == 1 && is_subject(2)
            || place == 2 && is(0, &["is", "are", "was", "were"]) && is(1, SUBJECTS))
}

fn asks_why(question: &Question) -> bool {
    question.words.iter().any(|word| word.text == "why")
}

/// The words that are negated: after each negation the next one that carries meaning.
fn negated(question: &Question) -> Vec<&str> {
    let places = question.words.iter().enumerate().filter(|(_, word)| word.class == Class::Negation);
    let next = |place: usize| question.words.get(place + 1..)?.iter().find(|word| word.is_content());
    places.filter_map(|(place, _)| next(place)).map(|word| word.text.as_str()).collect()
}
