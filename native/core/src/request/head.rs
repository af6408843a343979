//! What a request's headers say: who asks, from where, in which scope, and how the cache may be used.
//!
//! Read once, before the body. **Cost**: one pass over the headers, each matched by name; nothing is copied but the few
//! values that count.

use subtle::ConstantTimeEq as _;

use crate::endpoint::Endpoint;

/// A client that is treated specially because of what it sends (`volatile`, `Scope::session`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Client {
    /// Claude Code
    Claude,
    /// Codex
    Codex,
    /// GitHub Copilot CLI
    Copilot,
    /// Gemini CLI
    Gemini,
    /// opencode
    Opencode,
    /// Everybody else
    #[default]
    Other,
}

/// The tool's name by the start (or a part) of its user agent, in the order of the reference product.
const TOOLS: &[(&str, &str)] = &[
    ("claude-code", "claude-code"),
    ("claude-cli", "claude-code"),
    ("claudecode", "claude-code"),
    ("copilot", "copilot"),
    ("github-copilot", "copilot"),
    ("githubcopilot", "copilot"),
    ("cursor", "cursor"),
    ("codex", "codex"),
    ("gemini-cli", "gemini-cli"),
    ("gemini_cli", "gemini-cli"),
    ("geminicli", "gemini-cli"),
    ("openclaw", "openclaw"),
    ("opencode", "opencode"),
    ("windsurf", "windsurf"),
    ("zed", "zed"),
    ("cline", "cline"),
    ("roo-code", "roo-code"),
    ("roocode", "roo-code"),
    ("aider", "aider"),
    ("continue", "continue"),
    ("curl", "curl"),
    ("httpie", "httpie"),
    ("openai/", "openai-sdk"),
    ("asyncopenai/", "openai-sdk"),
    ("anthropic/", "anthropic-sdk"),
    ("asyncanthropic/", "anthropic-sdk"),
    ("google-genai-sdk", "google-genai-sdk"),
];

/// Headers that may change the provider's answer and so belong to the key: all that a provider gives a meaning to,
/// known or not…
const KEYED: &[&str] =
    &["anthropic-", "openai-", "x-openai-", "x-openrouter-", "x-codex-beta-features", "accept-language"];

/// …but those that never reach it.
const NOT_KEYED: &[&str] =
    &["anthropic-api-key", "anthropic-dangerous-direct-browser-access", "openai-api-key"];

/// Session headers that name a scope, whoever sends them…
const SCOPES: &[&str] = &["x-thread-id", "x-session-id", "x-conversation-id"];

/// …and those in which known agents put an id made up per process.
const AGENT_SCOPES: &[&str] = &["x-claude-code-session-id", "session-id", "thread-id", "x-session-affinity"];

/// Whether the gate lets the request in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Verdict {
    /// In.
    Welcome,
    /// A key is required and none was sent.
    NoKey,
    /// The key sent is not one of ours.
    WrongKey,
    /// A browser sends this for a page of another origin.
    ForeignOrigin,
    /// The Host header is none of ours: a rebound DNS name.
    ForeignHost,
}

/// The gate's part of the configuration.
#[derive(Debug, Default)]
pub struct Gate {
    /// The gateway key and the tenant it stands for; none: everybody is the same tenant.
    pub keys: Vec<(Vec<u8>, [u8; 16])>,
    /// Host names (lower case, without port) that are ours; empty: any.
    pub hosts: Vec<String>,
    /// Whether any IP address is ours as well (a rebound name is never an address).
    pub any_address: bool,
    /// Origins (lower case) that may call from a browser, besides our own.
    pub origins: Vec<String>,
    /// Whether ids that agents make up per process are scopes.
    pub scope_agent_sessions: bool,
}

/// How the client wants the cache to be used (RFC 9111, section 5.2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Directives {
    /// `no-store`: keep nothing of this exchange.
    pub no_store: bool,
    /// `no-cache`: do not answer from the store.
    pub no_cache: bool,
    /// `only-if-cached`: do not ask the provider.
    pub only_if_cached: bool,
    /// `max-age`: nothing older than this, in seconds.
    pub max_age: Option<u64>,
}

/// What the headers said.
#[derive(Debug, Clone)]
pub struct Head {
    /// The operation asked for.
    pub endpoint: Endpoint,
    /// Whether the gate lets it in.
    pub verdict: Verdict,
    /// Who it is, as far as rules depend on it.
    pub client: Client,
    /// Who it is, for statistics.
    pub tool: &'static str,
    /// The cache namespace.
    pub namespace: &'static str,
    /// Whose entries it may see.
    pub tenant: [u8; 16],
    /// The cache directives.
    pub directives: Directives,
    /// Scope beyond the body, length-prefixed: session headers, keyed headers, query, the path's model.
    pub scope: Vec<u8>,
    /// The model named in the path (Gemini), after aliases.
    pub path_model: Option<String>,
    /// Whether the path asks for a stream (Gemini).
    pub path_stream: bool,
    /// Whether a stream is to be server-sent events (Gemini without `alt=sse` sends a JSON array).
    pub sse: bool,
    /// `content-length`, if sent and a number.
    pub content_length: Option<u64>,
    /// `content-encoding` other than identity.
    pub encoding: Option<String>,
    /// A usable id sent as `x-request-id`.
    pub request_id: Option<String>,
    /// Whether the client itself calls this a retry.
    pub retried: bool,
}

/// What the path said, besides the endpoint.
#[derive(Debug, Clone, Copy, Default)]
pub struct PathInfo<'a> {
    /// The model in the path, after aliases.
    pub model: Option<&'a str>,
    /// Whether the path asks for a stream.
    pub stream: bool,
    /// Whether the key may come in the query or as `x-goog-api-key` (Gemini paths).
    pub google_key: bool,
    /// Whether no key is asked for.
    pub open: bool,
}

impl Gate {
    /// Reads the headers; names must be in lower case.
    pub fn read<'h, I>(&self, endpoint: Endpoint, path: PathInfo<'_>, query: &str, headers: I) -> Head
    where
        I: Iterator<Item = (&'h str, &'h str)>,
    {
        let mut head = Head {
            endpoint,
            verdict: Verdict::Welcome,
            client: Client::Other,
            tool: "unknown",
            namespace: endpoint.namespace(),
            tenant: [0; 16],
            directives: Directives::default(),
            scope: Vec::new(),
            path_model: path.model.map(str::to_owned),
            path_stream: path.stream,
            sse: true,
            content_length: None,
            encoding: None,
            request_id: None,
            retried: false,
        };
        let mut found = Found::default();
        for (name, value) in headers {
            found.take(&mut head, name, value);
        }
        found.query(&mut head, query, path);
        head.verdict = self.verdict(&mut head, &found, path);
        self.scope(&mut head, &found, path);
        head
    }

    fn verdict(&self, head: &mut Head, found: &Found<'_>, path: PathInfo<'_>) -> Verdict {
        let host = found.host.map(host_name);
        if let Some(host) = host
            && !self.knows(host)
        {
            return Verdict::ForeignHost;
        }
        // A listed origin is another site by nature; only where none is told, the browser's word on the site counts.
        if found.origin.map_or(found.cross_site, |origin| !self.is_ours(origin, found.host)) {
            return Verdict::ForeignOrigin;
        }
        if self.keys.is_empty() || path.open {
            return Verdict::Welcome;
        }
        let sent = [
            found.api_key,
            found.bearer,
            if path.google_key { found.google_key.or(found.query_key.as_deref()) } else { None },
        ];
        let mut verdict = Verdict::NoKey;
        for key in sent.into_iter().flatten() {
            verdict = Verdict::WrongKey;
            let mut tenant = None;
            // Every key is compared, whichever fits, so that time tells nothing.
            for (ours, id) in &self.keys {
                if bool::from(ours.as_slice().ct_eq(key.as_bytes())) {
                    tenant = Some(*id);
                }
            }
            if let Some(id) = tenant {
                head.tenant = id;
                return Verdict::Welcome;
            }
        }
        verdict
    }

    fn knows(&self, host: &str) -> bool {
        self.hosts.is_empty()
            || self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host))
            || (self.any_address && host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok())
    }

    fn is_ours(&self, origin: &str, host: Option<&str>) -> bool {
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        authority.is_some_and(|authority| host.is_some_and(|host| host.eq_ignore_ascii_case(authority)))
            || self.origins.iter().any(|ours| ours.eq_ignore_ascii_case(origin))
    }

    fn scope(&self, head: &mut Head, found: &Found<'_>, path: PathInfo<'_>) {
        let agent = matches!(head.client, Client::Claude | Client::Codex | Client::Opencode);
        let mut add = |name: &str, value: &str| {
            for part in [name, value] {
                head.scope.extend_from_slice(&(part.len() as u64).to_le_bytes());
                head.scope.extend_from_slice(part.as_bytes());
            }
        };
        for (name, value) in &found.scopes {
            let counts = match *name {
                "x-isartor-session-id" => true,
                name if SCOPES.contains(&name) => !agent || self.scope_agent_sessions,
                _ => agent && self.scope_agent_sessions,
            };
            if counts {
                add(name, value);
            }
        }
        for (name, value) in &found.keyed {
            add(name, value);
        }
        if !found.query_rest.is_empty() {
            add("?", &found.query_rest);
        }
        if let Some(model) = path.model {
            add("model", model);
        }
    }
}

#[derive(Default)]
struct Found<'h> {
    host: Option<&'h str>,
    origin: Option<&'h str>,
    cross_site: bool,
    api_key: Option<&'h str>,
    bearer: Option<&'h str>,
    google_key: Option<&'h str>,
    query_key: Option<String>,
    query_rest: String,
    scopes: Vec<(&'h str, &'h str)>,
    keyed: Vec<(&'h str, &'h str)>,
}

impl<'h> Found<'h> {
    fn take(&mut self, head: &mut Head, name: &'h str, value: &'h str) {
        match name {
            "host" => self.host = Some(value),
            "origin" => self.origin = Some(value),
            "sec-fetch-site" => self.cross_site = !matches!(value, "none" | "same-origin"),
            "x-api-key" => self.api_key = Some(value),
            "authorization" => {
                self.bearer = value
                    .split_once(' ')
                    .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
                    .map(|(_, key)| key.trim());
            }
            "x-goog-api-key" => self.google_key = Some(value),
            "user-agent" => identify(head, value),
            "originator" if value.starts_with("codex") => claim(head, Client::Codex, "codex"),
            "x-initiator" | "x-interaction-type" => claim(head, Client::Copilot, "copilot"),
            "x-claude-code-session-id" => {
                claim(head, Client::Claude, "claude-code");
                self.scopes.push((name, value));
            }
            "x-cursor-checksum" | "x-cursor-client-version" | "x-ghost-mode" => {
                head.namespace = "cursor";
                head.tool = "cursor";
            }
            "x-kiro-version" | "x-kiro-client-id" => {
                head.namespace = "kiro";
                head.tool = "kiro";
            }
            "cache-control" => head.directives.read(value),
            "content-length" => head.content_length = value.parse().ok(),
            "content-encoding" if !value.eq_ignore_ascii_case("identity") => {
                head.encoding = Some(value.to_owned());
            }
            "x-stainless-retry-count" => head.retried = value != "0",
            "x-request-id" if is_id(value) => head.request_id = Some(value.to_owned()),
            // An empty value names no session.
            "x-isartor-session-id" if !value.is_empty() => self.scopes.push((name, value)),
            _ if value.is_empty() => {}
            _ if SCOPES.contains(&name) || AGENT_SCOPES.contains(&name) => {
                self.scopes.push((name, value));
            }
            _ if KEYED.iter().any(|start| name.starts_with(start)) && !NOT_KEYED.contains(&name) => {
                self.keyed.push((name, value));
            }
            _ => {}
        }
    }

    fn query(&mut self, head: &mut Head, query: &str, path: PathInfo<'_>) {
        let mut sse = false;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "key" if path.google_key => self.query_key = Some(percent_decoded(value)),
                "alt" | "$alt" if path.google_key => sse = value == "sse",
                // The Anthropic SDKs' beta methods; what it changes, `anthropic-beta` says.
                "beta" if head.endpoint.namespace() == "anthropic" => {}
                _ => {
                    self.query_rest.push_str(pair);
                    self.query_rest.push('&');
                }
            }
        }
        head.sse = sse || !path.google_key;
        // The order of headers means nothing, their values do.
        self.scopes.sort_unstable();
        self.keyed.sort_unstable();
    }
}

impl Directives {
    fn read(&mut self, value: &str) {
        for directive in value.split(',') {
            let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-store" => self.no_store = true,
                "no-cache" => self.no_cache = true,
                "only-if-cached" => self.only_if_cached = true,
                // An argument that cannot be read allows nothing (RFC 9111, section 4.2.1).
                "max-age" => self.max_age = Some(argument.trim().trim_matches('"').parse().unwrap_or(0)),
                _ => {}
            }
        }
    }
}

fn claim(head: &mut Head, client: Client, tool: &'static str) {
    head.client = client;
    head.tool = tool;
}

fn identify(head: &mut Head, agent: &str) {
    let mut lower = [0_u8; 160];
    let length = agent.len().min(lower.len());
    lower[..length].copy_from_slice(&agent.as_bytes()[..length]);
    lower[..length].make_ascii_lowercase();
    let lower = &lower[..length];
    let tool = TOOLS.iter().find(|(mark, _)| lower.starts_with(mark.as_bytes())).or_else(|| {
        TOOLS
            .iter()
            .find(|(mark, _)| mark.len() > 3 && memchr::memmem::find(lower, mark.as_bytes()).is_some())
    });
    let Some((_, tool)) = tool else { return };
    // A header that only one client sends is surer than its user agent, in whatever order they come.
    if head.client == Client::Other && head.tool == "unknown" {
        head.tool = tool;
        head.client = match *tool {
            "claude-code" => Client::Claude,
            "codex" => Client::Codex,
            "copilot" => Client::Copilot,
            "gemini-cli" => Client::Gemini,
            "opencode" => Client::Opencode,
            _ => Client::Other,
        };
    }
}

fn is_id(value: &str) -> bool {
    !value.is_empty()
        && value.len() <= 128
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
}

fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}

fn percent_decoded(value: &str) -> String {
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        let digits = (byte == b'%').then(|| bytes.as_slice_two()).flatten();
        if let Some(decoded) = digits {
            out.push(decoded);
            bytes.next();
            bytes.next();
        } else {
            out.push(byte);
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Two hex digits ahead of an iterator.
trait HexAhead {
    fn as_slice_two(&self) -> Option<u8>;
}

impl HexAhead for std::str::Bytes<'_> {
    fn as_slice_two(&self) -> Option<u8> {
        let mut ahead = self.clone();
        let high = char::from(ahead.next()?).to_digit(16)?;
        let low = char::from(ahead.next()?).to_digit(16)?;
        u8::try_from(high * 16 + low).ok()
    }
}

#[cfg(test)]
mod tests;
