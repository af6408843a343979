//! How near words are to one another in the embedding's space.

use super::{Directions, Side};

impl Directions {
    fn cosine(&self, place: usize, other: &Self, at: usize) -> f32 {
        self.of(place).iter().zip(other.of(at)).map(|(x, y)| x * y).sum()
    }

    fn of(&self, place: usize) -> &[f32] {
        let from = place * self.width;
        self.data.get(from..from + self.width).unwrap_or_default()
    }
}

/// Cosines between the words of both sides, by the words' places.
pub(super) struct Similar {
    pub(super) content_a: Vec<usize>,
    pub(super) content_b: Vec<usize>,
    cosines: Vec<f32>,
}

impl Similar {
    pub(super) fn of(a: Side<'_>, b: Side<'_>) -> Self {
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
    pub(super) fn pair(&self, x: usize, y: usize) -> f32 {
        match (self.content_a.binary_search(&x), self.content_b.binary_search(&y)) {
            (Ok(x), Ok(y)) => self.at(x, y),
            _ => 1.0,
        }
    }

    /// For each of these words the cosine to the nearest word with meaning of the other question.
    pub(super) fn best(&self, of_a: &[usize], of_b: &[usize]) -> Vec<f32> {
        let a = of_a.iter().filter_map(|place| self.content_a.binary_search(place).ok());
        let from_a = a.map(|x| (0..self.content_b.len()).map(|y| self.at(x, y)).fold(0.0, f32::max));
        let b = of_b.iter().filter_map(|place| self.content_b.binary_search(place).ok());
        let from_b = b.map(|y| (0..self.content_a.len()).map(|x| self.at(x, y)).fold(0.0, f32::max));
        from_a.chain(from_b).collect()
    }

    /// Left-over words paired greedily with one another: the cosine of the worst pair; 1 if there is none.
    pub(super) fn replaced(&self, left_a: &[usize], left_b: &[usize]) -> f32 {
        let places = |content: &[usize], left: &[usize]| -> Vec<usize> {
            left.iter().filter_map(|place| content.binary_search(place).ok()).collect()
        };
        let (mut xs, mut ys) = (places(&self.content_a, left_a), places(&self.content_b, left_b));
        let mut worst = 1.0_f32;
        while !xs.is_empty() && !ys.is_empty() {
            let all = xs.iter().flat_map(|x| ys.iter().map(move |y| (*x, *y)));
            let Some((x, y)) = all.max_by(|(x, y), (v, w)| self.at(*x, *y).total_cmp(&self.at(*v, *w)))
            else {
                break;
            };
            worst = worst.min(self.at(x, y));
            xs.retain(|place| *place != x);
            ys.retain(|place| *place != y);
        }
        worst
    }
}

#[allow(clippy::cast_precision_loss)] // counts of words
pub(super) fn mean(values: &[f32]) -> f32 {
    if values.is_empty() { 1.0 } else { values.iter().sum::<f32>() / values.len() as f32 }
}
