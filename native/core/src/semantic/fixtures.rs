//! A lexicon and weights as small as can be, written in the layouts that the real files have.

use super::lexicon::Lexicon;
use super::tokens::Encoded;
use super::verdict::features::{COUNT, NAMES};
use super::verdict::{Subject, Verifier};

/// Numbers per token of what a test makes up.
pub const WIDTH: usize = 8;
const NONE: u32 = u32::MAX;

/// Words in the order of their bytes, each with the number of its one meaning and how common it is.
const WORDS: &[(&str, u32, u32)] = &[
    ("animal", 0, 5),
    ("cat", 1, 4),
    ("configure", 2, 2),
    ("delete", 3, 3),
    ("directory", 7, 1),
    ("dog", 4, 6),
    ("hot", 5, 5),
    ("cold", 6, 5),
    ("install", 8, 3),
    ("installation", 9, 3),
    ("leave", 10, 7),
    ("left", 11, 4),
    ("make", 12, 7),
    ("remove", 3, 3),
    ("set_up", 2, 1),
    ("stop", 13, 5),
    ("user", 14, 4),
];
/// The broader meaning of each meaning.
const ABOVE: &[u32] = &[NONE, 0, NONE, NONE, 0, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE];

/// The file of a lexicon.
pub fn lexicon_file() -> Vec<u8> {
    let mut words = WORDS.to_vec();
    words.sort_unstable();
    let place = |text: &str| words.iter().position(|(word, ..)| *word == text).unwrap();
    let number = |text: &str| u32::try_from(place(text)).unwrap();
    let pairs = |pairs: &[(&str, &str)]| {
        let both = pairs.iter().flat_map(|(a, b)| [(number(a), number(b)), (number(b), number(a))]);
        let mut both: Vec<_> = both.collect();
        both.sort_unstable();
        ints(both.into_iter().flat_map(|(a, b)| [a, b]))
    };
    let texts: Vec<&str> = words.iter().map(|(word, ..)| *word).collect();
    let count = u32::try_from(words.len()).unwrap();
    let irregular = ["left", "mice"];
    let sections = [
        starts(&texts),
        texts.concat().into_bytes(),
        ints(0..=count),
        ints(words.iter().map(|(_, sense, common)| sense | common << 24)),
        ints(ABOVE.iter().copied()),
        pairs(&[("hot", "cold")]),
        pairs(&[("install", "installation")]),
        starts(&irregular),
        irregular.concat().into_bytes(),
        ints([number("leave"), number("cat")]),
    ];
    let mut file = b"ISARLEX1".to_vec();
    file.extend(ints(sections.iter().map(|section| u32::try_from(section.len()).unwrap())));
    file.extend(sections.concat());
    file
}

pub fn lexicon() -> Lexicon {
    Lexicon::new(lexicon_file()).unwrap()
}

fn starts(texts: &[&str]) -> Vec<u8> {
    let mut at = 0;
    let ends = texts.iter().map(|text| {
        at += u32::try_from(text.len()).unwrap();
        at
    });
    ints(std::iter::once(0).chain(ends))
}

fn ints(numbers: impl IntoIterator<Item = u32>) -> Vec<u8> {
    numbers.into_iter().flat_map(u32::to_le_bytes).collect()
}

/// Sizes of a file of weights.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub width: usize,
    pub size: usize,
    pub hidden: usize,
    pub wide: usize,
    pub networks: usize,
}

pub const SIZES: Sizes = Sizes { width: WIDTH, size: 6, hidden: 5, wide: 4, networks: 2 };

impl Sizes {
    /// How many numbers follow the projection, the means and the deviations.
    pub fn numbers(self) -> usize {
        let Self { size, hidden, wide, networks, .. } = self;
        let first = (4 * size + 2 + 1) * hidden;
        let rest = (hidden + 1) * hidden + (4 * hidden + COUNT + 1) * wide + wide + 1;
        networks * (1 + first + rest)
    }
}

/// The file of weights; means 0, deviations 1, everything else as `weights` gives it.
pub fn weights_file(sizes: Sizes, weights: impl FnMut() -> f32) -> Vec<u8> {
    let mut weights = std::iter::repeat_with(weights);
    let mut numbers: Vec<f32> = weights.by_ref().take((sizes.width + 1) * sizes.size).collect();
    numbers.extend([0.0; COUNT]);
    numbers.extend([1.0; COUNT]);
    numbers.extend(weights.take(sizes.numbers()));
    file(sizes, NAMES, &numbers)
}

pub fn file(sizes: Sizes, names: &[&str], numbers: &[f32]) -> Vec<u8> {
    let Sizes { width, size, hidden, wide, networks } = sizes;
    let header = serde_json::json!({
        "width": width, "size": size, "hidden": hidden, "wide": wide, "networks": networks, "features": names,
    });
    let header = header.to_string();
    let mut file = b"ISARVER1".to_vec();
    file.extend(u32::try_from(header.len()).unwrap().to_le_bytes());
    file.extend(header.into_bytes());
    file.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    file
}

/// Numbers between -1 and 1, the same every time.
pub fn noise(mut seed: u32) -> impl FnMut() -> f32 {
    move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(u16::try_from(seed >> 16).unwrap()) / 32_768.0 - 1.0
    }
}

/// A verifier with random weights.
pub fn verifier() -> Verifier {
    Verifier::new(lexicon(), &weights_file(SIZES, noise(7))).unwrap()
}

/// Reads a text; each of its words is a token whose direction depends on its letters.
pub fn read(verifier: &Verifier, text: &str) -> Subject {
    let mut spans = Vec::new();
    for word in text.split_whitespace() {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        spans.push((start, start + word.len()));
    }
    let tokens: Vec<f32> = spans
        .iter()
        .flat_map(|(start, end)| {
            let digest = blake3::hash(&text.as_bytes()[*start..*end]);
            digest.as_bytes()[..WIDTH].iter().map(|byte| f32::from(*byte) / 127.5 - 1.0).collect::<Vec<_>>()
        })
        .collect();
    verifier.read(text, &Encoded { ids: vec![0; spans.len()], spans }, &[], &tokens)
}
