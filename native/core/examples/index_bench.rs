//! How fast the index answers, how often it agrees with brute force, and what an entry takes.
//!
//! ```text
//! cargo run --release --example index_bench -- ENTRIES [random|clustered] [QUERIES]
//! ```
//!
//! **Input**: unit vectors of 384 components, made from a fixed seed; `random`: uniform on the sphere; `clustered`: about 50
//! around each of ENTRIES / 50 centres at a cosine of about 0.8 to theirs, plus a part common to all, as sentence embeddings
//! have it. Queries are copies of an entry with noise (the cosine to that entry is in the line's name), and `unrelated`:
//! drawn like a centre, so near to no entry. **Expected answer**: the entry that a scan in single precision over the
//! vectors before quantisation finds, counted in `agree`. One thread, one query at a time.
#![allow(clippy::print_stdout, reason = "prints its report")]

use std::error::Error;
use std::time::{Duration, Instant};

use isartor_core::semantic::index::{Index, Options, Scope};

const DIMENSION: usize = 384;
const SCOPE: Scope = [7; 32];
const OTHER: u64 = 1 << 40;

/// xorshift64*: the same numbers everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    #[allow(clippy::cast_possible_truncation, reason = "below a usize")]
    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Near enough to a normal distribution: the sum of eight uniform ones.
    fn normal(&mut self) -> f32 {
        let sum: u16 = self.next().to_le_bytes().into_iter().map(u16::from).sum();
        f32::from(sum) - 1020.0
    }

    fn direction(&mut self) -> Vec<f32> {
        unit((0..DIMENSION).map(|_| self.normal()).collect())
    }

    /// A direction at about this cosine to another.
    fn near(&mut self, to: &[f32], cosine: f32) -> Vec<f32> {
        let noise = self.direction();
        add(to, cosine, &noise, (1.0 - cosine * cosine).sqrt())
    }
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = dot(&vector, &vector).sqrt();
    for component in &mut vector {
        *component /= length;
    }
    vector
}

fn add(left: &[f32], weight: f32, right: &[f32], other: f32) -> Vec<f32> {
    unit(left.iter().zip(right).map(|(left, right)| left * weight + right * other).collect())
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

/// Makes the same vectors again and again, so that a million need not be kept in single precision.
struct Source {
    centres: Vec<Vec<f32>>,
    common: Vec<f32>,
}

impl Source {
    fn new(clustered: bool, entries: usize) -> Self {
        let mut random = Random(0x1234_5678_9ABC_DEF1);
        let centres = if clustered { (entries / 50).max(1) } else { 0 };
        Self { common: random.direction(), centres: (0..centres).map(|_| random.direction()).collect() }
    }

    fn entry(&self, id: usize) -> Vec<f32> {
        let mut random = Random((id as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        random.next();
        if self.centres.is_empty() {
            return random.direction();
        }
        let centre = random.below(self.centres.len());
        add(&random.near(&self.centres[centre], 0.8), 1.0, &self.common, 0.3)
    }

    fn unrelated(&self, random: &mut Random) -> Vec<f32> {
        let direction = random.direction();
        if self.centres.is_empty() { direction } else { add(&direction, 1.0, &self.common, 0.3) }
    }
}

/// What a scan over all entries finds for each query.
fn scan(source: &Source, entries: usize, queries: &[Vec<f32>]) -> Vec<u64> {
    let mut best = vec![(0, f32::MIN); queries.len()];
    for id in 0..entries {
        let entry = source.entry(id);
        for (query, best) in queries.iter().zip(&mut best) {
            let cosine = dot(query, &entry);
            if cosine > best.1 {
                *best = (id as u64, cosine);
            }
        }
    }
    best.into_iter().map(|(id, _)| id).collect()
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    sorted[(sorted.len() - 1) * percent / 100].as_secs_f64() * 1e6
}

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let entries: usize = arguments.first().map_or(Ok(100_000), |text| text.parse())?;
    let clustered = arguments.get(1).is_some_and(|kind| kind == "clustered");
    let count: usize = arguments.get(2).map_or(Ok(200), |text| text.parse())?;
    let source = Source::new(clustered, entries);
    let index = Index::new(Options { dimension: DIMENSION, ..Options::default() })?;

    let mut spent = Duration::ZERO;
    let mut longest = Duration::ZERO;
    for id in 0..entries {
        let entry = source.entry(id);
        let start = Instant::now();
        index.insert(&SCOPE, id as u64, &entry)?;
        longest = longest.max(start.elapsed());
        spent += start.elapsed();
    }
    println!(
        "{entries} {} entries: {:.1} us per insertion (longest {:.1} ms), {:.0} bytes per entry",
        if clustered { "clustered" } else { "random" },
        spent.as_secs_f64() * 1e6 / entries as f64,
        longest.as_secs_f64() * 1e3,
        index.bytes() as f64 / entries as f64,
    );

    let mut random = Random(0xFEDC_BA98_7654_3211);
    let kinds = [("0.95", 0.95), ("0.85", 0.85), ("0.70", 0.7), ("unrelated", 0.0)];
    let mut queries = Vec::new();
    for (_, cosine) in kinds {
        for _ in 0..count {
            let entry = source.entry(random.below(entries));
            queries.push(if cosine > 0.0 {
                random.near(&entry, cosine)
            } else {
                source.unrelated(&mut random)
            });
        }
    }
    let expected = scan(&source, entries, &queries);
    for (at, (name, _)) in kinds.iter().enumerate() {
        let part = at * count..(at + 1) * count;
        let mut times = Vec::with_capacity(count);
        let mut agreed = 0;
        for (query, expected) in queries[part.clone()].iter().zip(&expected[part]) {
            let start = Instant::now();
            let found = index.nearest(&SCOPE, query, 1)?;
            times.push(start.elapsed());
            agreed += usize::from(found.first().is_some_and(|near| near.id == *expected));
        }
        times.sort_unstable();
        println!(
            "  {name:>9}: agree {:.3}, p50 {:.0} us, p99 {:.0} us",
            agreed as f64 / count as f64,
            percentile(&times, 50),
            percentile(&times, 99)
        );
    }

    let before = index.bytes();
    let singles = 10_000_u64;
    for id in 0..singles {
        let mut scope = SCOPE;
        scope[..8].copy_from_slice(&(id + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
        index.insert(&scope, OTHER + id, &source.common)?;
    }
    println!("  scopes of one entry: {:.0} bytes each", (index.bytes() - before) as f64 / singles as f64);
    Ok(())
}
