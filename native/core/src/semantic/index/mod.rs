//! The vectors of the questions that were answered, by scope, and which of them is nearest to a new one.
//!
//! **Policy**: a scope is an index of its own, so that an entry of another scope cannot be found even by mistake. A small one
//! is a buffer that a search reads from end to end ([`flat`]); past [`Options::flat_max`] entries it is sorted into cells by
//! direction, of which a search reads the nearest ([`cells`]). A scope without entries is forgotten.
//!
//! **Cost**, at 384 dimensions: about 510 bytes per entry in a large scope, 500 in a scope of its own. A search of 4,096
//! entries or fewer is exact; past that it finds a near copy of an entry, and need not find the best of what is far.
//!
//! **Locks**: scopes are spread over [`SHARDS`] tables. Searches share a table's lock; an insertion into a small scope and any
//! removal take it for themselves: microseconds, a few milliseconds where a cell of a very large scope is dissolved, tens
//! of them once when a scope grows large. A large scope has a lock of its own for insertions. Order: the id's lock, the
//! table's, the scope's.

mod cells;
mod flat;
mod ids;
mod signs;
#[cfg(test)]
mod tests;
mod vector;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hashbrown::HashTable;

use self::cells::Cells;
use self::flat::{Best, Flat};
use self::ids::{Ids, spread};
use self::vector::{Codes, Query};

/// Tables that scopes, and ids, are spread over.
const SHARDS: usize = 64;
/// Largest dimension: sums of products stay within 32 bits.
const DIMENSIONS: usize = 65_536;

/// The digest of everything of a request but its question.
pub type Scope = [u8; 32];

/// What an index is for.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Components of a vector, 1 to 65,536.
    pub dimension: usize,
    /// Most entries of a scope that is searched from end to end. Default 4,096: 70 microseconds.
    pub flat_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { dimension: 384, flat_max: 4096 }
    }
}

/// Why a vector was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexError {
    /// The index is for vectors of another dimension.
    Dimension {
        /// The index's dimension, or the largest possible.
        expected: usize,
        /// The vector's.
        got: usize,
    },
    /// A component is infinite or not a number.
    NotFinite,
    /// All components are zero: there is no direction.
    Zero,
}

impl fmt::Display for IndexError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dimension { expected, got } => {
                write!(out, "{got} dimensions where {expected} are expected")
            }
            Self::NotFinite => out.write_str("a component is not a finite number"),
            Self::Zero => out.write_str("a vector of zeros has no direction"),
        }
    }
}

impl std::error::Error for IndexError {}

/// An entry that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// The entry.
    pub id: u64,
    /// How near it is, -1 to 1.
    pub cosine: f32,
}

/// The entries of one scope.
#[derive(Debug)]
enum Entries {
    Small(Flat),
    Large(Box<RwLock<Cells>>),
}

#[derive(Debug)]
struct Partition {
    scope: Scope,
    entries: Entries,
}

/// Boxed: a table is up to half empty, and its slots should be small.
type Table = HashTable<Box<Partition>>;

/// The index.
pub struct Index {
    options: Options,
    /// By id: the short form of its scope's digest.
    ids: Vec<Mutex<Ids>>,
    tables: Vec<RwLock<Table>>,
}

/// What an allocation takes, with the allocator's own word.
const fn allocated(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { (bytes + 8).next_multiple_of(16) }
}

/// The first bytes of a scope's digest: enough to look it up by, and a quarter of the memory per entry.
const fn short(scope: &Scope) -> u32 {
    u32::from_le_bytes([scope[0], scope[1], scope[2], scope[3]])
}

fn hash(partition: &Partition) -> u64 {
    spread(u64::from(short(&partition.scope)))
}

// A panic cannot leave a table half changed that matters here: what is missing is a miss.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl Index {
    /// An empty index.
    ///
    /// # Errors
    /// [`IndexError::Dimension`] if the dimension is 0 or too large.
    pub fn new(options: Options) -> Result<Self, IndexError> {
        if options.dimension == 0 || options.dimension > DIMENSIONS {
            return Err(IndexError::Dimension { expected: DIMENSIONS, got: options.dimension });
        }
        Ok(Self {
            options,
            ids: (0..SHARDS).map(|_| Mutex::default()).collect(),
            tables: (0..SHARDS).map(|_| RwLock::default()).collect(),
        })
    }

    /// Adds an entry; one of the same id, in whatever scope, is replaced.
    ///
    /// # Errors
    /// The vector has another dimension or no direction; then nothing has changed.
    pub fn insert(&self, scope: &Scope, id: u64, vector: &[f32]) -> Result<(), IndexError> {
        let entry = Codes::new(vector, self.options.dimension)?;
        let mut ids = lock(self.ids_of(id));
        if let Some(old) = ids.remove(id) {
            self.take(old, id);
        }
        self.put(scope, id, &entry);
        ids.set(id, short(scope));
        Ok(())
    }

    /// Removes an entry; whether it was there.
    pub fn remove(&self, id: u64) -> bool {
        let mut ids = lock(self.ids_of(id));
        ids.remove(id).is_some_and(|scope| self.take(scope, id))
    }

    /// The `wanted` entries of a scope that are nearest to a vector, best first; of equals, the lower id.
    ///
    /// # Errors
    /// The vector has another dimension or no direction.
    pub fn nearest(&self, scope: &Scope, vector: &[f32], wanted: usize) -> Result<Vec<Near>, IndexError> {
        let query = Query::new(vector, self.options.dimension)?;
        let mut best = Best::new(wanted);
        let table = read(self.table_of(short(scope)));
        let partition = table.find(spread(u64::from(short(scope))), |partition| partition.scope == *scope);
        match partition.map(|partition| &partition.entries) {
            Some(Entries::Small(flat)) => flat.search(&query, self.options.dimension, &mut best),
            Some(Entries::Large(cells)) => read(cells).search(&query, wanted, &mut best),
            None => {}
        }
        Ok(best.into_vec())
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.ids.iter().map(|ids| lock(ids).len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many scopes have entries.
    pub fn scopes(&self) -> usize {
        self.tables.iter().map(|table| read(table).len()).sum()
    }

    /// What the index holds in memory, the allocator's share included. Visits every scope: for reports.
    pub fn bytes(&self) -> usize {
        let partition = |partition: &Partition| {
            allocated(size_of::<Partition>())
                + match &partition.entries {
                    Entries::Small(flat) => flat.bytes(),
                    Entries::Large(cells) => allocated(size_of::<RwLock<Cells>>()) + read(cells).bytes(),
                }
        };
        let table = |table: &RwLock<Table>| {
            let table = read(table);
            table.allocation_size() + table.iter().map(|entry| partition(entry)).sum::<usize>()
        };
        self.ids.iter().map(|ids| lock(ids).bytes()).sum::<usize>()
            + self.tables.iter().map(table).sum::<usize>()
    }

    #[allow(clippy::cast_possible_truncation, reason = "less than SHARDS")]
    fn ids_of(&self, id: u64) -> &Mutex<Ids> {
        &self.ids[(spread(id) >> 32) as usize % SHARDS]
    }

    #[allow(clippy::cast_possible_truncation, reason = "less than SHARDS")]
    fn table_of(&self, short: u32) -> &RwLock<Table> {
        &self.tables[(spread(u64::from(short)) >> 32) as usize % SHARDS]
    }

    fn put(&self, scope: &Scope, id: u64, entry: &Codes) {
        let lock = self.table_of(short(scope));
        let key = spread(u64::from(short(scope)));
        // A large scope is changed under its own lock; the table's, shared, keeps it from being forgotten meanwhile.
        let shared = read(lock);
        if let Some(partition) = shared.find(key, |partition| partition.scope == *scope)
            && let Entries::Large(cells) = &partition.entries
        {
            write(cells).insert(id, &entry.codes, entry.inverse);
            return;
        }
        drop(shared);
        let mut table = write(lock);
        let partition = table
            .entry(key, |partition| partition.scope == *scope, |partition| hash(partition))
            .or_insert_with(|| {
                Box::new(Partition { scope: *scope, entries: Entries::Small(Flat::default()) })
            })
            .into_mut();
        self.put_into(partition, id, entry);
    }

    fn put_into(&self, partition: &mut Partition, id: u64, entry: &Codes) {
        match &mut partition.entries {
            Entries::Large(cells) => {
                cells.get_mut().unwrap_or_else(PoisonError::into_inner).insert(
                    id,
                    &entry.codes,
                    entry.inverse,
                );
            }
            Entries::Small(flat) => {
                flat.push(id, &entry.codes, entry.inverse);
                if flat.len(self.options.dimension) > self.options.flat_max {
                    let cells = Cells::new(flat, self.options.dimension);
                    partition.entries = Entries::Large(Box::new(RwLock::new(cells)));
                }
            }
        }
    }

    /// Takes an entry out of the scope of this short digest that has it, and an empty scope out of its table.
    fn take(&self, short: u32, id: u64) -> bool {
        let dimension = self.options.dimension;
        let has = |partition: &Partition| match &partition.entries {
            Entries::Small(flat) => flat.contains(id, dimension),
            Entries::Large(cells) => read(cells).contains(id),
        };
        let mut table = write(self.table_of(short));
        let Ok(mut found) = table.find_entry(spread(u64::from(short)), |partition| has(partition)) else {
            return false;
        };
        let left = match &mut found.get_mut().entries {
            Entries::Small(flat) => {
                flat.remove(id, dimension);
                !flat.is_empty()
            }
            Entries::Large(cells) => {
                let cells = cells.get_mut().unwrap_or_else(PoisonError::into_inner);
                cells.remove(id);
                cells.len() > 0
            }
        };
        if !left {
            found.remove();
            if table.len() < table.capacity() / 4 {
                let room = table.len() * 2;
                table.shrink_to(room, |partition| hash(partition));
            }
        }
        true
    }
}
