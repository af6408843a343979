//! An abbreviation and the words that it abbreviates: `CNN`, `convolutional neural network`.

use super::{Alignment, How};
use crate::semantic::question::Question;
use crate::semantic::question::segment::Kind;

/// Words of an abbreviated name that may have no letter in it.
const UNSPOKEN: &[&str] = &["and", "of", "the", "to", "for", "in", "a", "by", "as"];

impl Alignment {
    /// Pairs left-over words that the lexicon does not know with the words whose first letters they are.
    pub(super) fn abbreviations(&mut self, a: &Question, b: &Question) {
        for (short, long, flipped) in [(a, b, false), (b, a, true)] {
            let singles = if flipped { self.left_b.clone() } else { self.left_a.clone() };
            for single in singles {
                let word = &short.words[single];
                if word.kind != Kind::Word
                    || (word.is_known && !word.is_name)
                    || !(2..=5).contains(&word.text.len())
                {
                    continue;
                }
                let (mine, theirs) = if flipped {
                    (&mut self.left_b, &mut self.left_a)
                } else {
                    (&mut self.left_a, &mut self.left_b)
                };
                // `non-disclosure agreement` begins with a word that carries no meaning.
                let firsts = theirs.iter().flat_map(|place| [*place, place.saturating_sub(1)]);
                let spelled =
                    firsts.into_iter().find_map(|first| Some((first, spells(long, first, &word.text)?)));
                let Some((first, last)) = spelled else { continue };
                mine.retain(|place| *place != single);
                theirs.retain(|place| !(first..=last).contains(place));
                let pair = if flipped { (first, single) } else { (single, first) };
                self.pairs.push((pair.0, pair.1, How::Compound));
            }
        }
    }
}

/// The place of the last word if the words from `first` on begin with the letters of an abbreviation.
fn spells(question: &Question, first: usize, short: &str) -> Option<usize> {
    let mut letters = short.chars();
    let mut wanted = letters.next();
    let mut last = first;
    for (place, word) in question.words.iter().enumerate().skip(first) {
        let Some(letter) = wanted else { break };
        if word.text.starts_with(letter) {
            last = place;
            wanted = letters.next();
        } else if !UNSPOKEN.contains(&word.text.as_str()) {
            return None;
        }
    }
    wanted.is_none().then_some(last)
}
