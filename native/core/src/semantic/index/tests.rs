use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use super::vector::Codes;
use super::{Index, IndexError, Near, Options, Scope};

const HERE: Scope = [1; 32];
const THERE: Scope = [2; 32];

/// An index whose scopes are searched from end to end.
fn flat(dimension: usize) -> Index {
    Index::new(Options { dimension, flat_max: usize::MAX }).unwrap()
}

/// An index whose scopes are sorted into cells from the first entry on.
fn cells(dimension: usize) -> Index {
    Index::new(Options { dimension, flat_max: 0 }).unwrap()
}

fn ids(found: &[Near]) -> Vec<u64> {
    found.iter().map(|near| near.id).collect()
}

/// Directions that are the same in every run: about normal components.
fn direction(seed: u64, dimension: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    };
    next();
    let components = (0..dimension).map(|_| {
        let sum: u16 = next().to_le_bytes().into_iter().map(u16::from).sum();
        f32::from(sum) - 1020.0
    });
    components.collect()
}

/// A copy of an entry's direction with noise: a cosine of about 0.85.
fn noisy(seed: u64, dimension: usize) -> Vec<f32> {
    let noise = direction(seed + (1 << 40), dimension);
    direction(seed, dimension).iter().zip(&noise).map(|(entry, noise)| entry + 0.62 * noise).collect()
}

fn vectors(count: usize) -> impl Strategy<Value = (Vec<f32>, Vec<Vec<f32>>)> {
    let vector = |dimension| {
        prop::collection::vec(-1.0_f32..1.0, dimension)
            .prop_filter("a direction", |vector| vector.iter().any(|component| component.abs() > 1e-3))
    };
    (1_usize..40).prop_flat_map(move |dimension| {
        (vector(dimension), prop::collection::vec(vector(dimension), 1..count))
    })
}

/// The cosine between a query of 15 bits and an entry of 8, worked out one component at a time.
fn naive(query: &[f32], entry: &[f32]) -> f64 {
    let largest = query.iter().fold(0.0_f64, |most, component| most.max(f64::from(component.abs())));
    let query: Vec<f64> =
        query.iter().map(|component| (f64::from(*component) * 16_256.0 / largest).round()).collect();
    let entry: Vec<f64> =
        Codes::new(entry, entry.len()).unwrap().codes.iter().map(|code| f64::from(*code)).collect();
    let product =
        |left: &[f64], right: &[f64]| left.iter().zip(right).map(|(left, right)| left * right).sum::<f64>();
    product(&query, &entry) / (product(&query, &query) * product(&entry, &entry)).sqrt()
}

fn agrees_with_naive(index: &Index, query: &[f32], entries: &[Vec<f32>], wanted: usize) {
    let numbered = (0_u64..).zip(entries);
    let all: BTreeMap<u64, f64> = numbered.map(|(id, entry)| (id, naive(query, entry))).collect();
    for (id, entry) in (0_u64..).zip(entries) {
        index.insert(&HERE, id, entry).unwrap();
    }
    let mut expected: Vec<f64> = all.values().copied().collect();
    expected.sort_by(|left, right| right.total_cmp(left));
    let found = index.nearest(&HERE, query, wanted).unwrap();
    assert_eq!(found.len(), wanted.min(entries.len()));
    assert_eq!(ids(&found).into_iter().collect::<HashSet<_>>().len(), found.len());
    for (near, expected) in found.iter().zip(&expected) {
        assert!((f64::from(near.cosine) - expected).abs() < 1e-5, "{found:?} {expected}");
        assert!((f64::from(near.cosine) - all[&near.id]).abs() < 1e-5, "{found:?}");
    }
    assert!(found.is_sorted_by(|left, right| {
        left.cosine > right.cosine || (left.cosine.to_bits() == right.cosine.to_bits() && left.id < right.id)
    }));
}

proptest! {
    #[test]
    fn a_flat_search_agrees_with_a_naive_one((query, entries) in vectors(60), wanted in 0_usize..12) {
        agrees_with_naive(&flat(query.len()), &query, &entries, wanted);
    }

    #[test]
    fn a_few_entries_in_cells_are_searched_exactly((query, entries) in vectors(60), wanted in 0_usize..12) {
        agrees_with_naive(&cells(query.len()), &query, &entries, wanted);
    }

    #[test]
    fn any_order_of_changes_leaves_what_a_map_would_hold(
        changes in prop::collection::vec((0_u64..12, 0_usize..3, any::<bool>()), 1..80)
    ) {
        for index in [flat(8), cells(8)] {
            // The first two have the same short digest.
            let mut scopes = [HERE, HERE, THERE];
            scopes[1][31] = 9;
            let mut model = BTreeMap::new();
            for (id, scope, insert) in &changes {
                if *insert {
                    index.insert(&scopes[*scope], *id, &direction(*id, 8)).unwrap();
                    model.insert(*id, *scope);
                } else {
                    assert_eq!(index.remove(*id), model.remove(id).is_some());
                }
            }
            assert_eq!(index.len(), model.len());
            assert_eq!(index.scopes(), model.values().collect::<HashSet<_>>().len());
            for (at, scope) in scopes.iter().enumerate() {
                let mut found = ids(&index.nearest(scope, &direction(0, 8), 99).unwrap());
                found.sort_unstable();
                let held: Vec<u64> = model.iter().filter(|(_, scope)| **scope == at).map(|(id, _)| *id).collect();
                assert_eq!(found, held);
            }
        }
    }
}

#[test]
fn a_cosine_is_within_a_thousandth_of_that_of_the_vectors_given() {
    let index = flat(384);
    for seed in 1..50 {
        let (entry, query) = (direction(seed, 384), noisy(seed, 384));
        let product = |left: &[f32], right: &[f32]| left.iter().zip(right).map(|(a, b)| a * b).sum::<f32>();
        let cosine = product(&entry, &query) / (product(&entry, &entry) * product(&query, &query)).sqrt();
        index.insert(&HERE, 0, &entry).unwrap();
        let found = index.nearest(&HERE, &query, 1).unwrap();
        assert!((found[0].cosine - cosine).abs() < 1e-3, "{found:?} {cosine}");
    }
}

#[test]
fn length_does_not_matter() {
    let index = flat(2);
    index.insert(&HERE, 1, &[3e38, 3e38]).unwrap();
    index.insert(&HERE, 2, &[1e-40, -1e-40]).unwrap();
    let found = index.nearest(&HERE, &[1e-44, 1e-44], 2).unwrap();
    assert_eq!(ids(&found), [1, 2]);
    assert!((found[0].cosine - 1.0).abs() < 1e-5);
}

#[test]
fn a_replaced_entry_is_found_only_where_it_is_now() {
    for index in [flat(3), cells(3)] {
        index.insert(&HERE, 1, &[1.0, 0.0, 0.0]).unwrap();
        index.insert(&HERE, 1, &[0.0, 1.0, 0.0]).unwrap();
        let found = index.nearest(&HERE, &[1.0, 0.0, 0.0], 5).unwrap();
        assert_eq!(found, [Near { id: 1, cosine: 0.0 }]);
        index.insert(&THERE, 1, &[1.0, 0.0, 0.0]).unwrap();
        assert_eq!(index.nearest(&HERE, &[1.0, 0.0, 0.0], 5).unwrap(), []);
        assert_eq!((index.len(), index.scopes()), (1, 1));
    }
}

#[test]
fn a_vector_without_a_direction_or_of_another_dimension_is_refused_and_changes_nothing() {
    let index = flat(2);
    index.insert(&HERE, 1, &[1.0, 0.0]).unwrap();
    let bad = [
        (vec![1.0], IndexError::Dimension { expected: 2, got: 1 }),
        (vec![1.0, 0.0, 0.0], IndexError::Dimension { expected: 2, got: 3 }),
        (vec![f32::NAN, 1.0], IndexError::NotFinite),
        (vec![1.0, f32::INFINITY], IndexError::NotFinite),
        (vec![0.0, -0.0], IndexError::Zero),
    ];
    for (vector, error) in bad {
        assert_eq!(index.insert(&HERE, 1, &vector), Err(error));
        assert_eq!(index.nearest(&HERE, &vector, 1), Err(error));
    }
    assert_eq!(ids(&index.nearest(&HERE, &[1.0, 0.0], 1).unwrap()), [1]);
    assert!(Index::new(Options { dimension: 0, flat_max: 1 }).is_err());
    assert!(Index::new(Options { dimension: 65_537, flat_max: 1 }).is_err());
}

#[test]
fn an_entry_of_another_scope_is_never_found() {
    for index in [flat(16), cells(16)] {
        for id in 0..2000 {
            // The same directions in both scopes.
            index.insert(if id % 2 == 0 { &HERE } else { &THERE }, id, &direction(id / 2, 16)).unwrap();
        }
        for seed in 0..200 {
            let found = index.nearest(&HERE, &direction(seed, 16), 50).unwrap();
            assert_eq!(found.len(), 50);
            assert!(found.iter().all(|near| near.id % 2 == 0));
            let found = index.nearest(&THERE, &direction(seed, 16), 50).unwrap();
            assert!(found.iter().all(|near| near.id % 2 == 1));
        }
        assert_eq!(index.nearest(&[3; 32], &direction(1, 16), 50).unwrap(), []);
    }
}

#[test]
fn entries_of_equal_direction_do_not_overfill_a_cell() {
    let index = cells(4);
    for id in 0..1500 {
        index.insert(&HERE, id, &[1.0, 2.0, 3.0, 4.0]).unwrap();
    }
    let found = index.nearest(&HERE, &[1.0, 2.0, 3.0, 4.0], 3).unwrap();
    assert!(found.iter().all(|near| near.cosine > 0.999), "{found:?}");
    assert!((0..1500).all(|id| index.remove(id)));
    assert_eq!((index.len(), index.scopes()), (0, 0));
}

#[test]
fn a_noisy_copy_finds_its_entry_among_20_000_in_99_of_100_searches() {
    let (index, dimension) = (Index::new(Options { dimension: 128, flat_max: 1000 }).unwrap(), 128);
    for id in 0..20_000 {
        index.insert(&HERE, id, &direction(id, dimension)).unwrap();
    }
    let searches = 400;
    let found = (0..searches).filter(|search| {
        let id = search * 49;
        ids(&index.nearest(&HERE, &noisy(id, dimension), 1).unwrap()) == [id]
    });
    let found = found.count();
    assert!(found >= 396, "{found}");
}

#[test]
fn memory_does_not_grow_when_entries_come_and_go() {
    let (index, held, dimension) = (cells(32), 3000, 32);
    for id in 0..held {
        index.insert(&HERE, id, &direction(id, dimension)).unwrap();
    }
    let bytes = index.bytes();
    for id in held..11 * held {
        index.insert(&HERE, id, &direction(id, dimension)).unwrap();
        assert!(index.remove(id - held));
    }
    assert_eq!(index.len(), 3000);
    assert!(index.bytes() < bytes * 3 / 2, "{} {bytes}", index.bytes());
    for id in (10 * held..11 * held).step_by(7) {
        assert_eq!(ids(&index.nearest(&HERE, &direction(id, dimension), 1).unwrap()), [id]);
    }
    let all = index.nearest(&HERE, &direction(0, dimension), 5000).unwrap();
    assert!(all.iter().all(|near| near.id >= 10 * held));
    assert_eq!(all.len(), 3000);
}

#[test]
fn an_emptied_index_gives_its_memory_back() {
    let index = Index::new(Options { dimension: 32, flat_max: 100 }).unwrap();
    let empty = index.bytes();
    for id in 0..3000 {
        let mut scope = HERE;
        scope[0] = if id < 1000 { 0 } else { u8::try_from(id % 200).unwrap() };
        index.insert(&scope, id, &direction(id, 32)).unwrap();
    }
    assert!(index.bytes() > empty + 3000 * 32);
    for id in 0..3000 {
        assert!(index.remove(id));
    }
    assert!(index.is_empty());
    assert_eq!(index.scopes(), 0);
    assert!(index.bytes() < empty + 20_000, "{} {empty}", index.bytes());
    assert!(!index.remove(5));
}

#[test]
fn entries_may_be_removed_while_others_search() {
    let index = Index::new(Options { dimension: 16, flat_max: 300 }).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        for thread in 0..2 {
            let (index, done) = (&index, &done);
            threads.spawn(move || {
                let mut seed = thread;
                while !done.load(Ordering::Relaxed) {
                    seed += 1;
                    let found = index.nearest(&HERE, &direction(seed % 900, 16), 5).unwrap();
                    assert!(found.iter().all(|near| near.id < 900 && near.cosine.is_finite()));
                }
            });
        }
        let changes = [0, 450].map(|first| {
            let index = &index;
            threads.spawn(move || {
                for _ in 0..3 {
                    for id in first..first + 450 {
                        index.insert(&HERE, id, &direction(id, 16)).unwrap();
                    }
                    for id in first..first + 450 {
                        assert!(index.remove(id));
                        let found = index.nearest(&HERE, &direction(id, 16), 3).unwrap();
                        assert!(!ids(&found).contains(&id));
                    }
                }
            })
        });
        for change in changes {
            change.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!((index.len(), index.scopes()), (0, 0));
}
