//! Replies that are never streamed: embeddings and token counts.

use serde_json::Value;

use super::merge::items;
use super::{Object, Surface, Unstorable, openai};

/// `POST /v1/embeddings`
pub(super) const EMBEDDINGS: Surface =
    Surface { judge: judge_embeddings, usage: openai::usage, assemble: None, synthesise: None };

/// `POST /v1/messages/count_tokens`
pub(super) const COUNT_TOKENS: Surface = Surface {
    judge: |reply| judge_count(reply, "input_tokens"),
    usage: |_| None,
    assemble: None,
    synthesise: None,
};

/// Gemini `:countTokens`
pub(super) const GEMINI_COUNT: Surface = Surface {
    judge: |reply| judge_count(reply, "totalTokens"),
    usage: |_| None,
    assemble: None,
    synthesise: None,
};

/// An embedding is an array of numbers, or their bytes in base64.
fn judge_embeddings(reply: &Object) -> Result<(), Unstorable> {
    let data = items(reply, "data");
    let whole = |item: &Value| match item.get("embedding") {
        Some(Value::Array(numbers)) => !numbers.is_empty(),
        Some(Value::String(base64)) => !base64.is_empty(),
        _ => false,
    };
    if !data.is_empty() && data.iter().all(whole) { Ok(()) } else { Err(Unstorable::Malformed("data")) }
}

fn judge_count(reply: &Object, name: &'static str) -> Result<(), Unstorable> {
    reply.get(name).filter(|count| count.is_u64()).map(|_| ()).ok_or(Unstorable::Malformed(name))
}
