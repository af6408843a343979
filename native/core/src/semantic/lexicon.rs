//! What is known of English words: base forms, synonyms, antonyms, broader terms, derivations.
//!
//! **Source**: `WordNet` 3.0, compiled by `tools/make_lexicon.py` into one file that is kept as it is in memory (3 MB) and
//! searched in place. **Cost**: a look-up is one binary search, about 17 comparisons.
//!
//! Layout, all integers little-endian `u32`: the magic `ISARLEX1`, ten section lengths in bytes, then the sections: starts of words,
//! words, starts of senses per word, senses (synset in the low 24 bits, bit length of its count in tagged texts above),
//! hypernym per synset, antonym pairs, derivation pairs, starts of irregular forms, forms, their base words. Words are sorted
//! by bytes, pairs by their numbers.

use std::borrow::Cow;

const MAGIC: &[u8] = b"ISARLEX1";
const SECTIONS: usize = 10;
/// Longest chain of broader terms that is followed.
const UP: usize = 3;
/// A meaning is usual if it was met at least an eighth as often as the word's most frequent one: in bits.
const RARER: u32 = 3;

/// A word's number in the table.
pub type Word = u32;

/// How two words are related, closest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// They share a meaning.
    Synonym,
    /// One is made from the other: install, installation.
    Derived,
    /// One is a kind of the other.
    Broader,
    /// They are opposites.
    Antonym,
    /// Different kinds of the same thing: Paris, London.
    Sister,
    /// None that is known.
    None,
}

/// The table.
#[derive(Debug)]
pub struct Lexicon {
    bytes: Vec<u8>,
    sections: [(usize, usize); SECTIONS],
}

impl Lexicon {
    /// Takes the file's bytes; `None` if they are not such a table.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        let mut at = MAGIC.len() + SECTIONS * 4;
        let mut sections = [(0, 0); SECTIONS];
        let header = bytes.get(..at).filter(|header| header.starts_with(MAGIC))?;
        for (section, length) in sections.iter_mut().zip(header[MAGIC.len()..].chunks_exact(4)) {
            let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
            *section = (at, at + length);
            at += length;
        }
        (at == bytes.len()).then_some(Self { bytes, sections })
    }

    /// An empty table, for models that bring none.
    #[must_use]
    pub fn empty() -> Self {
        Self { bytes: Vec::new(), sections: [(0, 0); SECTIONS] }
    }

    /// The number of a word in lower case, as it stands.
    #[must_use]
    pub fn word(&self, text: &str) -> Option<Word> {
        self.search(0, 1, text).ok().and_then(|place| u32::try_from(place).ok())
    }

    /// The base form of a word in lower case: `mice` → `mouse`, `users` → `user`. A word that is one itself stays
    /// (`server`, `building`), and so does what is not known.
    #[must_use]
    pub fn base<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.word(text).is_some() {
            return Cow::Borrowed(text);
        }
        self.bases(text).into_iter().next().map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// Whether two words in lower case may be forms of one: `built` and `building`, `left` and `leave`.
    #[must_use]
    pub fn same_word(&self, a: &str, b: &str) -> bool {
        if a == b {
            return true;
        }
        share_base((a, &self.bases(a)), (b, &self.bases(b)))
    }

    /// The words that a word may be a form of.
    pub(super) fn bases(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        if let Ok(place) = self.search(7, 8, text) {
            found.push(self.text(0, 1, self.int(9, place) as usize).to_owned());
        }
        let is_word = self.word(text).is_some();
        for (ending, instead) in ENDINGS {
            // `building` may be a form of `build`, but `news` is none of `new` and `server` none of `serve`.
            if is_word && !matches!(*ending, "ing" | "ed") {
                continue;
            }
            let Some(stem) = text.strip_suffix(ending).filter(|stem| stem.len() > 1) else { continue };
            let forms = if *ending == "s" { vec![stem.to_owned()] } else { candidates(stem, instead) };
            if let Some(known) = forms.into_iter().find(|form| self.word(form).is_some()) {
                found.push(known);
                break;
            }
        }
        found
    }

    /// How two words, in lower case and base form, are related.
    #[must_use]
    pub fn relation(&self, a: &str, b: &str) -> Relation {
        let (Some(a), Some(b)) = (self.word(a), self.word(b)) else { return Relation::None };
        if self.has_pair(5, a, b) {
            return Relation::Antonym;
        }
        if self.usual(a).any(|sense| self.usual(b).any(|other| sense == other)) {
            return Relation::Synonym;
        }
        if self.has_pair(6, a, b) {
            return Relation::Derived;
        }
        let (up_a, up_b) = (self.above(a), self.above(b));
        let is_among = |word: Word, above: &[u32]| self.usual(word).any(|sense| above.contains(&sense));
        if is_among(b, &up_a) || is_among(a, &up_b) {
            return Relation::Broader;
        }
        let direct = |word: Word| self.usual(word).filter_map(|sense| self.hypernym(sense));
        if direct(a).any(|above| direct(b).any(|other| above == other)) {
            return Relation::Sister;
        }
        Relation::None
    }

    /// Whether two words, in lower case and base form, are opposites.
    #[must_use]
    pub fn are_antonyms(&self, a: &str, b: &str) -> bool {
        matches!((self.word(a), self.word(b)), (Some(a), Some(b)) if self.has_pair(5, a, b))
    }

    /// How often a word stands in the tagged texts: bit length of the count of all its senses, at most 7 each.
    #[must_use]
    pub fn commonness(&self, text: &str) -> u32 {
        self.word(text).map_or(0, |word| self.senses(word).map(|(_, count)| count).max().unwrap_or(0))
    }

    fn senses(&self, word: Word) -> impl Iterator<Item = (u32, u32)> + '_ {
        let word = word as usize;
        let end = (self.int(2, word + 1) as usize).min(self.len(3));
        (self.int(2, word) as usize..end).map(|place| {
            let packed = self.int(3, place);
            (packed & 0x00ff_ffff, packed >> 24)
        })
    }

    /// The meanings in which a word is mostly used: what it means once in a while makes no synonyms.
    fn usual(&self, word: Word) -> impl Iterator<Item = u32> + '_ {
        let most = self.senses(word).map(|(_, count)| count).max().unwrap_or(0);
        self.senses(word).filter(move |(_, count)| count + RARER >= most).map(|(sense, _)| sense)
    }

    fn hypernym(&self, synset: u32) -> Option<u32> {
        Some(self.int(4, synset as usize)).filter(|above| *above != u32::MAX)
    }

    fn above(&self, word: Word) -> Vec<u32> {
        let mut found = Vec::new();
        for sense in self.usual(word) {
            let mut at = sense;
            for _ in 0..UP {
                let Some(above) = self.hypernym(at) else { break };
                found.push(above);
                at = above;
            }
        }
        found
    }

    fn has_pair(&self, section: usize, a: Word, b: Word) -> bool {
        let pair = |place: usize| (self.int(section, place * 2), self.int(section, place * 2 + 1));
        let (mut low, mut high) = (0, self.len(section) / 2);
        while low < high {
            let middle = usize::midpoint(low, high);
            match pair(middle).cmp(&(a, b)) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return true,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        false
    }

    fn search(&self, starts: usize, blob: usize, text: &str) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len(starts).saturating_sub(1));
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.text(starts, blob, middle).as_bytes().cmp(text.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    fn text(&self, starts: usize, blob: usize, place: usize) -> &str {
        let (start, end) = (self.int(starts, place) as usize, self.int(starts, place + 1) as usize);
        let (from, to) = self.sections[blob];
        let bytes = self.bytes.get(from..to).and_then(|blob| blob.get(start..end)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    fn int(&self, section: usize, place: usize) -> u32 {
        let (from, to) = self.sections[section];
        let bytes = self.bytes.get(from..to).and_then(|section| section.get(place * 4..place * 4 + 4));
        bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
    }

    fn len(&self, section: usize) -> usize {
        (self.sections[section].1 - self.sections[section].0) / 4
    }
}

/// Whether two words, each with those that it may be a form of, may be forms of one.
pub(super) fn share_base((a, of_a): (&str, &[String]), (b, of_b): (&str, &[String])) -> bool {
    a == b || of_a.iter().any(|base| base == b || of_b.contains(base)) || of_b.iter().any(|base| base == a)
}

/// Endings of inflected forms and what stands for them in the base form.
const ENDINGS: &[(&str, &str)] = &[
    ("iest", "y"),
    ("ied", "y"),
    ("ies", "y"),
    ("ier", "y"),
    ("sses", "ss"),
    ("shes", "sh"),
    ("ches", "ch"),
    ("xes", "x"),
    ("ves", "f"),
    ("ing", ""),
    ("est", ""),
    ("ed", ""),
    ("er", ""),
    ("es", ""),
    ("s", ""),
];

fn candidates(stem: &str, instead: &str) -> Vec<String> {
    if !instead.is_empty() {
        return vec![format!("{stem}{instead}")];
    }
    let mut found = vec![format!("{stem}e"), stem.to_owned()];
    let mut letters = stem.chars().rev();
    if let (Some(last), Some(before)) = (letters.next(), letters.next())
        && last == before
        && !"aeiou".contains(last)
    {
        // Last, for `added` is no form of `ad`.
        found.push(stem[..stem.len() - last.len_utf8()].to_owned());
    }
    found
}

#[cfg(test)]
mod tests;
