//! Entries in blocks of memory, searched one by one: exact.
//!
//! **Cost**: 12 bytes per entry beside its vector, and half a block of slack; a search reads the blocks once, in order,
//! which is as fast as memory gives it. Blocks, because a buffer that grows leaves holes behind that nothing fits into.
//!
//! A record is the vector's codes, one over their length (`f32`) and the id (`u64`). Order means nothing: a removed
//! record's place is taken by the last one.

use super::vector::{Codes, Query};
use super::{Near, allocated};

const INVERSE: usize = size_of::<f32>();
const ID: usize = size_of::<u64>();

/// Records in a block.
const BLOCK: usize = 8;

/// Entries of one dimension.
#[derive(Debug, Clone, Default)]
pub(super) struct Flat {
    /// Grows with its entries: there may be millions of scopes with one entry each.
    first: Vec<i8>,
    /// Full ones, but for the last.
    more: Vec<Vec<i8>>,
}

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
        let last = self.more.last().unwrap_or(&self.first).len() / stride(dimension);
        self.more.len() * BLOCK + last
    }

    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    fn blocks(&self) -> impl Iterator<Item = &Vec<i8>> {
        std::iter::once(&self.first).chain(&self.more)
    }

    pub fn records(&self, dimension: usize) -> impl Iterator<Item = Record<'_>> {
        self.blocks()
            .flat_map(move |block| block.chunks_exact(stride(dimension)))
            .map(move |record| read(record, dimension))
    }

    pub fn push(&mut self, id: u64, codes: &[i8], inverse: f32) {
        let record = stride(codes.len());
        let full = BLOCK * record;
        if self.first.len() == full && self.more.last().is_none_or(|last| last.len() == full) {
            self.more.push(Vec::with_capacity(full));
        }
        let block = self.more.last_mut().unwrap_or(&mut self.first);
        if block.capacity() - block.len() < record {
            block.reserve_exact(block.len().clamp(record, full - block.len()));
        }
        block.extend_from_slice(codes);
        block.extend(inverse.to_le_bytes().map(u8::cast_signed));
        block.extend(id.to_le_bytes().map(u8::cast_signed));
    }

    fn record(&self, at: usize, stride: usize) -> &[i8] {
        let block = if at < BLOCK { &self.first } else { &self.more[at / BLOCK - 1] };
        &block[at % BLOCK * stride..][..stride]
    }

    fn record_mut(&mut self, at: usize, stride: usize) -> &mut [i8] {
        let block = if at < BLOCK { &mut self.first } else { &mut self.more[at / BLOCK - 1] };
        &mut block[at % BLOCK * stride..][..stride]
    }

    pub fn set(&mut self, at: usize, id: u64, entry: &Codes) {
        let dimension = entry.codes.len();
        let record = self.record_mut(at, stride(dimension));
        record[..dimension].copy_from_slice(&entry.codes);
        record[dimension..][..INVERSE].copy_from_slice(&entry.inverse.to_le_bytes().map(u8::cast_signed));
        record[dimension + INVERSE..].copy_from_slice(&id.to_le_bytes().map(u8::cast_signed));
    }

    /// Gives the entry at a place another id.
    pub fn rename(&mut self, at: usize, id: u64, dimension: usize) {
        let record = self.record_mut(at, stride(dimension));
        record[dimension + INVERSE..].copy_from_slice(&id.to_le_bytes().map(u8::cast_signed));
    }

    /// The entry at a place.
    pub fn at(&self, at: usize, dimension: usize) -> Record<'_> {
        read(self.record(at, stride(dimension)), dimension)
    }

    pub fn position(&self, id: u64, dimension: usize) -> Option<usize> {
        let wanted = id.to_le_bytes().map(u8::cast_signed);
        self.blocks()
            .flat_map(|block| block.chunks_exact(stride(dimension)))
            .position(|record| record.ends_with(&wanted))
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
        let last = self.len(dimension) - 1;
        if at != last {
            let moved = self.record(last, stride).to_vec();
            self.record_mut(at, stride).copy_from_slice(&moved);
        }
        let block = self.more.last_mut().unwrap_or(&mut self.first);
        block.truncate(block.len() - stride);
        if block.is_empty() {
            self.more.pop();
        } else if self.more.is_empty() && self.first.len() < self.first.capacity() / 4 {
            self.first.shrink_to(self.first.len() * 2);
        }
    }

    /// Adds the entries that are nearer than the farthest in `best`.
    pub fn search(&self, query: &Query, dimension: usize, best: &mut Best) {
        for block in self.blocks() {
            for record in block.chunks_exact(stride(dimension)) {
                best.consider(query, &read(record, dimension));
            }
        }
    }

    pub fn bytes(&self) -> usize {
        let blocks: usize = self.blocks().map(|block| allocated(block.capacity())).sum();
        blocks + allocated(self.more.capacity() * size_of::<Vec<i8>>())
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
