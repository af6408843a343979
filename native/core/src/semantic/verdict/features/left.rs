//! Words that nothing stands for: how much they say, and whether they contradict each other.

use crate::semantic::lexicon::{Lexicon, Relation};
use crate::semantic::question::Question;
use crate::semantic::verdict::align::{Alignment, MOST_LEFT};

/// The rarer a left-over word, the more it says.
#[allow(clippy::cast_precision_loss)] // at most 7
pub(super) fn rarity(question: &Question, left: &[usize], lexicon: &Lexicon) -> f32 {
    left.iter().map(|place| 8.0 - lexicon.commonness(&question.words[*place].text) as f32).sum()
}

/// Pairs of left-over words that are opposites, and that are kinds of the same thing.
pub(super) fn contrasts(
    a: &Question,
    b: &Question,
    alignment: &Alignment,
    lexicon: &Lexicon,
) -> (usize, usize, usize) {
    let (mut antonyms, mut sisters, mut broader) = (0, 0, 0);
    if alignment.left_a.len() > MOST_LEFT || alignment.left_b.len() > MOST_LEFT {
        return (0, 0, 0);
    }
    for x in &alignment.left_a {
        for y in &alignment.left_b {
            match lexicon.relation(&a.words[*x].text, &b.words[*y].text) {
                Relation::Antonym => antonyms += 1,
                Relation::Sister => sisters += 1,
                Relation::Broader => broader += 1,
                _ => {}
            }
        }
    }
    (antonyms, sisters, broader)
}
