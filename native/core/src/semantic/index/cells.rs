//! Entries sorted into cells by direction, of which a search reads the nearest.
//!
//! A cell is a [`Flat`] of at most [`MOST`] entries under a *centre*, the mean of their directions. An entry goes to the
//! nearest centre; a cell that is full splits in two, and entries of the cells around that are nearer to a new centre move
//! to it; a cell that runs low is dissolved. So cells follow the data with no training, and no removed entry leaves a
//! trace. (Inverted lists with the local splits of `SPFresh`, arXiv 2410.14452.)
//!
//! **Cost**: an insertion reads every centre, 6 per 1,000 entries, and once in about a hundred times splits a cell (under a
//! millisecond). A search reads every centre, then the [`signs`] of the nearest cells, [`SHARE`] of all entries, and works
//! the cosine out for the [`SHORT`] most alike. An entry is missed if its cell is not among them: hardly ever for a near
//! copy of the entry, which is what a cache asks for; often for a query that is near nothing, where it does not matter.

use super::allocated;
use super::flat::{Best, Flat, Record};
use super::ids::Ids;
use super::signs::{Shortlist, SignTable, signs};
use super::vector::{Codes, Query, dot};

/// A cell of more entries than this splits.
const MOST: usize = 256;
/// A cell of fewer entries than this is dissolved.
const LEAST: usize = 24;
/// How many cells around a split are looked through for entries that belong to the new ones.
const AROUND: usize = 16;
/// Rounds of 2-means in a split.
const ROUNDS: usize = 4;
/// A search reads the signs of at least this many entries...
const READ: usize = 16_384;
/// ...and of one in this many of all.
const SHARE: usize = 24;
/// How many cosines a search works out, at least.
const SHORT: usize = 128;

/// Entries that lie in about one direction.
#[derive(Debug, Default)]
struct Cell {
    entries: Flat,
    signs: SignTable,
}

impl Cell {
    fn push(&mut self, id: u64, codes: &[i8], inverse: f32) {
        self.entries.push(id, codes, inverse);
        self.signs.push(codes);
    }

    fn remove_at(&mut self, at: usize, dimension: usize) {
        self.entries.remove_at(at, dimension);
        self.signs.remove_at(at, dimension);
    }
}

/// A large scope.
#[derive(Debug)]
pub(super) struct Cells {
    dimension: usize,
    /// The centre of the cell of the same place.
    centres: Flat,
    members: Vec<Cell>,
    /// In which cell an entry is.
    places: Ids,
}

/// The place of the centre that is nearest to an entry, and its cosine but for the entry's own length.
fn nearest<'a>(centres: impl Iterator<Item = (&'a [i8], f32)>, codes: &[i8]) -> Option<usize> {
    let score = |(centre, inverse): (&[i8], f32)| similarity(centre, codes) * inverse;
    centres.map(score).enumerate().max_by(|left, right| left.1.total_cmp(&right.1)).map(|(at, _)| at)
}

#[allow(clippy::cast_precision_loss, reason = "a choice between centres")]
fn similarity(left: &[i8], right: &[i8]) -> f32 {
    dot(left, right) as f32
}

impl Cells {
    /// Sorts the entries of a scope that has grown.
    pub fn new(entries: &Flat, dimension: usize) -> Self {
        let mut new =
            Self { dimension, centres: Flat::default(), members: Vec::new(), places: Ids::default() };
        for record in entries.records(dimension) {
            new.insert(record.id, record.codes, record.inverse);
        }
        new
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn contains(&self, id: u64) -> bool {
        self.places.get(id).is_some()
    }

    /// How many cells a search reads.
    fn reach(&self) -> usize {
        let entries = self.len().max(1);
        (READ.max(entries / SHARE) * self.members.len()).div_ceil(entries).min(self.members.len())
    }

    /// Adds an entry that is not there yet.
    pub fn insert(&mut self, id: u64, codes: &[i8], inverse: f32) {
        let centres = self.centres.records(self.dimension).map(|centre| (centre.codes, centre.inverse));
        let cell =
            nearest(centres, codes).unwrap_or_else(|| self.open(&Codes { codes: codes.to_vec(), inverse }));
        self.put(cell, id, codes, inverse);
        if self.size(cell) > MOST {
            self.split(cell);
        }
    }

    /// Takes an entry out; whether it was there.
    pub fn remove(&mut self, id: u64) -> bool {
        let Some(cell) = self.places.remove(id) else { return false };
        let cell = cell as usize;
        if let Some(at) = self.members[cell].entries.position(id, self.dimension) {
            self.members[cell].remove_at(at, self.dimension);
        }
        let few = self.size(cell) < LEAST && self.members.len() > 1;
        if few {
            let entries = self.close(cell);
            for record in entries.records(self.dimension) {
                self.insert(record.id, record.codes, record.inverse);
            }
        }
        true
    }

    /// Adds the nearest entries of the nearest cells.
    pub fn search(&self, query: &Query, wanted: usize, best: &mut Best) {
        let signs = signs(query.coarse());
        let mut short = Shortlist::new(SHORT.max(4 * wanted));
        for cell in self.nearest_cells(query) {
            self.members[cell as usize].signs.search(&signs, cell, &mut short);
        }
        for candidate in short.into_vec() {
            let record =
                self.members[candidate.cell as usize].entries.at(candidate.at as usize, self.dimension);
            best.consider(query, &record);
        }
    }

    /// In no order.
    fn nearest_cells(&self, query: &Query) -> impl Iterator<Item = u32> {
        let score = |centre: Record<'_>| similarity(query.coarse(), centre.codes) * centre.inverse;
        let scores = self.centres.records(self.dimension).map(score);
        let mut cells: Vec<(f32, u32)> = scores.zip(0..).collect();
        let reach = self.reach();
        if reach < cells.len() {
            cells.select_nth_unstable_by(reach, |left, right| right.0.total_cmp(&left.0));
            cells.truncate(reach);
        }
        cells.into_iter().map(|(_, cell)| cell)
    }

    pub fn bytes(&self) -> usize {
        allocated(self.members.capacity() * size_of::<Cell>())
            + self.members.iter().map(|cell| cell.entries.bytes() + cell.signs.bytes()).sum::<usize>()
            + self.centres.bytes()
            + self.places.bytes()
    }

    fn size(&self, cell: usize) -> usize {
        self.members[cell].entries.len(self.dimension)
    }

    fn put(&mut self, cell: usize, id: u64, codes: &[i8], inverse: f32) {
        self.members[cell].push(id, codes, inverse);
        self.places.set(id, number(cell));
    }

    fn open(&mut self, centre: &Codes) -> usize {
        self.centres.push(self.members.len() as u64, &centre.codes, centre.inverse);
        self.members.push(Cell::default());
        self.members.len() - 1
    }

    /// Takes a cell away, whose entries have then no place; the last cell takes its number.
    fn close(&mut self, cell: usize) -> Flat {
        let entries = self.members.swap_remove(cell).entries;
        self.centres.remove_at(cell, self.dimension);
        if cell < self.members.len() {
            self.centres.rename(cell, cell as u64, self.dimension);
            for record in self.members[cell].entries.records(self.dimension) {
                self.places.set(record.id, number(cell));
            }
        }
        entries
    }

    fn split(&mut self, cell: usize) {
        let entries = std::mem::take(&mut self.members[cell]).entries;
        let Halves { second, centres: [one, other] } = halve(&entries, self.dimension);
        let new = self.open(&other);
        self.centres.set(cell, cell as u64, &one);
        for (at, record) in entries.records(self.dimension).enumerate() {
            let cell = if second[at] { new } else { cell };
            self.put(cell, record.id, record.codes, record.inverse);
        }
        self.attract([(cell, &one), (new, &other)]);
    }

    /// Moves the entries of the surrounding cells that are nearer to one of two new centres than to their own.
    fn attract(&mut self, new: [(usize, &Codes); 2]) {
        for (target, centre) in new {
            for cell in self.around(centre) {
                if new.iter().any(|(at, _)| *at == cell) {
                    continue;
                }
                for at in (0..self.size(cell)).rev() {
                    if self.size(target) >= MOST || self.size(cell) <= LEAST {
                        break;
                    }
                    self.move_if_nearer(cell, at, target);
                }
            }
        }
    }

    fn move_if_nearer(&mut self, cell: usize, at: usize, target: usize) {
        let (own, new) = (self.centres.at(cell, self.dimension), self.centres.at(target, self.dimension));
        let record = self.members[cell].entries.at(at, self.dimension);
        if similarity(own.codes, record.codes) * own.inverse
            < similarity(new.codes, record.codes) * new.inverse
        {
            let (id, codes, inverse) = (record.id, record.codes.to_vec(), record.inverse);
            self.members[cell].remove_at(at, self.dimension);
            self.put(target, id, &codes, inverse);
        }
    }

    fn around(&self, centre: &Codes) -> Vec<usize> {
        let mut best = Best::new(AROUND);
        self.centres.search(&Query::of(centre), self.dimension, &mut best);
        best.into_vec().into_iter().map(|near| index(near.id)).collect()
    }
}

/// A cell's place as it stands in a record or table; there are fewer than 2^32.
#[allow(clippy::cast_possible_truncation, reason = "a cell has thousands of bytes")]
const fn number(cell: usize) -> u32 {
    cell as u32
}

#[allow(clippy::cast_possible_truncation, reason = "was a usize")]
const fn index(id: u64) -> usize {
    id as usize
}

/// A cell in two parts.
struct Halves {
    /// Which entries go to the second.
    second: Vec<bool>,
    centres: [Codes; 2],
}

/// 2-means, started at the entry farthest from the first and the one farthest from that; no part gets fewer than [`LEAST`].
fn halve(entries: &Flat, dimension: usize) -> Halves {
    let count = entries.len(dimension);
    let copy = |at: usize| {
        let record = entries.at(at, dimension);
        Codes { codes: record.codes.to_vec(), inverse: record.inverse }
    };
    let farthest = |from: &Codes| {
        let score = |at: &usize| {
            let record = entries.at(*at, dimension);
            similarity(&from.codes, record.codes) * record.inverse
        };
        (0..count).min_by(|left, right| score(left).total_cmp(&score(right))).unwrap_or(0)
    };
    let one = copy(farthest(&copy(0)));
    let other = copy(farthest(&one));
    let mut halves = Halves { second: vec![false; count], centres: [one, other] };
    for _ in 0..ROUNDS {
        halves.assign(entries, dimension);
        halves.centre(entries, dimension);
    }
    halves
}

impl Halves {
    fn assign(&mut self, entries: &Flat, dimension: usize) {
        let [one, other] = &self.centres;
        let lean = entries.records(dimension).map(|record| {
            let lean = similarity(&other.codes, record.codes) * other.inverse
                - similarity(&one.codes, record.codes) * one.inverse;
            lean * record.inverse
        });
        let mut order: Vec<(usize, f32)> = lean.enumerate().collect();
        order.sort_unstable_by(|left, right| left.1.total_cmp(&right.1));
        let cut = order.partition_point(|(_, lean)| *lean <= 0.0).clamp(LEAST, order.len() - LEAST);
        for (place, (at, _)) in order.into_iter().enumerate() {
            self.second[at] = place >= cut;
        }
    }

    #[allow(clippy::cast_possible_truncation, reason = "weights are about 16, codes at most 127")]
    fn centre(&mut self, entries: &Flat, dimension: usize) {
        let mut sums = [vec![0_i32; dimension], vec![0_i32; dimension]];
        for (at, record) in entries.records(dimension).enumerate() {
            // Entries are scaled one by one: bring them to one length before adding.
            let weight = (record.inverse * LENGTH).round() as i32;
            for (sum, code) in sums[usize::from(self.second[at])].iter_mut().zip(record.codes) {
                *sum += weight * i32::from(*code);
            }
        }
        for (centre, sums) in self.centres.iter_mut().zip(&sums) {
            if let Some(mean) = Codes::mean(sums) {
                *centre = mean;
            }
        }
    }
}

/// Common length of entries when they are added up: 257 of them stay within an `i32`.
const LENGTH: f32 = 32_768.0;
