//! Vectors as bytes.
//!
//! An entry's vector is kept as `i8`, scaled by its *own* largest component: the components of a sentence embedding reach
//! about 0.15, so a fixed scale of 127 would leave them four bits. A cosine does not depend on scale, and the error left
//! is about 0.0004. A query keeps 15 bits, as two vectors of bytes (`128 * high + low`), so that only the entry's
//! rounding counts; the low half is worked out only where it could change the order.

use simsimd::SpatialSimilarity as _;

use super::IndexError;

/// Largest code of a byte; -128 is never used.
const CODE: f64 = 127.0;
/// Weight of a query's high half.
const HIGH: i32 = 128;

/// The inner product, by the widest instructions this processor has.
#[allow(clippy::cast_possible_truncation, reason = "an i32 in the guise of an f64")]
pub(super) fn dot(left: &[i8], right: &[i8]) -> i32 {
    // `None` only where lengths differ, and every vector of an index has its dimension. The product is a whole number.
    i8::dot(left, right).map_or(0, |product| product as i32)
}

#[allow(clippy::cast_possible_truncation, reason = "a cosine needs no more than single precision")]
fn inverse(square: f64) -> f32 {
    if square > 0.0 { (1.0 / square.sqrt()) as f32 } else { 0.0 }
}

/// The largest absolute component, if the vector has a direction.
fn largest(vector: &[f32], dimension: usize) -> Result<f64, IndexError> {
    if vector.len() != dimension {
        return Err(IndexError::Dimension { expected: dimension, got: vector.len() });
    }
    if vector.iter().any(|component| !component.is_finite()) {
        return Err(IndexError::NotFinite);
    }
    let largest = vector.iter().fold(0.0_f32, |most, component| most.max(component.abs()));
    if largest > 0.0 { Ok(f64::from(largest)) } else { Err(IndexError::Zero) }
}

/// An entry's direction.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Codes {
    pub codes: Vec<i8>,
    /// One over the length of `codes`.
    pub inverse: f32,
}

impl Codes {
    /// The direction of `vector`, which need not have length 1.
    pub fn new(vector: &[f32], dimension: usize) -> Result<Self, IndexError> {
        let scale = CODE / largest(vector, dimension)?;
        #[allow(clippy::cast_possible_truncation, reason = "at most 127 by the choice of scale")]
        let codes = vector.iter().map(|component| (f64::from(*component) * scale).round() as i8).collect();
        Ok(Self::of(codes))
    }

    /// The direction of a sum of codes; `None` if they cancel out.
    pub fn mean(sums: &[i32]) -> Option<Self> {
        let largest = sums.iter().fold(0, |most, sum| most.max(sum.unsigned_abs()));
        let scale = CODE / f64::from(largest);
        #[allow(clippy::cast_possible_truncation, reason = "at most 127 by the choice of scale")]
        let codes = sums.iter().map(|sum| (f64::from(*sum) * scale).round() as i8).collect();
        (largest > 0).then(|| Self::of(codes))
    }

    fn of(codes: Vec<i8>) -> Self {
        let inverse = inverse(f64::from(dot(&codes, &codes)));
        Self { codes, inverse }
    }
}

/// A vector that is searched for.
#[derive(Debug)]
pub(super) struct Query {
    high: Vec<i8>,
    low: Vec<i8>,
    inverse: f32,
    /// How far the low half can move a cosine.
    slack: f32,
}

impl Query {
    /// The direction of `vector`, which need not have length 1.
    pub fn new(vector: &[f32], dimension: usize) -> Result<Self, IndexError> {
        let scale = CODE * f64::from(HIGH) / largest(vector, dimension)?;
        let (mut high, mut low) = (Vec::with_capacity(dimension), Vec::with_capacity(dimension));
        let (mut square, mut square_low) = (0.0, 0.0);
        for component in vector {
            let fine = (f64::from(*component) * scale).round();
            let coarse = (fine / f64::from(HIGH)).round();
            let rest = fine - coarse * f64::from(HIGH);
            square += fine * fine;
            square_low += rest * rest;
            #[allow(clippy::cast_possible_truncation, reason = "at most 127 and 64 by the choice of scale")]
            {
                high.push(coarse as i8);
                low.push(rest as i8);
            }
        }
        // By Cauchy and Schwarz, and a little for rounding.
        #[allow(clippy::cast_possible_truncation, reason = "a bound, rounded up")]
        let slack = (square_low / square).sqrt() as f32 + 1e-5;
        Ok(Self { high, low, inverse: inverse(square), slack })
    }

    /// The query for an entry's own direction.
    pub fn of(entry: &Codes) -> Self {
        let low = vec![0; entry.codes.len()];
        #[allow(clippy::cast_precision_loss, reason = "a power of two")]
        let inverse = entry.inverse / HIGH as f32;
        Self { high: entry.codes.clone(), low, inverse, slack: 0.0 }
    }

    /// The vector in bytes, like an entry's.
    pub fn coarse(&self) -> &[i8] {
        &self.high
    }

    /// The cosine with an entry, unless it is below `least` for certain.
    #[allow(clippy::cast_precision_loss, reason = "a cosine needs no more than single precision")]
    pub fn cosine(&self, codes: &[i8], inverse: f32, least: f32) -> Option<f32> {
        let coarse = i64::from(dot(&self.high, codes)) * i64::from(HIGH);
        let scale = self.inverse * inverse;
        if (coarse as f32).mul_add(scale, self.slack) < least {
            return None;
        }
        Some((coarse + i64::from(dot(&self.low, codes))) as f32 * scale)
    }
}
