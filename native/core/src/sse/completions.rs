//! Replies of `POST /v1/completions`.
//! Source: <https://platform.openai.com/docs/api-reference/completions>.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::merge::{count, items, join_member, text};
use super::{Object, Surface, Unstorable, openai, write};

pub(super) const SURFACE: Surface =
    Surface { judge, usage: openai::usage, assemble: Some(assemble), synthesise: Some(synthesise) };

/// The finish reasons of a complete reply.
const FINISHED: [&str; 2] = ["stop", "length"];

// --- judge ---

fn judge(reply: &Object) -> Result<(), Unstorable> {
    openai::judge(reply)?;
    for choice in items(reply, "choices") {
        let Value::Object(choice) = choice else { return Err(Unstorable::Malformed("choices")) };
        openai::judge_finish(choice, &FINISHED)?;
        if text(choice, "text").is_none() {
            return Err(Unstorable::Malformed("choices.text"));
        }
    }
    Ok(())
}

// --- assemble ---

fn assemble(stream: &[u8]) -> Result<Object, Unstorable> {
    let mut outer = Object::new();
    let mut choices: BTreeMap<u64, Object> = BTreeMap::new();
    openai::chunks(stream, |chunk| {
        for choice in openai::take_chunk(&mut outer, chunk) {
            let Value::Object(choice) = choice else { return Err(Unstorable::Malformed("choices")) };
            let index = count(&choice, "index");
            let whole = choices.entry(index).or_insert_with(|| {
                Object::from_iter([("text".to_owned(), "".into()), ("index".to_owned(), index.into())])
            });
            for (name, value) in choice {
                match name.as_str() {
                    "index" => {}
                    "text" | "logprobs" => join_member(whole, name, value),
                    _ => openai::take_choice_member(whole, name, value),
                }
            }
        }
        Ok(())
    })?;
    Ok(openai::put_together("text_completion", outer, choices.into_values().map(Value::Object).collect()))
}

// --- synthesise ---

fn synthesise(reply: &Object, include_usage: bool) -> Vec<u8> {
    let mut chunks = openai::Chunks::new(reply, "text_completion", include_usage);
    for (position, choice) in items(reply, "choices").iter().enumerate() {
        let Some(choice) = choice.as_object() else { continue };
        let index = choice.get("index").cloned().unwrap_or_else(|| position.into());
        let mut logprobs = choice.get("logprobs").cloned().unwrap_or_default();
        for piece in write::pieces(text(choice, "text").unwrap_or_default()) {
            let logprobs = logprobs.take();
            chunks
                .choice(&json!({"text": piece, "index": index, "logprobs": logprobs, "finish_reason": null}));
        }
        let mut closing = choice.clone();
        closing.extend([
            ("text".to_owned(), "".into()),
            ("index".to_owned(), index),
            ("logprobs".to_owned(), logprobs),
        ]);
        chunks.choice(&Value::Object(closing));
    }
    chunks.end()
}
