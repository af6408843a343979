//! A small table from ids to 32 bits, at 13 bytes a slot.

use hashbrown::HashTable;

/// Fibonacci hashing: spreads ids that were counted up, and digests cut short, alike.
pub(super) const fn spread(number: u64) -> u64 {
    let mixed = (number ^ (number >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 32)
}

/// Kept as three words, because a `(u64, u32)` takes four.
type Slot = [u32; 3];

#[allow(clippy::cast_possible_truncation, reason = "halves of a u64")]
const fn split(id: u64) -> [u32; 2] {
    [id as u32, (id >> 32) as u32]
}

const fn join(slot: &Slot) -> u64 {
    (slot[0] as u64) | ((slot[1] as u64) << 32)
}

/// From id to a number.
#[derive(Debug, Default)]
pub(super) struct Ids(HashTable<Slot>);

impl Ids {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn get(&self, id: u64) -> Option<u32> {
        self.0.find(spread(id), |slot| join(slot) == id).map(|slot| slot[2])
    }

    pub fn set(&mut self, id: u64, number: u32) {
        let [low, high] = split(id);
        self.0
            .entry(spread(id), |slot| join(slot) == id, |slot| spread(join(slot)))
            .insert([low, high, number]);
    }

    /// Forgets an id, and gives memory back once three quarters of it lie idle.
    pub fn remove(&mut self, id: u64) -> Option<u32> {
        let (slot, _) = self.0.find_entry(spread(id), |slot| join(slot) == id).ok()?.remove();
        if self.0.len() < self.0.capacity() / 4 {
            self.0.shrink_to(self.0.len() * 2, |slot| spread(join(slot)));
        }
        Some(slot[2])
    }

    pub fn bytes(&self) -> usize {
        self.0.allocation_size()
    }
}
