//! The wire operations that clients call, and the surfaces (client-facing API formats) they belong to.

/// One wire operation: what decides how a body is read and a reply is rebuilt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Endpoint {
    /// `POST /v1/chat/completions`
    Chat,
    /// `POST /v1/completions`
    Completions,
    /// `POST /v1/embeddings`
    Embeddings,
    /// `POST /v1/responses`
    Responses,
    /// `POST /v1/messages`
    Messages,
    /// `POST /v1/messages/count_tokens`
    CountTokens,
    /// Gemini `:generateContent`, and `:streamGenerateContent` as the same operation asked for as a stream
    Generate,
    /// Gemini `:countTokens`
    GeminiCount,
    /// `POST /api/chat`
    Native,
}

/// Every endpoint, in the order of the enum; the position is the number that crosses to Python.
pub const ALL: [Endpoint; 9] = [
    Endpoint::Chat,
    Endpoint::Completions,
    Endpoint::Embeddings,
    Endpoint::Responses,
    Endpoint::Messages,
    Endpoint::CountTokens,
    Endpoint::Generate,
    Endpoint::GeminiCount,
    Endpoint::Native,
];

impl Endpoint {
    /// The name used in Python, statistics and cache keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
            Self::Responses => "responses",
            Self::Messages => "messages",
            Self::CountTokens => "count_tokens",
            Self::Generate => "generate",
            Self::GeminiCount => "gemini_count",
            Self::Native => "native",
        }
    }

    /// The endpoint of that name, if there is one.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        ALL.into_iter().find(|endpoint| endpoint.name() == name)
    }

    /// Whose API it belongs to, in statistics.
    #[must_use]
    pub const fn family(self) -> &'static str {
        match self {
            Self::Responses => "openai",
            other => other.namespace(),
        }
    }

    /// The namespace of the surface; Cursor and Kiro override it by their headers.
    #[must_use]
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::Chat | Self::Completions | Self::Embeddings => "openai",
            Self::Responses => "responses",
            Self::Messages | Self::CountTokens => "anthropic",
            Self::Generate | Self::GeminiCount => "gemini",
            Self::Native => "native",
        }
    }
}
