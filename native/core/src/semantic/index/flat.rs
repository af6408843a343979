//! Entries in one contiguous buffer, searched one by one: exact.
//!
//! **Cost**: 12 bytes per entry beside its vector, and at most one eighth of slack; a search reads the buffer once, in
//! order, which is as fast as memory gives it.
//!
//! A record is the vector's codes, one over their length (`f32`) and the id (`u64`). Order means nothing: a removed
//! record's place is taken by the last one.

use super::vector::{Codes, Query};
use super::{Near, allocated};

const INVERSE: usize = size_of::<f32>();
const ID: usize = size_of::<u64>();

/// Entries of one dimension.
#[derive(Debug, Clone, Default)]
pub(super) struct Flat(Vec<i8>);

/// An entry in place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub id: u64,
    pub codes: &'a [i8],
    pub inverse: f32,
}

fn bytes<const N: usize>(codes: &[i8]) -> [u8; N] {
    std::array::from_fn(|at| codes[at].cast_unsigned())
}

fn read(record: &[i8], dimension: usize) -> Record<'_> {
    let (codes, rest) = record.split_at(dimension);
    Record {
        id: u64::from_le_bytes(bytes::<ID>(&rest[INVERSE..])),
        codes,
        inverse: f32::from_le_bytes(bytes::<INVERSE>(rest)),
    }
}

const fn stride(dimension: usize) -> usize {
    dimension + INVERSE + ID
}

impl Flat {
    pub fn len(&self, dimension: usize) -> usize {
        self.0.len() / stride(dimension)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn records(&self, dimension: usize) -> impl ExactSizeIterator<Item = Record<'_>> {
        self.0.chunks_exact(stride(dimension)).map(move |record| read(record, dimension))
    }

    pub fn push(&mut self, id: u64, codes: &[i8], inverse: f32) {
        let record = stride(codes.len());
        if self.0.capacity() - self.0.len() < record {
            // Exact where scopes are small: there may be millions of one entry each.
            self.0.reserve_exact((self.0.len() / record / 8).max(1) * record);
        }
        self.0.extend_from_slice(codes);
        self.0.extend(inverse.to_le_bytes().map(u8::cast_signed));
        self.0.extend(id.to_le_bytes().map(u8::cast_signed));
    }

    pub fn set(&mut self, at: usize, id: u64, entry: &Codes) {
        let (dimension, stride) = (entry.codes.len(), stride(entry.codes.len()));
        let record = &mut self.0[at * stride..][..stride];
        record[..dimension].copy_from_slice(&entry.codes);
        record[dimension..][..INVERSE].copy_from_slice(&entry.inverse.to_le_bytes().map(u8::cast_signed));
        record[dimension + INVERSE..].copy_from_slice(&id.to_le_bytes().map(u8::cast_signed));
    }

    /// Gives the entry at a place another id.
    pub fn rename(&mut self, at: usize, id: u64, dimension: usize) {
        let stride = stride(dimension);
        let record = &mut self.0[at * stride..][..stride];
        record[dimension + INVERSE..].copy_from_slice(&id.to_le_bytes().map(u8::cast_signed));
    }

    /// The entry at a place.
    pub fn at(&self, at: usize, dimension: usize) -> Record<'_> {
        let stride = stride(dimension);
        read(&self.0[at * stride..][..stride], dimension)
    }

    pub fn position(&self, id: u64, dimension: usize) -> Option<usize> {
        let wanted = id.to_le_bytes().map(u8::cast_signed);
        self.0.chunks_exact(stride(dimension)).position(|record| record.ends_with(&wanted))
    }

    pub fn contains(&self, id: u64, dimension: usize) -> bool {
        self.position(id, dimension).is_some()
    }

    /// Takes an entry out; whether it was there.
    pub fn remove(&mut self, id: u64, dimension: usize) -> bool {
        let found = self.position(id, dimension);
        if let Some(at) = found {
            self.remove_at(at, dimension);
        }
        found.is_some()
    }

    /// Takes the entry at a place out; the last one moves there.
    pub fn remove_at(&mut self, at: usize, dimension: usize) {
        let stride = stride(dimension);
        let last = self.0.len() - stride;
        self.0.copy_within(last.., at * stride);
        self.0.truncate(last);
        if last < self.0.capacity() / 2 {
            self.0.shrink_to(last + last / 8);
        }
    }

    /// Adds the entries that are nearer than the farthest in `best`.
    pub fn search(&self, query: &Query, dimension: usize, best: &mut Best) {
        for record in self.records(dimension) {
            best.consider(query, &record);
        }
    }

    pub fn bytes(&self) -> usize {
        allocated(self.0.capacity())
    }
}

/// The nearest so far, best first; of equals, the lower id.
#[derive(Debug)]
pub(super) struct Best {
    wanted: usize,
    found: Vec<Near>,
}

impl Best {
    pub fn new(wanted: usize) -> Self {
        Self { wanted, found: Vec::new() }
    }

    /// Adds the entry if it is nearer than the farthest.
    pub fn consider(&mut self, query: &Query, record: &Record<'_>) {
        if let Some(cosine) = query.cosine(record.codes, record.inverse, self.least()) {
            self.offer(Near { id: record.id, cosine });
        }
    }

    /// A cosine below this changes nothing.
    fn least(&self) -> f32 {
        match self.found.last() {
            Some(last) if self.found.len() == self.wanted => last.cosine,
            _ => f32::NEG_INFINITY,
        }
    }

    fn offer(&mut self, near: Near) {
        let before = |other: &Near| other.cosine.total_cmp(&near.cosine).then(near.id.cmp(&other.id)).is_gt();
        let at = self.found.partition_point(before);
        if at < self.wanted {
            self.found.truncate(self.wanted - 1);
            self.found.insert(at, near);
        }
    }

    pub fn into_vec(self) -> Vec<Near> {
        self.found
    }
}
