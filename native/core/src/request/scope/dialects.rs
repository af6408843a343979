//! What each surface's request may hold and still match semantically: the one list of known members.
//!
//! Names as the official APIs have them. A parameter that cannot bring in anything but text is [`Takes::Free`]: it stays
//! in the scope, so its value need not be understood. A name that stands in no table is refused.

use super::Refused;

/// What the value of a known member may be.
#[derive(Clone, Copy)]
pub enum Takes {
    /// Anything: it stays in the scope.
    Free,
    /// `null` or an empty array; anything else is refused with this token.
    Unset(Refused),
    /// A string.
    Text,
    /// A list of modalities, text only.
    TextOnly,
    /// A string or text parts.
    System,
    /// Gemini's content object, of text parts.
    Content,
    /// An object of these members.
    Members(Table),
}

/// Names and what their values may be; at most 64.
pub type Table = &'static [(&'static str, Takes)];

/// How a surface spells its bodies.
pub struct Dialect {
    /// Members of the body, besides those that are dropped from every key.
    pub root: Table,
    /// The member that holds the turns.
    pub turns: &'static str,
    /// Members of a turn.
    pub turn: Table,
    /// The member of a turn that holds its parts.
    pub content: &'static str,
    /// Members of a part.
    pub part: Table,
    /// The types of a plain text part; none: parts have no type.
    pub types: &'static [&'static str],
    /// Who may speak in a turn.
    pub roles: &'static [&'static str],
    /// Whether names may be written in snake case too, and a turn without a role is the user's.
    pub protobuf: bool,
}

use Takes::{Content, Free, Members, System, Text, TextOnly, Unset};

/// Who may speak, but for Gemini.
const TURN_ROLES: &[&str] = &["user", "assistant", "system", "developer"];

pub const CHAT: Dialect = Dialect {
    root: &[
        ("model", Free),
        ("messages", Free),
        ("frequency_penalty", Free),
        ("logit_bias", Free),
        ("logprobs", Free),
        ("max_completion_tokens", Free),
        ("max_tokens", Free),
        ("metadata", Free),
        ("min_p", Free),
        ("n", Free),
        ("presence_penalty", Free),
        ("prompt_cache_retention", Free),
        ("reasoning", Free),
        ("reasoning_effort", Free),
        ("repetition_penalty", Free),
        ("response_format", Free),
        ("safety_identifier", Free),
        ("seed", Free),
        ("stop", Free),
        ("temperature", Free),
        ("thinking", Free),
        ("top_k", Free),
        ("top_logprobs", Free),
        ("top_p", Free),
        ("verbosity", Free),
        ("modalities", TextOnly),
        ("audio", Unset("not-text")),
        ("tools", Unset("tools")),
        ("tool_choice", Unset("tools")),
        ("parallel_tool_calls", Unset("tools")),
        ("functions", Unset("tools")),
        ("function_call", Unset("tools")),
        ("web_search_options", Unset("tools")),
        ("prediction", Unset("parameters")),
    ],
    turns: "messages",
    content: "content",
    turn: &[
        ("role", Text),
        ("content", Free),
        ("name", Text),
        ("cache_control", Free),
        ("tool_calls", Unset("tools")),
        ("tool_call_id", Unset("tools")),
        ("function_call", Unset("tools")),
        ("refusal", Unset("not-text")),
        ("audio", Unset("not-text")),
        ("annotations", Unset("not-text")),
    ],
    part: &[("type", Text), ("text", Text), ("cache_control", Free)],
    types: &["text"],
    roles: TURN_ROLES,
    protobuf: false,
};

pub const RESPONSES: Dialect = Dialect {
    root: &[
        ("model", Free),
        ("input", Free),
        ("instructions", System),
        ("max_output_tokens", Free),
        ("metadata", Free),
        ("prompt_cache_retention", Free),
        ("reasoning", Free),
        ("safety_identifier", Free),
        ("temperature", Free),
        ("text", Free),
        ("top_logprobs", Free),
        ("top_p", Free),
        ("truncation", Free),
        ("tools", Unset("tools")),
        ("tool_choice", Unset("tools")),
        ("parallel_tool_calls", Unset("tools")),
        ("max_tool_calls", Unset("tools")),
        ("include", Unset("parameters")),
        ("previous_response_id", Unset("parameters")),
        ("conversation", Unset("parameters")),
        ("prompt", Unset("parameters")),
        ("background", Unset("parameters")),
    ],
    turns: "input",
    content: "content",
    turn: &[
        ("type", Text),
        ("role", Text),
        ("content", Free),
        ("id", Free),
        ("status", Free),
        ("cache_control", Free),
    ],
    part: &[
        ("type", Text),
        ("text", Text),
        ("cache_control", Free),
        ("annotations", Unset("not-text")),
        ("logprobs", Unset("not-text")),
    ],
    types: &["input_text", "output_text"],
    roles: TURN_ROLES,
    protobuf: false,
};

pub const MESSAGES: Dialect = Dialect {
    root: &[
        ("model", Free),
        ("messages", Free),
        ("max_tokens", Free),
        ("metadata", Free),
        ("output_config", Free),
        ("output_format", Free),
        ("stop_sequences", Free),
        ("system", System),
        ("temperature", Free),
        ("thinking", Free),
        ("top_k", Free),
        ("top_p", Free),
        ("tools", Unset("tools")),
        ("tool_choice", Unset("tools")),
        ("mcp_servers", Unset("tools")),
        ("container", Unset("tools")),
        ("context_management", Unset("parameters")),
    ],
    turns: "messages",
    content: "content",
    turn: &[("role", Text), ("content", Free), ("cache_control", Free)],
    part: &[("type", Text), ("text", Text), ("cache_control", Free), ("citations", Unset("not-text"))],
    types: &["text"],
    roles: TURN_ROLES,
    protobuf: false,
};

pub const GENERATE: Dialect = Dialect {
    root: &[
        ("model", Free),
        ("contents", Free),
        ("generationConfig", Members(GENERATION)),
        ("safetySettings", Free),
        ("systemInstruction", Content),
        ("tools", Unset("tools")),
        ("toolConfig", Unset("tools")),
        ("cachedContent", Unset("parameters")),
    ],
    turns: "contents",
    content: "parts",
    turn: &[("role", Text), ("parts", Free)],
    part: &[
        ("text", Text),
        ("functionCall", Unset("tools")),
        ("functionResponse", Unset("tools")),
        ("executableCode", Unset("tools")),
        ("codeExecutionResult", Unset("tools")),
    ],
    types: &[],
    roles: &["user", "model"],
    protobuf: true,
};

const GENERATION: Table = &[
    ("candidateCount", Free),
    ("frequencyPenalty", Free),
    ("logprobs", Free),
    ("maxOutputTokens", Free),
    ("presencePenalty", Free),
    ("responseJsonSchema", Free),
    ("responseLogprobs", Free),
    ("responseMimeType", Free),
    ("responseSchema", Free),
    ("seed", Free),
    ("stopSequences", Free),
    ("temperature", Free),
    ("thinkingConfig", Free),
    ("topK", Free),
    ("topP", Free),
    ("responseModalities", TextOnly),
    ("speechConfig", Unset("not-text")),
];

/// The native surface has one prompt and no turns.
pub const NATIVE: Dialect = Dialect {
    root: &[("model", Free), ("prompt", Free)],
    turns: "prompt",
    content: "",
    turn: &[],
    part: &[],
    types: &[],
    roles: &[],
    protobuf: false,
};
