//! Decision trees over the features: rules such as "nothing left over, but two words have changed places", which the
//! networks learn less well.
//!
//! Grown by gradient boosting (`tools/train_verifier.py`); their values add up to log odds. **Cost**: about 10 µs for 500
//! trees.

use super::features::COUNT;

/// Numbers per node in the file: feature (-1: a leaf), threshold or value, left, right.
pub const NUMBERS: usize = 4;

/// Trees, by the places of their roots.
#[derive(Debug, Default)]
pub struct Forest {
    roots: Vec<usize>,
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Copy)]
enum Node {
    Leaf(f32),
    /// At most `threshold`: left.
    Split {
        feature: usize,
        threshold: f32,
        left: usize,
        right: usize,
    },
}

impl Forest {
    /// Trees from the file's numbers; `None` if a place is out of range or a tree might have no end.
    #[must_use]
    pub fn new(roots: &[f32], numbers: &[f32]) -> Option<Self> {
        let count = numbers.len() / NUMBERS;
        let place = |number: f32, after: usize, end: usize| {
            let place = whole(number)?;
            (place >= after && place < end).then_some(place)
        };
        let mut nodes = Vec::with_capacity(count);
        for (at, node) in numbers.chunks_exact(NUMBERS).enumerate() {
            nodes.push(if node[0] < 0.0 {
                Node::Leaf(node[1])
            } else {
                // Children stand behind their parent, so every way comes to an end.
                let (left, right) = (place(node[2], at + 1, count)?, place(node[3], at + 1, count)?);
                Node::Split { feature: place(node[0], 0, COUNT)?, threshold: node[1], left, right }
            });
        }
        let roots = roots.iter().map(|root| place(*root, 0, count)).collect::<Option<Vec<usize>>>()?;
        Some(Self { roots, nodes })
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// The sum of what all trees say.
    #[must_use]
    pub fn score(&self, features: &[f32; COUNT]) -> f32 {
        self.roots.iter().map(|root| self.leaf(*root, features)).sum()
    }

    fn leaf(&self, mut at: usize, features: &[f32; COUNT]) -> f32 {
        loop {
            match self.nodes[at] {
                Node::Leaf(value) => return value,
                Node::Split { feature, threshold, left, right } => {
                    at = if features[feature] <= threshold { left } else { right };
                }
            }
        }
    }
}

/// A whole number that a float holds exactly.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked
fn whole(number: f32) -> Option<usize> {
    ((0.0..16_777_216.0).contains(&number) && number.fract() == 0.0).then_some(number as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_walked_by_its_thresholds_and_trees_add_up() {
        let nodes = [0.0, 0.5, 1.0, 2.0, -1.0, 3.0, 0.0, 0.0, -1.0, -2.0, 0.0, 0.0, -1.0, 10.0, 0.0, 0.0];
        let forest = Forest::new(&[0.0, 3.0], &nodes).unwrap();
        let mut features = [0.0; COUNT];
        assert!((forest.score(&features) - 13.0).abs() < 1e-6);
        features[0] = 0.6;
        assert!((forest.score(&features) - 8.0).abs() < 1e-6);
        assert!(Forest::default().is_empty());
    }

    #[test]
    fn a_forest_with_a_place_out_of_range_or_a_loop_is_refused() {
        assert!(Forest::new(&[1.0], &[-1.0, 0.0, 0.0, 0.0]).is_none());
        assert!(Forest::new(&[0.0], &[0.0, 0.5, 0.0, 0.0]).is_none(), "its own child");
        assert!(Forest::new(&[0.5], &[-1.0, 0.0, 0.0, 0.0]).is_none());
        assert!(Forest::new(&[0.0], &[1e6, 0.5, 1.0, 1.0, -1.0, 0.0, 0.0, 0.0]).is_none(), "no such feature");
    }
}
