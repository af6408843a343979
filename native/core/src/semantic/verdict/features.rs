//! What a pair of questions looks like, as numbers: what the verdict weighs.
//!
//! Every feature is the same whichever question comes first. **Cost**: about 20 µs for two questions of 25 words.

use super::align::{Alignment, How, MOST_LEFT, align};
use crate::semantic::lexicon::{Lexicon, Relation};
use crate::semantic::question::classes::{Class, are_opposites, is_unit};
use crate::semantic::question::segment::Kind;
use crate::semantic::question::{Question, Word};

/// The names of the features, in order.
pub const NAMES: &[&str] = &[
    "cosine",
    "content_words",
    "length_ratio",
    "matched_share",
    "forms",
    "compounds",
    "synonyms",
    "derived",
    "broader",
    "typos",
    "left_total",
    "left_least",
    "left_most",
    "left_rare",
    "antonyms",
    "sisters",
    "left_worst",
    "left_mean",
    "left_replaced_worst",
    "worst",
    "second_worst",
    "mean",
    "same_worst",
    "paired_worst",
    "names_left",
    "unknown_left",
    "literals_left",
    "numbers_differ",
    "quotes_differ",
    "negations",
    "asks_conflict",
    "asks_missing",
    "modals",
    "tenses",
    "quantities",
    "relations",
    "persons",
    "degrees",
    "roles_swapped",
    "roles_differ",
    "roles_missing",
    "inversions",
    "neighbours_inverted",
    "fillers",
    "opposites",
    "units_differ",
    "pivot",
    "first_differs",
    "bigrams",
    "why",
    "when",
    "who_where",
    "how",
    "amount",
    "persons_order",
    "form_conflict",
    "swap",
    "by_differs",
    "swap_whole",
];

/// How many there are.
pub const COUNT: usize = 59;

/// Directions of the words that carry meaning: one unit vector each, in the order of `Question::content`.
#[derive(Debug, Clone, Default)]
pub struct Directions {
    /// Numbers per word.
    pub width: usize,
    /// All of them, one after the other.
    pub data: Vec<f32>,
}

impl Directions {
    fn cosine(&self, place: usize, other: &Self, at: usize) -> f32 {
        let of = |directions: &Self, place: usize| -> Vec<f32> {
            let from = place * directions.width;
            directions.data.get(from..from + directions.width).unwrap_or_default().to_vec()
        };
        let (x, y) = (of(self, place), of(other, at));
        x.iter().zip(&y).map(|(x, y)| x * y).sum()
    }
}

/// One of the two questions, with what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Side<'q> {
    /// Its words.
    pub question: &'q Question,
    /// Their directions.
    pub directions: &'q Directions,
}

/// A pair's numbers, its alignment and the facts that forbid sharing whatever the numbers say.
#[derive(Debug)]
pub struct Looked {
    /// In the order of [`NAMES`].
    pub features: [f32; COUNT],
    /// What stands for what.
    pub alignment: Alignment,
    /// Facts that must be equal and are not.
    pub vetoes: Vec<Veto>,
}

/// A fact that stands in one question only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Veto {
    /// What kind of fact.
    pub what: &'static str,
    /// As it stands in the first question; empty if it does not.
    pub a: String,
    /// As it stands in the second.
    pub b: String,
}

/// Looks at a pair. `cosine`: of the two sentence embeddings.
#[must_use]
#[allow(clippy::cast_precision_loss, clippy::too_many_lines)] // counts of words; one line per feature
pub fn look(a: Side<'_>, b: Side<'_>, cosine: f32, lexicon: &Lexicon) -> Looked {
    let alignment = align(a.question, b.question, lexicon);
    let similar = Similar::of(a, b);
    let (left_a, left_b) = (&alignment.left_a, &alignment.left_b);
    let (count_a, count_b) = (similar.content_a.len(), similar.content_b.len());
    let left = left_a.len() + left_b.len();
    let words = |side: Side<'_>, places: &[usize], pick: fn(&Word) -> bool| {
        places.iter().filter(|place| pick(&side.question.words[**place])).count()
    };
    let both = |pick: fn(&Word) -> bool| (words(a, left_a, pick) + words(b, left_b, pick)) as f32;
    let how = |kind: How| alignment.pairs.iter().filter(|(_, _, how)| *how == kind).count() as f32;
    let (antonyms, sisters) = contrasts(a.question, b.question, &alignment, lexicon);
    let alone: Vec<f32> = similar.best(left_a, left_b);
    let replaced = similar.replaced(left_a, left_b);
    let mut all = similar.best(&similar.content_a, &similar.content_b);
    all.sort_by(f32::total_cmp);
    let pairs = |wanted: fn(How) -> bool| {
        let chosen = alignment.pairs.iter().filter(|(_, _, how)| wanted(*how));
        chosen.map(|(x, y, _)| similar.pair(*x, *y)).fold(1.0_f32, f32::min)
    };
    let roles = roles(a.question, b.question, &alignment);
    let (inversions, neighbours) = inversions(&alignment);
    let differ = |pick: fn(Class) -> Option<u8>| class_difference(a.question, b.question, pick) as f32;
    let asks = asks(a.question, b.question);
    let asked = asked(a.question, b.question);
    let swap = swap(a.question, b.question);
    let vetoes = vetoes(a.question, b.question, &alignment);
    let vetoed = |what: &str| if vetoes.iter().any(|veto| veto.what == what) { 1.0 } else { 0.0 };
    let features = [
        cosine,
        (1.0 + (count_a + count_b) as f32).ln(),
        (count_a.min(count_b) as f32 + 1.0) / (count_a.max(count_b) as f32 + 1.0),
        2.0 * alignment.pairs.len() as f32 / ((count_a + count_b) as f32).max(1.0),
        how(How::Form),
        how(How::Compound),
        how(How::Synonym),
        how(How::Derived),
        how(How::Broader),
        how(How::Typo),
        left as f32,
        left_a.len().min(left_b.len()) as f32,
        left_a.len().max(left_b.len()) as f32,
        rarity(a.question, left_a, lexicon) + rarity(b.question, left_b, lexicon),
        antonyms as f32,
        sisters as f32,
        alone.iter().copied().fold(1.0, f32::min),
        mean(&alone),
        replaced,
        all.first().copied().unwrap_or(0.0),
        all.get(1).copied().unwrap_or(1.0),
        mean(&all),
        pairs(|how| how == How::Same),
        pairs(|how| how != How::Same),
        both(|word| word.is_name),
        both(|word| word.kind == Kind::Word && !word.is_known),
        both(|word| word.kind == Kind::Literal),
        vetoed("number"),
        vetoed("quotation"),
        negations(a.question).abs_diff(negations(b.question)) as f32,
        f32::from(asks == Asks::Conflict),
        f32::from(asks == Asks::OneOnly),
        differ(|class| if let Class::Modal(group) = class { Some(group) } else { None }),
        differ(|class| if let Class::Tense(group) = class { Some(group) } else { None }),
        differ(|class| if let Class::Quantity(group) = class { Some(group) } else { None }),
        differ(|class| if let Class::Relation(group) = class { Some(group) } else { None }),
        differ(|class| if let Class::Person(group) = class { Some(group) } else { None }),
        degrees(a.question, b.question) as f32,
        roles.swapped as f32,
        roles.differ as f32,
        roles.missing as f32,
        inversions,
        neighbours as f32,
        fillers(a.question).abs_diff(fillers(b.question)) as f32,
        opposite_words(a.question, b.question, lexicon).len() as f32,
        units(a.question, b.question) as f32,
        pivot(a.question, b.question, &alignment) as f32,
        f32::from(first_differs(a.question, b.question, &alignment)),
        bigrams(a.question, b.question),
        asked[0],
        asked[1],
        asked[2],
        asked[3],
        asked[4],
        f32::from(persons(a.question) != persons(b.question)),
        f32::from(asked.iter().filter(|value| **value > 0.0).count() > 1),
        swap as f32,
        f32::from(has(a.question, "by") != has(b.question, "by")),
        f32::from(swap >= 3 && left == 0),
    ];
    Looked { features, alignment, vetoes }
}

/// Cosines between the words of both sides, by the words' places.
struct Similar {
    content_a: Vec<usize>,
    content_b: Vec<usize>,
    cosines: Vec<f32>,
}

impl Similar {
    fn of(a: Side<'_>, b: Side<'_>) -> Self {
        let content_a: Vec<usize> = a.question.content().collect();
        let content_b: Vec<usize> = b.question.content().collect();
        let mut cosines = Vec::with_capacity(content_a.len() * content_b.len());
        for x in 0..content_a.len() {
            for y in 0..content_b.len() {
                cosines.push(a.directions.cosine(x, b.directions, y));
            }
        }
        Self { content_a, content_b, cosines }
    }

    fn at(&self, x: usize, y: usize) -> f32 {
        self.cosines[x * self.content_b.len() + y]
    }

    /// The cosine of two words, by their places in the questions.
    fn pair(&self, x: usize, y: usize) -> f32 {
        match (self.content_a.binary_search(&x), self.content_b.binary_search(&y)) {
            (Ok(x), Ok(y)) => self.at(x, y),
            _ => 1.0,
        }
    }

    /// For each of these words the cosine to the nearest word with meaning of the other question.
    fn best(&self, of_a: &[usize], of_b: &[usize]) -> Vec<f32> {
        let a = of_a.iter().filter_map(|place| self.content_a.binary_search(place).ok());
        let from_a = a.map(|x| (0..self.content_b.len()).map(|y| self.at(x, y)).fold(0.0, f32::max));
        let b = of_b.iter().filter_map(|place| self.content_b.binary_search(place).ok());
        let from_b = b.map(|y| (0..self.content_a.len()).map(|x| self.at(x, y)).fold(0.0, f32::max));
        from_a.chain(from_b).collect()
    }

    /// Left-over words paired greedily with one another: the cosine of the worst pair; 1 if there is none.
    fn replaced(&self, left_a: &[usize], left_b: &[usize]) -> f32 {
        let places = |content: &[usize], left: &[usize]| -> Vec<usize> {
            left.iter().filter_map(|place| content.binary_search(place).ok()).collect()
        };
        let (mut xs, mut ys) = (places(&self.content_a, left_a), places(&self.content_b, left_b));
        let mut worst = 1.0_f32;
        while !xs.is_empty() && !ys.is_empty() {
            let all = xs.iter().flat_map(|x| ys.iter().map(move |y| (*x, *y)));
            let Some((x, y)) = all.max_by(|(x, y), (v, w)| self.at(*x, *y).total_cmp(&self.at(*v, *w))) else { break };
            worst = worst.min(self.at(x, y));
            xs.retain(|place| *place != x);
            ys.retain(|place| *place != y);
        }
        worst
    }
}

#[allow(clippy::cast_precision_loss)] // counts of words
fn mean(values: &[f32]) -> f32 {
    if values.is_empty() { 1.0 } else { values.iter().sum::<f32>() / values.len() as f32 }
}

/// The rarer a left-over word, the more it says.
#[allow(clippy::cast_precision_loss)] // at most 7
fn rarity(question: &Question, left: &[usize], lexicon: &Lexicon) -> f32 {
    left.iter().map(|place| 8.0 - lexicon.commonness(&question.words[*place].text) as f32).sum()
}

/// Pairs of left-over words that are opposites, and that are kinds of the same thing.
fn contrasts(a: &Question, b: &Question, alignment: &Alignment, lexicon: &Lexicon) -> (usize, usize) {
    let (mut antonyms, mut sisters) = (0, 0);
    if alignment.left_a.len() > MOST_LEFT || alignment.left_b.len() > MOST_LEFT {
        return (0, 0);
    }
    for x in &alignment.left_a {
        for y in &alignment.left_b {
            match lexicon.relation(&a.words[*x].text, &b.words[*y].text) {
                Relation::Antonym => antonyms += 1,
                Relation::Sister => sisters += 1,
                _ => {}
            }
        }
    }
    (antonyms, sisters)
}

fn negations(question: &Question) -> usize {
    question.words.iter().filter(|word| word.class == Class::Negation).count()
}

fn fillers(question: &Question) -> usize {
    question.words.iter().filter(|word| word.class == Class::Filler).count()
}

/// How many groups of a class stand in one question and not in the other.
fn class_difference(a: &Question, b: &Question, pick: fn(Class) -> Option<u8>) -> u32 {
    let groups = |question: &Question| {
        question.words.iter().filter_map(|word| pick(word.class)).fold(0_u64, |set, group| set | 1 << group)
    };
    (groups(a) ^ groups(b)).count_ones()
}

#[derive(PartialEq, Eq)]
enum Asks {
    Alike,
    OneOnly,
    Conflict,
}

/// `what` asks for anything; it conflicts with nothing.
const WHAT: u8 = 7;
const WHICH: u8 = 6;

fn asks(a: &Question, b: &Question) -> Asks {
    let groups = |question: &Question| {
        let asked = question.words.iter().filter_map(|word| match word.class {
            Class::Asks(group) if group != WHAT && group != WHICH => Some(group),
            _ => None,
        });
        asked.fold(0_u64, |set, group| set | 1 << group)
    };
    match (groups(a), groups(b)) {
        (x, y) if x == y => Asks::Alike,
        (0, _) | (_, 0) => Asks::OneOnly,
        _ => Asks::Conflict,
    }
}

fn degrees(a: &Question, b: &Question) -> usize {
    let count = |question: &Question, degree: u8| question.words.iter().filter(|word| word.degree == degree).count();
    (1..=2).map(|degree| count(a, degree).abs_diff(count(b, degree))).sum()
}

#[derive(Default)]
struct Roles {
    swapped: usize,
    differ: usize,
    missing: usize,
}

/// Which preposition governs each aligned word, and whether that is the same on both sides.
fn roles(a: &Question, b: &Question, alignment: &Alignment) -> Roles {
    let mut found = Roles::default();
    let pairs: Vec<(Option<u8>, Option<u8>)> =
        alignment.pairs.iter().map(|(x, y, _)| (role(a, *x), role(b, *y))).collect();
    for (place, (x, y)) in pairs.iter().enumerate() {
        match (x, y) {
            (Some(x), Some(y)) if x != y => found.differ += 1,
            (Some(_), None) | (None, Some(_)) => found.missing += 1,
            _ => {}
        }
        if x != y {
            found.swapped += pairs[place + 1..].iter().filter(|(v, w)| x == w && y == v).count();
        }
    }
    found
}

/// The preposition before a word, with nothing but glue in between.
fn role(question: &Question, place: usize) -> Option<u8> {
    for word in question.words[..place].iter().rev() {
        if let Some(role) = preposition(&word.text) {
            return Some(role);
        }
        if !matches!(word.class, Class::Glue | Class::Person(_) | Class::Quantity(_)) {
            return None;
        }
    }
    None
}

const PREPOSITIONS: &[&[&str]] = &[
    &["from", "off"],
    &["to", "into", "onto", "toward", "towards"],
    &["in", "inside", "within", "at", "on"],
    &["by", "with", "using", "via", "through"],
    &["of"],
    &["for"],
    &["than", "over"],
    &["before", "until", "till"],
    &["after", "since"],
    &["without", "except", "excluding"],
    &["between", "and", "or", "versus"],
    &["against"],
    &["about"],
];

fn preposition(word: &str) -> Option<u8> {
    PREPOSITIONS.iter().position(|group| group.contains(&word)).and_then(|place| u8::try_from(place).ok())
}

/// The share of pairs of aligned words that stand in the other order, and how many neighbours do.
#[allow(clippy::cast_precision_loss)] // counts of words
fn inversions(alignment: &Alignment) -> (f32, usize) {
    let order: Vec<usize> = alignment.pairs.iter().map(|(_, y, _)| *y).collect();
    let (mut inverted, mut all) = (0, 0);
    for place in 0..order.len() {
        for later in &order[place + 1..] {
            all += 1;
            inverted += usize::from(*later < order[place]);
        }
    }
    let neighbours = order.windows(2).filter(|pair| pair[1] < pair[0]).count();
    (if all == 0 { 0.0 } else { inverted as f32 / all as f32 }, neighbours)
}

const SINGLE: &[&str] = &["one", "a", "an", "single", "per"];

/// Facts that must be equal: numbers, literals with digits or signs, and quotations.
fn vetoes(a: &Question, b: &Question, alignment: &Alignment) -> Vec<Veto> {
    let mut found = Vec::new();
    let left = |question: &Question, places: &[usize], kind: Kind| -> Vec<String> {
        let words = places.iter().map(|place| &question.words[*place]).filter(|word| word.kind == kind);
        words.map(|word| word.text.clone()).collect()
    };
    for (kind, what) in [(Kind::Number, "number"), (Kind::Literal, "literal")] {
        let (mut of_a, mut of_b) = (left(a, &alignment.left_a, kind), left(b, &alignment.left_b, kind));
        if kind == Kind::Number {
            // `1 TB` is a terabyte.
            let is_single = |of: &Question| of.words.iter().any(|word| SINGLE.contains(&word.text.as_str()));
            of_a.retain(|number| number != "1" || !is_single(b));
            of_b.retain(|number| number != "1" || !is_single(a));
        }
        if !of_a.is_empty() || !of_b.is_empty() {
            found.push(Veto { what, a: of_a.join(", "), b: of_b.join(", ") });
        }
    }
    let missing = |of: &Question, other: &Question| -> Vec<String> {
        of.quotes.iter().filter(|quote| !other.plain.contains(&quote.to_lowercase())).cloned().collect()
    };
    let (of_a, of_b) = (missing(a, b), missing(b, a));
    if !of_a.is_empty() || !of_b.is_empty() {
        found.push(Veto { what: "quotation", a: of_a.join(", "), b: of_b.join(", ") });
    }
    found
}

/// Words of one question only whose contrary stands in the other only, with it.
#[must_use]
pub fn opposite_words(a: &Question, b: &Question, lexicon: &Lexicon) -> Vec<(String, String)> {
    let only = |of: &Question, other: &Question| -> Vec<String> {
        let words = of.words.iter().filter(|word| word.kind == Kind::Word);
        let alone = words.filter(|word| !other.words.iter().any(|theirs| theirs.text == word.text));
        alone.map(|word| word.text.clone()).collect()
    };
    let (of_a, of_b) = (only(a, b), only(b, a));
    if of_a.len() > 2 * MOST_LEFT || of_b.len() > 2 * MOST_LEFT {
        return Vec::new();
    }
    let contrary = |x: &str, y: &str| are_opposites(x, y) || lexicon.are_antonyms(x, y);
    let found = of_a.iter().filter_map(|x| of_b.iter().find(|y| contrary(x, y)).map(|y| (x.clone(), y.clone())));
    found.collect()
}

/// Units of measure, those behind numbers with their numbers, that stand in one question only.
fn units(a: &Question, b: &Question) -> usize {
    let of = |question: &Question| -> Vec<String> {
        let words = question.words.iter().enumerate().filter(|(_, word)| is_unit(&word.text));
        let mut found: Vec<String> = words
            .map(|(place, word)| match place.checked_sub(1).and_then(|before| question.words.get(before)) {
                Some(number) if number.kind == Kind::Number => format!("{} {}", number.text, word.text),
                _ => word.text.clone(),
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    let (of_a, of_b) = (of(a), of(b));
    of_a.iter().filter(|unit| !of_b.contains(unit)).count() + of_b.iter().filter(|unit| !of_a.contains(unit)).count()
}

/// The longest run of words that stand in reverse order. Two clauses that changed places give 2; `client … server` turned
/// round what stands between them gives 3.
fn pivot(a: &Question, b: &Question, alignment: &Alignment) -> usize {
    let order = sequence(a, b, alignment);
    let mut longest = vec![1; order.len()];
    for place in 0..order.len() {
        for before in 0..place {
            if order[before] > order[place] {
                longest[place] = longest[place].max(longest[before] + 1);
            }
        }
    }
    longest.into_iter().max().unwrap_or(0)
}

/// For the words of the first question that stand in the second too, articles left out, their places there.
fn sequence(a: &Question, b: &Question, alignment: &Alignment) -> Vec<usize> {
    let mut taken = vec![false; b.words.len()];
    let mut order = Vec::new();
    for (place, word) in a.words.iter().enumerate() {
        let paired = alignment.pairs.iter().find(|(x, _, _)| *x == place).map(|(_, y, _)| *y);
        let same = || {
            let mut places = b.words.iter().enumerate().filter(|(at, other)| !taken[*at] && said(other) == said(word));
            places.next().map(|(at, _)| at)
        };
        let is_article = matches!(word.text.as_str(), "a" | "an" | "the" | "is" | "are" | "do" | "does" | "and" | "or");
        if let Some(at) = paired.or_else(|| if is_article { None } else { same() }) {
            taken[at] = true;
            order.push(at);
        }
    }
    order
}

/// A word, with the cases of a pronoun as one.
fn said(word: &Word) -> &str {
    match word.text.as_str() {
        "me" | "my" => "i",
        "us" | "our" => "we",
        "him" | "his" => "he",
        "her" => "she",
        "them" | "their" => "they",
        "your" => "you",
        text => text,
    }
}

fn first_differs(a: &Question, b: &Question, alignment: &Alignment) -> bool {
    let first_a = a.content().next();
    let first_b = b.content().next();
    !alignment.pairs.iter().any(|(x, y, _)| Some(*x) == first_a && Some(*y) == first_b)
}

/// The share of neighbouring words, fillers and articles left out, that stand together in both.
#[allow(clippy::cast_precision_loss)] // counts of words
fn bigrams(a: &Question, b: &Question) -> f32 {
    let of = |question: &Question| -> Vec<String> {
        let words = question.words.iter().filter(|word| {
            word.class != Class::Filler && !matches!(word.text.as_str(), "a" | "an" | "the" | "is" | "do" | "does")
        });
        let words: Vec<&str> = words.map(|word| word.text.as_str()).collect();
        words.windows(2).map(|pair| pair.join(" ")).collect()
    };
    let (of_a, of_b) = (of(a), of(b));
    let shared = of_a.iter().filter(|pair| of_b.contains(pair)).count();
    2.0 * shared as f32 / ((of_a.len() + of_b.len()) as f32).max(1.0)
}

/// What is asked for, in whatever words, and whether only one of the two asks it: why, when, who or where, how, how much.
fn asked(a: &Question, b: &Question) -> [f32; 5] {
    let has = |question: &Question, words: &[&str]| question.words.iter().any(|word| words.contains(&word.text.as_str()));
    let differ = |words: &[&str]| f32::from(has(a, words) != has(b, words));
    [
        differ(&["why", "reason", "cause", "because", "come"]),
        differ(&["when", "date", "year", "time", "day"]),
        differ(&["who", "whom", "where", "whose"]),
        differ(&["how", "way", "ways", "step", "steps", "method", "process", "procedure"]),
        differ(&["much", "many", "long", "far", "often", "cost", "price", "number", "frequently", "big", "large", "tall", "old"]),
    ]
}

/// Whom the question speaks of, in order: me, you, him, her, them.
fn persons(question: &Question) -> Vec<u8> {
    let group = |word: &Word| match word.text.as_str() {
        "i" | "me" | "my" | "we" | "us" | "our" => Some(0),
        "he" | "him" | "his" => Some(2),
        "she" | "her" => Some(3),
        "they" | "them" | "their" => Some(4),
        _ => None,
    };
    question.words.iter().filter_map(group).collect()
}

fn has(question: &Question, text: &str) -> bool {
    question.words.iter().any(|word| word.text == text)
}

/// How much better two words fit the other question's order when they change places: neighbours of the one there that are
/// neighbours of the other here, less those that each has in both. `does stress cause insomnia` and `does insomnia cause
/// stress` give 4, moved clauses 0 or 1.
fn swap(a: &Question, b: &Question) -> i32 {
    let spoken = |question: &Question| -> Vec<String> {
        let skipped = ["a", "an", "the", "my", "our", "your", "his", "their", "its", "and", "or", "that", "is", "are", "be"];
        let words = question.words.iter().filter(|word| !skipped.contains(&word.text.as_str()));
        words.map(|word| said(word).to_owned()).take(80).collect()
    };
    let (of_a, of_b) = (spoken(a), spoken(b));
    let once = |words: &[String], word: &String| words.iter().filter(|other| *other == word).count() == 1;
    let shared: Vec<(usize, usize)> = of_a
        .iter()
        .enumerate()
        .filter(|(_, word)| once(&of_a, word) && once(&of_b, word))
        .filter_map(|(x, word)| of_b.iter().position(|other| other == word).map(|y| (x, y)))
        .collect();
    let around = |words: &[String], place: usize, other: &str| -> [Option<String>; 2] {
        // A neighbour that is the other of the two says nothing.
        let of = |at: Option<usize>| match at.and_then(|at| words.get(at)) {
            Some(word) if word == other => Some("\u{0}".to_owned()),
            word => word.cloned(),
        };
        [if place == 0 { None } else { of(Some(place - 1)) }, of(Some(place + 1))]
    };
    let agree = |x: &[Option<String>; 2], y: &[Option<String>; 2]| i32::from(x[0] == y[0]) + i32::from(x[1] == y[1]);
    let mut most = 0;
    for (place, (x1, y1)) in shared.iter().enumerate() {
        for (x2, y2) in &shared[place + 1..] {
            if (x1 < x2) == (y1 < y2) {
                continue;
            }
            let (first, second) = (&of_a[*x1], &of_a[*x2]);
            let here = [around(&of_a, *x1, second), around(&of_a, *x2, first)];
            let there = [around(&of_b, *y1, second), around(&of_b, *y2, first)];
            let crossed = agree(&here[0], &there[1]) + agree(&here[1], &there[0]);
            let straight = agree(&here[0], &there[0]) + agree(&here[1], &there[1]);
            most = most.max(crossed - straight);
        }
    }
    most
}
