//! How fast the index answers, and how often it agrees with brute force, on embeddings from files.
//!
//! ```text
//! cargo run --release --example index_vectors -- ENTRIES.f32 QUERIES.f32 DIMENSION
//! ```
//!
//! **Input**: vectors of length 1, single precision, little-endian, one after the other. **Expected answer**: the entry that a
//! scan over the vectors as they are in the file finds. Queries are told apart by the cosine to that entry, for below 0.5
//! nothing is ever proposed. One thread, one query at a time.
#![allow(clippy::print_stdout, reason = "prints its report")]

use std::error::Error;
use std::time::{Duration, Instant};

use isartor_core::semantic::index::{Index, Options, Scope};

const SCOPE: Scope = [7; 32];
/// Bands of cosine, the upper end left out.
const BANDS: [(&str, f32, f32); 4] =
    [("all", -2.0, 2.0), ("0.85 and more", 0.85, 2.0), ("0.5 to 0.85", 0.5, 0.85), ("below 0.5", -2.0, 0.5)];

fn read(path: &str, dimension: usize) -> Result<Vec<Vec<f32>>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    let numbers: Vec<f32> = bytes.as_chunks::<4>().0.iter().copied().map(f32::from_le_bytes).collect();
    Ok(numbers.chunks_exact(dimension).map(<[f32]>::to_vec).collect())
}

fn dot(left: &[f32], right: &[f32]) -> f32 {
    let lanes = left.as_chunks::<16>().0.iter().zip(right.as_chunks::<16>().0);
    let mut sums = [0.0; 16];
    for (left, right) in lanes {
        for lane in 0..16 {
            sums[lane] += left[lane] * right[lane];
        }
    }
    sums.iter().sum()
}

fn nearest(entries: &[Vec<f32>], query: &[f32]) -> (u64, f32) {
    let mut best = (0, f32::MIN);
    for (id, entry) in (0..).zip(entries) {
        let cosine = dot(query, entry);
        if cosine > best.1 {
            best = (id, cosine);
        }
    }
    best
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    sorted[(sorted.len() - 1) * percent / 100].as_secs_f64() * 1e6
}

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [entries, queries, dimension] = arguments.as_slice() else {
        return Err("expected ENTRIES.f32 QUERIES.f32 DIMENSION".into());
    };
    let dimension: usize = dimension.parse()?;
    let (entries, queries) = (read(entries, dimension)?, read(queries, dimension)?);
    if dimension == 0 || !dimension.is_multiple_of(16) || entries.is_empty() || queries.is_empty() {
        return Err("expected vectors, of a dimension that 16 divides".into());
    }
    let index = Index::new(Options { dimension, ..Options::default() })?;
    let start = Instant::now();
    for (id, entry) in (0..).zip(&entries) {
        index.insert(&SCOPE, id, entry)?;
    }
    println!(
        "{} read entries: {:.1} us per insertion, {:.0} bytes per entry",
        entries.len(),
        start.elapsed().as_secs_f64() * 1e6 / entries.len() as f64,
        index.bytes() as f64 / entries.len() as f64,
    );
    let mut found = Vec::with_capacity(queries.len());
    for query in &queries {
        let start = Instant::now();
        let near = index.nearest(&SCOPE, query, 1)?;
        found.push((start.elapsed(), near.first().map(|near| near.id)));
    }
    let expected: Vec<(u64, f32)> = queries.iter().map(|query| nearest(&entries, query)).collect();
    for (name, from, to) in BANDS {
        let band = || found.iter().zip(&expected).filter(|(_, (_, cosine))| (from..to).contains(cosine));
        let mut times: Vec<Duration> = band().map(|((time, _), _)| *time).collect();
        if times.is_empty() {
            continue;
        }
        times.sort_unstable();
        // Two entries that are equally near are both right.
        let same = |id: u64, query: &[f32], cosine: f32| {
            usize::try_from(id).is_ok_and(|at| dot(query, &entries[at]) >= cosine - f32::EPSILON * 4.0)
        };
        let agreed = found
            .iter()
            .zip(&expected)
            .zip(&queries)
            .filter(|((_, (_, cosine)), _)| (from..to).contains(cosine))
            .filter(|(((_, near), (_, cosine)), query)| near.is_some_and(|id| same(id, query, *cosine)))
            .count();
        println!(
            "  {name}: agree {:.4}, p50 {:.0} us, p99 {:.0} us, queries {}",
            agreed as f64 / times.len() as f64,
            percentile(&times, 50),
            percentile(&times, 99),
            times.len(),
        );
    }
    Ok(())
}
