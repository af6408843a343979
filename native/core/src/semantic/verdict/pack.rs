//! What is kept of a question's tokens: where each stands, and its numbers in four bits each.
//!
//! **Cost**: about 18 bytes per token at 32 numbers. Questions are judged by what was kept, also when they are new, so
//! that a verdict does not depend on which of the two is in the store.

/// Steps on each side of zero that four bits hold.
const STEPS: f32 = 7.0;
/// What the largest number of a token is measured in.
const UNIT: f32 = 255.0;
/// Lengths of tokens that stand in one number with the gap before them; the last of them says that more follows.
const LENGTHS: usize = 32;

/// Tokens, packed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packed {
    bytes: Box<[u8]>,
}

impl Packed {
    /// Packs tokens: where each stands in the text, in order, and `size` (at least 1) numbers for each, none above 1.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within range by construction
    pub fn new(spans: &[(usize, usize)], tokens: &[f32], size: usize) -> Self {
        let mut bytes = Vec::with_capacity(4 + spans.len() * (3 + size / 2));
        put(&mut bytes, spans.len());
        let mut at = 0;
        for (start, end) in spans {
            // Mostly one byte: tokens are short and stand close together.
            let (gap, length) = (start.saturating_sub(at), end.saturating_sub(*start));
            put(&mut bytes, gap * LENGTHS + length.min(LENGTHS - 1));
            if length >= LENGTHS - 1 {
                put(&mut bytes, length - (LENGTHS - 1));
            }
            at = start + length;
        }
        for token in tokens.chunks_exact(size) {
            let largest = token.iter().fold(0.0_f32, |most, value| most.max(value.abs())).min(1.0);
            let scale = (largest * UNIT).ceil().max(1.0);
            bytes.push(scale as u8);
            let step = |value: f32| {
                ((value * UNIT / scale * STEPS).round().clamp(-STEPS, STEPS) + STEPS + 1.0) as u8
            };
            for pair in token.chunks(2) {
                bytes.push(step(pair[0]) | pair.get(1).map_or(0, |value| step(*value)) << 4);
            }
        }
        Self { bytes: bytes.into() }
    }

    /// Where the tokens stand, and their numbers.
    #[must_use]
    pub fn open(&self, size: usize) -> (Vec<(usize, usize)>, Vec<f32>) {
        let mut rest = &*self.bytes;
        let count = take(&mut rest);
        let (mut spans, mut at) = (Vec::with_capacity(count), 0);
        for _ in 0..count {
            let both = take(&mut rest);
            let start = at + both / LENGTHS;
            let length = both % LENGTHS;
            at = start + length + if length == LENGTHS - 1 { take(&mut rest) } else { 0 };
            spans.push((start, at));
        }
        let mut tokens = Vec::with_capacity(count * size);
        for packed in rest.chunks_exact(1 + size.div_ceil(2)) {
            let scale = f32::from(packed[0]) / UNIT / STEPS;
            let numbers = packed[1..].iter().flat_map(|byte| [byte & 15, byte >> 4]).take(size);
            tokens.extend(numbers.map(|step| (f32::from(step) - STEPS - 1.0) * scale));
        }
        (spans, tokens)
    }

    /// As bytes, for keeping.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.len() <= 1
    }
}

impl From<&[u8]> for Packed {
    /// What [`Packed::as_bytes`] gave.
    fn from(bytes: &[u8]) -> Self {
        Self { bytes: bytes.into() }
    }
}

/// Writes a number, seven bits a byte.
#[allow(clippy::cast_possible_truncation)] // masked
fn put(bytes: &mut Vec<u8>, mut number: usize) {
    while number > 127 {
        bytes.push((number & 127) as u8 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(rest: &mut &[u8]) -> usize {
    let (mut number, mut shift) = (0, 0);
    while let Some((byte, after)) = rest.split_first() {
        *rest = after;
        number |= usize::from(byte & 127) << shift;
        shift += 7;
        if byte & 128 == 0 || shift > 56 {
            break;
        }
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_out_again() {
        let spans = vec![(0, 3), (4, 300), (300, 301), (100_000, 100_002)];
        let tokens: Vec<f32> = (0..4_u8)
            .flat_map(|token| (0..32_u8).map(move |at| f32::from(token * at % 17) / 40.0 - 0.2))
            .collect();
        let packed = Packed::new(&spans, &tokens, 32);
        let (again, numbers) = packed.open(32);
        assert_eq!(again, spans);
        assert_eq!(numbers.len(), tokens.len());
        assert!(numbers.iter().zip(&tokens).all(|(x, y)| (x - y).abs() < 0.02));
        assert_eq!(Packed::default().open(32), (Vec::new(), Vec::new()));
    }
}
