//! The network that weighs a pair: how well each token of one question is answered for by the other, and the features.
//!
//! Every token looks at the tokens of the other question, takes the mixture that is nearest to it, and a small
//! network says what is wrong between the two; the worst and the mean of that over all tokens, in both directions, go with the
//! [features](super::features) into a last layer that gives the log odds. Several such networks, trained from other
//! starting points, are averaged, and [decision trees](super::trees) over the features have a say. Nothing depends on which question comes first. **Source**: trained by `tools/train_verifier.py` on
//! the pairs in `tools/pairs/`. **Cost**: about 60 µs per network for two questions of 25 tokens.
//!
//! File: the magic `ISARVER1`, the length of a JSON header as `u32`, the header (sizes, names of the features, names and shapes of
//! arrays), then the arrays in that order as little-endian `f32`.

use serde_json::Value;

use super::features::{COUNT, NAMES};
use super::trees::{Forest, NUMBERS};

const MAGIC: &[u8] = b"ISARVER1";
/// Features are compared with the training set's mean in units of its deviation; further out nothing was learned.
const CLIP: f32 = 4.0;
/// Where similarity is mixed: how sharp, before what was learned.
const SHARPNESS: f32 = 4.0;

/// Trained weights.
#[derive(Debug)]
pub struct Model {
    /// Width of the embedding model's tokens.
    pub width: usize,
    /// Numbers kept per token.
    pub size: usize,
    projection: Dense,
    mean: Vec<f32>,
    deviation: Vec<f32>,
    networks: Vec<Network>,
    forest: Forest,
    /// What the networks' mean and the forest's sum are multiplied with.
    mix: (f32, f32),
}

#[derive(Debug)]
struct Network {
    sharpness: f32,
    first: Dense,
    second: Dense,
    third: Dense,
    last: Dense,
}

/// A matrix, row by row of its inputs, and a bias.
#[derive(Debug)]
struct Dense {
    weights: Vec<f32>,
    bias: Vec<f32>,
}

/// What is wrong with a file of weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadModel(pub &'static str);

impl Model {
    /// Reads a file.
    ///
    /// # Errors
    /// Not such a file, made for other features, or cut.
    pub fn new(bytes: &[u8]) -> Result<Self, BadModel> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(BadModel("it does not begin with ISARVER1"))?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(BadModel("it is cut"))?;
        let (header, rest) =
            rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or(BadModel("it is cut"))?;
        let header: Value = serde_json::from_slice(header).map_err(|_| BadModel("its header is not JSON"))?;
        let names = header["features"].as_array().map(Vec::as_slice).unwrap_or_default();
        if names.len() != COUNT || names.iter().zip(NAMES).any(|(theirs, ours)| theirs != ours) {
            return Err(BadModel("it was trained on other features"));
        }
        let size = |name: &str| {
            header[name].as_u64().and_then(|size| usize::try_from(size).ok()).unwrap_or_default()
        };
        let (width, kept, hidden, wide, count) =
            (size("width"), size("size"), size("hidden"), size("wide"), size("networks"));
        let fits = [kept, hidden, wide].iter().all(|size| (1..=256).contains(size));
        if !fits || !(1..=4096).contains(&width) || count > 16 {
            return Err(BadModel("its sizes are out of range"));
        }
        let mut numbers = Numbers { rest };
        let projection = numbers.dense(width, kept)?;
        let (mean, deviation) = (numbers.take(COUNT)?, numbers.take(COUNT)?);
        if deviation.iter().any(|value| *value <= 0.0) {
            return Err(BadModel("a feature never differs"));
        }
        let mut networks = Vec::with_capacity(count);
        for _ in 0..count {
            let sharpness = numbers.take(1)?.first().map_or(1.0, |learned| learned.exp()) * SHARPNESS;
            if !sharpness.is_finite() {
                return Err(BadModel("a weight is no number"));
            }
            networks.push(Network {
                sharpness,
                first: numbers.dense(4 * kept + 2, hidden)?,
                second: numbers.dense(hidden, hidden)?,
                third: numbers.dense(4 * hidden + COUNT, wide)?,
                last: numbers.dense(wide, 1)?,
            });
        }
        let roots = numbers.take(size("trees"))?;
        let nodes = numbers.take(size("nodes").saturating_mul(NUMBERS))?;
        let forest = Forest::new(&roots, &nodes).ok_or(BadModel("a tree has no end"))?;
        let mix = |place: usize| header["mix"][place].as_f64().unwrap_or(1.0);
        #[allow(clippy::cast_possible_truncation)] // weights
        let mix = (mix(0) as f32, mix(1) as f32);
        if !numbers.rest.is_empty() || networks.is_empty() {
            return Err(BadModel("its length does not fit its sizes"));
        }
        Ok(Self { width, size: kept, projection, mean, deviation, networks, forest, mix })
    }

    /// A token's embedding as it is kept: projected, of unit length.
    #[must_use]
    pub fn project(&self, token: &[f32]) -> Vec<f32> {
        let mut kept = self.projection.apply(token);
        let norm = (kept.iter().map(|value| value * value).sum::<f32>() + 1e-6).sqrt();
        for value in &mut kept {
            *value /= norm;
        }
        kept
    }

    /// Log odds that the reply to one question answers the other. `a`, `b`: their tokens, one after the other.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // at most 16 networks
    pub fn score(&self, a: &[f32], b: &[f32], features: &[f32; COUNT]) -> f32 {
        if a.len() < self.size || b.len() < self.size {
            return f32::NEG_INFINITY;
        }
        let normal: Vec<f32> = features
            .iter()
            .zip(self.mean.iter().zip(&self.deviation))
            .map(|(value, (mean, deviation))| ((value - mean) / deviation).clamp(-CLIP, CLIP))
            .collect();
        let similar = Similarities::of(a, b, self.size);
        let sum: f32 =
            self.networks.iter().map(|network| network.score(a, b, &similar, self.size, &normal)).sum();
        sum / self.networks.len() as f32 * self.mix.0 + self.forest.score(features) * self.mix.1
    }
}

/// Products of all tokens of one question with all of the other, and the same turned round.
struct Similarities {
    there: Vec<f32>,
    back: Vec<f32>,
}

impl Similarities {
    fn of(a: &[f32], b: &[f32], size: usize) -> Self {
        let (rows, columns) = (a.len() / size, b.len() / size);
        let mut there = Vec::with_capacity(rows * columns);
        for x in a.chunks_exact(size) {
            there.extend(b.chunks_exact(size).map(|y| dot(x, y)));
        }
        let mut back = Vec::with_capacity(rows * columns);
        for column in 0..columns {
            back.extend((0..rows).map(|row| there[row * columns + column]));
        }
        Self { there, back }
    }
}

impl Network {
    fn score(&self, a: &[f32], b: &[f32], similar: &Similarities, size: usize, features: &[f32]) -> f32 {
        let of_a = self.answered(a, b, &similar.there, size);
        let of_b = self.answered(b, a, &similar.back, size);
        let mut joined: Vec<f32> = of_a.iter().zip(&of_b).map(|(x, y)| x.max(*y)).collect();
        joined.extend(of_a.iter().zip(&of_b).map(|(x, y)| f32::midpoint(*x, *y)));
        joined.extend_from_slice(features);
        self.last.apply(&relu(self.third.apply(&joined)))[0]
    }

    /// How well the tokens of `a` are answered for by those of `b`: the most and the mean of each hidden number.
    #[allow(clippy::cast_precision_loss)] // counts of tokens
    fn answered(&self, a: &[f32], b: &[f32], similar: &[f32], size: usize) -> Vec<f32> {
        let columns = b.len() / size;
        let hidden = self.second.bias.len();
        let (mut most, mut mean) = (vec![f32::NEG_INFINITY; hidden], vec![0.0_f32; hidden]);
        let mut input = vec![0.0_f32; 4 * size + 2];
        let mut count = 0;
        for (token, row) in a.chunks_exact(size).zip(similar.chunks_exact(columns)) {
            let nearest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let shares: Vec<f32> =
                row.iter().map(|value| ((value - nearest) * self.sharpness).exp()).collect();
            let total: f32 = shares.iter().sum();
            let (own, rest) = input.split_at_mut(size);
            let (mixture, rest) = rest.split_at_mut(size);
            let (apart, rest) = rest.split_at_mut(size);
            let (product, ends) = rest.split_at_mut(size);
            own.copy_from_slice(token);
            mixture.fill(0.0);
            for (share, other) in shares.iter().zip(b.chunks_exact(size)) {
                mixture.iter_mut().zip(other).for_each(|(into, value)| *into += share / total * value);
            }
            for place in 0..size {
                apart[place] = (own[place] - mixture[place]).abs() * 2.0;
                product[place] = own[place] * mixture[place] * 4.0;
            }
            ends[0] = nearest;
            ends[1] = dot(own, mixture);
            let found = relu(self.second.apply(&relu(self.first.apply(&input))));
            for (place, value) in found.iter().enumerate() {
                most[place] = most[place].max(*value);
                mean[place] += value;
            }
            count += 1;
        }
        most.extend(mean.into_iter().map(|sum| sum / count as f32));
        most
    }
}

impl Dense {
    fn apply(&self, input: &[f32]) -> Vec<f32> {
        let mut output = self.bias.clone();
        for (value, row) in input.iter().zip(self.weights.chunks_exact(self.bias.len())) {
            output.iter_mut().zip(row).for_each(|(into, weight)| *into += value * weight);
        }
        output
    }
}

fn relu(mut values: Vec<f32>) -> Vec<f32> {
    for value in &mut values {
        *value = value.max(0.0);
    }
    values
}

fn dot(x: &[f32], y: &[f32]) -> f32 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

struct Numbers<'b> {
    rest: &'b [u8],
}

impl Numbers<'_> {
    fn take(&mut self, count: usize) -> Result<Vec<f32>, BadModel> {
        let (bytes, rest) =
            self.rest.split_at_checked(count.saturating_mul(4)).ok_or(BadModel("it is cut"))?;
        self.rest = rest;
        let numbers: Vec<f32> =
            bytes.as_chunks::<4>().0.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect();
        if numbers.iter().all(|number| number.is_finite()) {
            Ok(numbers)
        } else {
            Err(BadModel("a weight is no number"))
        }
    }

    fn dense(&mut self, inputs: usize, outputs: usize) -> Result<Dense, BadModel> {
        Ok(Dense { weights: self.take(inputs * outputs)?, bias: self.take(outputs)? })
    }
}

#[cfg(test)]
mod tests;
