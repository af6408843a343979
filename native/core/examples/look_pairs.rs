//! What the verdict sees in pairs of questions, to compare two states of the code or to study one feature.
//!
//! ```text
//! cargo run --release --example look_pairs -- LEXICON WEIGHTS PAIRS.jsonl...
//! ```
//!
//! **Input**: lines with the fields `a` and `b`. No embedding model is needed: a word's token is a direction made from the
//! word's digest, so features and scores are the same everywhere, but mean nothing for words that are not the same. **Output**,
//! a line per pair: file and line, a digest of everything that was found (features bit by bit, score, alignment, reasons), the
//! score, and the features that are not zero. The texts are not printed.
#![allow(clippy::print_stdout, reason = "prints its report")]

use std::error::Error;
use std::fmt::Write;
use std::path::Path;

use isartor_core::semantic::lexicon::Lexicon;
use isartor_core::semantic::tokens::Encoded;
use isartor_core::semantic::verdict::features::NAMES;
use isartor_core::semantic::verdict::{Subject, Verdict, Verifier};
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(lexicon), Some(weights)) = (arguments.next(), arguments.next()) else {
        return Err("usage: look_pairs LEXICON WEIGHTS PAIRS.jsonl...".into());
    };
    let lexicon = Lexicon::new(std::fs::read(lexicon)?).ok_or("no lexicon")?;
    let verifier = Verifier::new(lexicon, &std::fs::read(weights)?).map_err(|error| error.0)?;
    for file in arguments {
        let name = Path::new(&file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for (line, text) in std::fs::read_to_string(&file)?.lines().enumerate() {
            let pair: Value = serde_json::from_str(text)?;
            let read = |field: &str| read(&verifier, pair[field].as_str().unwrap_or_default());
            let (a, b) = (read("a"), read("b"));
            let similarity = a.sentence.iter().zip(&b.sentence).map(|(x, y)| x * y).sum();
            println!("{name}:{} {}", line + 1, report(&verifier.judge(&a, &b, similarity))?);
        }
    }
    Ok(())
}

/// Reads a text with made-up tokens: one per word, the mean of all as its sentence.
fn read(verifier: &Verifier, text: &str) -> Subject {
    let mut spans = Vec::new();
    for word in text.split_whitespace() {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        spans.push((start, start + word.len()));
    }
    let tokens: Vec<f32> =
        spans.iter().flat_map(|(start, end)| direction(&text[*start..*end], verifier.width())).collect();
    let mut sentence = vec![0.0; verifier.width()];
    for token in tokens.chunks_exact(verifier.width()) {
        sentence.iter_mut().zip(token).for_each(|(into, value)| *into += value);
    }
    verifier.read(text, &Encoded { ids: vec![0; spans.len()], spans }, &unit(sentence), &tokens)
}

/// A direction that depends on a word alone.
fn direction(word: &str, width: usize) -> Vec<f32> {
    let mut bytes = vec![0_u8; width];
    blake3::Hasher::new().update(word.to_lowercase().as_bytes()).finalize_xof().fill(&mut bytes);
    unit(bytes.into_iter().map(|byte| f32::from(byte) - 127.5).collect())
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-6);
    for value in &mut vector {
        *value /= length;
    }
    vector
}

fn report(verdict: &Verdict) -> Result<String, std::fmt::Error> {
    let mut hasher = blake3::Hasher::new();
    for feature in &verdict.features {
        hasher.update(&feature.to_bits().to_le_bytes());
    }
    hasher.update(&verdict.score.to_bits().to_le_bytes());
    hasher.update(format!("{:?} {:?}", verdict.words, verdict.reasons).as_bytes());
    let mut line = format!("{} {:+.6}", &hasher.finalize().to_hex()[..16], verdict.score);
    for (name, value) in NAMES.iter().zip(&verdict.features).filter(|(_, value)| **value != 0.0) {
        write!(line, " {name}={value}")?;
    }
    Ok(line)
}
