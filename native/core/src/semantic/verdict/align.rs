//! Which word of one question stands for which of the other.
//!
//! Surest first: the same word, a compound written apart, a synonym, a derivation, a misspelling; what is left over on both
//! sides is what the verdict has to think about. **Cost**: look-ups in the lexicon for left-over words only, at most
//! [`MOST_LEFT`] on each side.

mod initials;

use crate::semantic::lexicon::{Lexicon, Relation, share_base};
use crate::semantic::question::classes::{are_opposites, is_unit};
use crate::semantic::question::segment::Kind;
use crate::semantic::question::{Question, Word};

/// With more left-over words than this the questions have little in common, and nothing more is looked up.
pub const MOST_LEFT: usize = 12;

/// Why two words stand for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The same word.
    Same,
    /// Two forms of one word.
    Form,
    /// One word here, two there: `log in`, `login`.
    Compound,
    /// A synonym.
    Synonym,
    /// One is made from the other.
    Derived,
    /// A slip of the pen.
    Typo,
}

/// Words of two questions, by their places.
#[derive(Debug, Default)]
pub struct Alignment {
    /// Pairs of words that stand for each other.
    pub pairs: Vec<(usize, usize, How)>,
    /// Words with meaning of the first that nothing stands for.
    pub left_a: Vec<usize>,
    /// Of the second.
    pub left_b: Vec<usize>,
}

/// Aligns two questions.
#[must_use]
pub fn align(a: &Question, b: &Question, lexicon: &Lexicon) -> Alignment {
    let mut found =
        Alignment { pairs: Vec::new(), left_a: a.content().collect(), left_b: b.content().collect() };
    found.pair(How::Same, |x, y| {
        let (x, y) = (&a.words[x], &b.words[y]);
        (x.text == y.text && x.degree == y.degree) || is_one_letter(x, y)
    });
    let (bases_a, bases_b) = (bases(a, &found.left_a, lexicon), bases(b, &found.left_b, lexicon));
    found.pair(How::Form, |at_a, at_b| {
        let (x, y) = (&a.words[at_a], &b.words[at_b]);
        are_words(x, y)
            && x.degree == y.degree
            && (share_base((&x.text, &bases_a[at_a]), (&y.text, &bases_b[at_b]))
                || (!x.is_known
                    && !y.is_known
                    && (stem(&x.text) == stem(&y.text) || is_plural(&x.text, &y.text))))
    });
    found.compounds(a, b, lexicon);
    found.abbreviations(a, b);
    if found.left_a.len() > MOST_LEFT || found.left_b.len() > MOST_LEFT {
        return found;
    }
    let relation = |x: usize, y: usize| {
        let (x, y) = (&a.words[x], &b.words[y]);
        let fit =
            are_words(x, y) && !is_unit(&x.text) && !is_unit(&y.text) && !are_opposites(&x.text, &y.text);
        if fit { lexicon.relation(&x.text, &y.text) } else { Relation::None }
    };
    found.pair(How::Synonym, |x, y| relation(x, y) == Relation::Synonym);
    found.pair(How::Derived, |x, y| relation(x, y) == Relation::Derived);
    found.pair(How::Typo, |x, y| is_slip(&a.words[x], &b.words[y]));
    found.pairs.sort_unstable_by_key(|(x, y, _)| (*x, *y));
    found
}

impl Alignment {
    /// Pairs left-over words, the nearest by relative place first.
    fn pair(&mut self, how: How, fits: impl Fn(usize, usize) -> bool) {
        let mut at = 0;
        while at < self.left_a.len() {
            let x = self.left_a[at];
            let fitting = self.left_b.iter().enumerate().filter(|(_, y)| fits(x, **y));
            match fitting.min_by_key(|(_, y)| y.abs_diff(x)).map(|(place, y)| (place, *y)) {
                Some((place, y)) => {
                    self.pairs.push((x, y, how));
                    self.left_a.remove(at);
                    self.left_b.remove(place);
                }
                None => at += 1,
            }
        }
    }

    /// One word here, two or three there: `login` and `log in`, `configure` and `set up`.
    fn compounds(&mut self, a: &Question, b: &Question, lexicon: &Lexicon) {
        for (whole, parts, flipped) in [(a, b, false), (b, a, true)] {
            if self.left_a.is_empty() || self.left_b.is_empty() {
                return;
            }
            let runs = runs(parts, if flipped { &self.left_a } else { &self.left_b }, lexicon);
            let singles = if flipped { self.left_b.clone() } else { self.left_a.clone() };
            for single in singles {
                let word = &whole.words[single];
                if word.kind != Kind::Word {
                    continue;
                }
                let left = if flipped { &self.left_a } else { &self.left_b };
                let Some((first, last, how)) = joined(word, &runs, left, lexicon) else { continue };
                let (mine, theirs) = if flipped {
                    (&mut self.left_b, &mut self.left_a)
                } else {
                    (&mut self.left_a, &mut self.left_b)
                };
                mine.retain(|place| *place != single);
                theirs.retain(|place| !(first..=last).contains(place));
                self.pairs.push(if flipped { (first, single, how) } else { (single, first, how) });
            }
        }
    }
}

/// The language `R`, `vitamin D`, typed in small letters.
fn is_one_letter(x: &Word, y: &Word) -> bool {
    x.text.len() == 1 && x.kind != y.kind && x.text.eq_ignore_ascii_case(&y.text)
}

/// Two or three neighbouring words, as one.
struct Run {
    glued: String,
    /// As the lexicon writes it, if it is there: `set_up`.
    phrase: Option<String>,
}

/// By place, the runs of two and of three words that begin there and touch a word that is left over.
fn runs(question: &Question, left: &[usize], lexicon: &Lexicon) -> Vec<[Option<Run>; 2]> {
    let run = |first: usize, last: usize| {
        let words = question.words.get(first..=last)?;
        if words.iter().any(|part| part.kind != Kind::Word) {
            return None;
        }
        let texts: Vec<&str> = words.iter().map(|part| part.text.as_str()).collect();
        let phrase = Some(texts.join("_")).filter(|phrase| lexicon.word(phrase).is_some());
        Some(Run { glued: texts.concat(), phrase })
    };
    let mut found: Vec<_> = question.words.iter().map(|_| [None, None]).collect();
    for &last in left {
        let before = last.saturating_sub(1);
        for (first, runs) in (before..).zip(&mut found[before..=last]) {
            *runs = [run(first, first + 1), run(first, first + 2)];
        }
    }
    found
}

/// Where two or three neighbouring words, one of them left over, stand for `word`.
fn joined(
    word: &Word,
    runs: &[[Option<Run>; 2]],
    left: &[usize],
    lexicon: &Lexicon,
) -> Option<(usize, usize, How)> {
    for &place in left {
        let before = place.saturating_sub(1);
        for (first, runs) in (before..).zip(&runs[before..=place]) {
            for (last, run) in (first + 1..).zip(runs) {
                let Some(Run { glued, phrase }) = run else { continue };
                if *glued == word.text {
                    return Some((first, last, How::Compound));
                }
                let is_synonym = |phrase: &String| lexicon.relation(phrase, &word.text) == Relation::Synonym;
                if phrase.as_ref().is_some_and(is_synonym) {
                    return Some((first, last, How::Synonym));
                }
            }
        }
    }
    None
}

/// By place, the words that each left-over word may be a form of.
fn bases(question: &Question, left: &[usize], lexicon: &Lexicon) -> Vec<Vec<String>> {
    let mut found = vec![Vec::new(); question.words.len()];
    for &place in left {
        let word = &question.words[place];
        if word.kind == Kind::Word {
            found[place] = lexicon.bases(&word.text);
        }
    }
    found
}

/// `uuid`, `uuids`
fn is_plural(x: &str, y: &str) -> bool {
    x.strip_suffix('s') == Some(y) || y.strip_suffix('s') == Some(x)
}

/// A word that the lexicon does not know, without its ending.
fn stem(word: &str) -> &str {
    let endings = ["ing", "es", "ed", "s", "d", "e"];
    endings.iter().find_map(|ending| word.strip_suffix(ending).filter(|stem| stem.len() > 2)).unwrap_or(word)
}

fn are_words(x: &Word, y: &Word) -> bool {
    x.kind == Kind::Word && y.kind == Kind::Word
}

/// Whether one word, which is none of the language, is the other with a slip: one edit, two in long words.
fn is_slip(x: &Word, y: &Word) -> bool {
    if !are_words(x, y)
        || (x.is_known && y.is_known)
        || is_prefixed(&x.text, &y.text)
        || is_prefixed(&y.text, &x.text)
    {
        return false;
    }
    // Nor is `Andersson` a slip of `Anderson`, though the language has only one of them.
    if (!x.is_known && !y.is_known) || (x.is_name && y.is_name) {
        return is_one_name(&x.text, &y.text);
    }
    let longest = x.text.chars().count().max(y.text.chars().count());
    let allowed = match longest {
        0..=3 => return false,
        4..=7 => 1,
        _ => 2,
    };
    edits(&x.text, &y.text, allowed) <= allowed
}

/// Of two names that nobody knows either may be right, `Johansen` and `Johanson`: they are one only if two neighbouring
/// letters have changed places, or by the two spellings of `-ise`.
fn is_one_name(x: &str, y: &str) -> bool {
    let letters = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    let is_swapped = x.len() > 6 && x.len() == y.len() && edits(x, y, 1) == 1 && letters(x) == letters(y);
    is_swapped || (x.len() > 6 && x.replace("is", "iz") == y.replace("is", "iz"))
}

/// `unmounted` is no slip of `mounted`.
fn is_prefixed(long: &str, short: &str) -> bool {
    let prefixes = ["un", "in", "im", "ir", "il", "dis", "de", "re", "non", "mis", "pre", "a"];
    long.strip_suffix(short).is_some_and(|prefix| prefixes.contains(&prefix))
}

/// Insertions, deletions, replacements and swaps of neighbours between two words; anything above `limit` counts as more.
#[must_use]
pub fn edits(a: &str, b: &str, limit: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > limit || a.len() > 64 || b.len() > 64 {
        return limit + 1;
    }
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (place, row) in rows.iter_mut().enumerate() {
        row[0] = place;
    }
    rows[0] = (0..=b.len()).collect();
    for x in 1..=a.len() {
        for y in 1..=b.len() {
            let replaced = rows[x - 1][y - 1] + usize::from(a[x - 1] != b[y - 1]);
            let mut best = replaced.min(rows[x - 1][y] + 1).min(rows[x][y - 1] + 1);
            if x > 1 && y > 1 && a[x - 1] == b[y - 2] && a[x - 2] == b[y - 1] {
                best = best.min(rows[x - 2][y - 2] + 1);
            }
            rows[x][y] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests;
