//! scratch
use isartor_core::usage::{line, rollup::Rollup};
use std::time::Instant;
fn main() {
    let data = std::fs::read("/tmp/usage_bench.jsonl").unwrap();
    for _ in 0..3 {
        let t = Instant::now();
        let n = memchr::memchr_iter(b'\n', &data).count();
        println!("lines {n} {:?}", t.elapsed());
        let t = Instant::now();
        let mut start = 0; let mut sum = 0;
        for end in memchr::memchr_iter(b'\n', &data) { sum += line::read(&data[start..end]).map_or(0, |l| l.input); start = end + 1; }
        println!("parse {sum} {:?}", t.elapsed());
        let t = Instant::now();
        let mut r = Rollup::default(); r.feed(&data);
        println!("all {:?}", t.elapsed());
    }
}
