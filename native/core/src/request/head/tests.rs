//! Who is let in, recognised and kept apart by its headers.

use super::*;

fn gate() -> Gate {
    Gate {
        keys: vec![(b"secret".to_vec(), [7; 16])],
        hosts: vec!["localhost".into(), "127.0.0.1".into(), "[::1]".into()],
        ..Gate::default()
    }
}

fn read(gate: &Gate, endpoint: Endpoint, query: &str, headers: &[(&str, &str)]) -> Head {
    let google = endpoint.namespace() == "gemini";
    let path = PathInfo { google_key: google, ..PathInfo::default() };
    gate.read(endpoint, path, query, headers.iter().copied())
}

fn verdict(headers: &[(&str, &str)]) -> Verdict {
    read(&gate(), Endpoint::Chat, "", headers).verdict
}

#[test]
fn a_key_comes_as_x_api_key_or_bearer() {
    assert_eq!(verdict(&[]), Verdict::NoKey);
    assert_eq!(verdict(&[("x-api-key", "wrong")]), Verdict::WrongKey);
    assert_eq!(verdict(&[("x-api-key", "secret")]), Verdict::Welcome);
    assert_eq!(verdict(&[("authorization", "bearer secret")]), Verdict::Welcome);
    assert_eq!(verdict(&[("authorization", "Basic secret")]), Verdict::NoKey);
    assert_eq!(verdict(&[("x-goog-api-key", "secret")]), Verdict::NoKey, "on Gemini paths only");
}

#[test]
fn google_keys_count_on_gemini_paths() {
    let google =
        |query: &str, headers: &[(&str, &str)]| read(&gate(), Endpoint::Generate, query, headers).verdict;
    assert_eq!(google("alt=sse&key=secret", &[]), Verdict::Welcome);
    assert_eq!(google("key=s%65cret", &[]), Verdict::Welcome);
    assert_eq!(google("key=secre", &[]), Verdict::WrongKey);
    assert_eq!(google("", &[("x-goog-api-key", "secret")]), Verdict::Welcome);
}

#[test]
fn browsers_of_other_origins_and_rebound_names_stay_out() {
    let with = |extra: &[(&'static str, &'static str)]| {
        let mut headers = vec![("x-api-key", "secret"), ("host", "localhost:8080")];
        headers.extend_from_slice(extra);
        verdict(&headers)
    };
    assert_eq!(with(&[("origin", "https://evil.example")]), Verdict::ForeignOrigin);
    assert_eq!(with(&[("origin", "null")]), Verdict::ForeignOrigin);
    assert_eq!(with(&[("sec-fetch-site", "cross-site")]), Verdict::ForeignOrigin);
    assert_eq!(
        with(&[("origin", "http://localhost:8080"), ("sec-fetch-site", "same-origin")]),
        Verdict::Welcome
    );
    assert_eq!(verdict(&[("host", "evil.example:8080"), ("x-api-key", "secret")]), Verdict::ForeignHost);
    assert_eq!(verdict(&[("host", "[::1]:8080"), ("x-api-key", "secret")]), Verdict::Welcome);
}

#[test]
fn session_headers_are_scopes_unless_an_agent_makes_them_up() {
    let open = Gate::default();
    let scope = |gate: &Gate, headers: &[(&str, &str)]| read(gate, Endpoint::Chat, "", headers).scope;
    assert_ne!(scope(&open, &[("x-session-id", "a")]), scope(&open, &[("x-session-id", "b")]));
    let agent = |id: &'static str| [("user-agent", "opencode/1.18"), ("x-session-id", id)];
    assert_eq!(scope(&open, &agent("a")), scope(&open, &agent("b")));
    let strict = Gate { scope_agent_sessions: true, ..Gate::default() };
    assert_ne!(scope(&strict, &agent("a")), scope(&strict, &agent("b")));
    let own = |id: &'static str| [("user-agent", "opencode/1.18"), ("x-isartor-session-id", id)];
    assert_ne!(scope(&open, &own("a")), scope(&open, &own("b")), "our own header always counts");
}

#[test]
fn headers_that_change_the_answer_are_in_the_scope() {
    let open = Gate::default();
    let scope = |headers: &[(&str, &str)], query: &str| read(&open, Endpoint::Messages, query, headers).scope;
    assert_ne!(scope(&[("anthropic-beta", "a")], ""), scope(&[("anthropic-beta", "b")], ""));
    assert_eq!(scope(&[("user-agent", "a")], ""), scope(&[("user-agent", "b")], ""));
    assert_eq!(scope(&[], "beta=true"), scope(&[], ""));
    assert_ne!(scope(&[], "x=1"), scope(&[], ""));
}

#[test]
fn clients_are_recognised_in_whatever_order_their_headers_come() {
    let open = Gate::default();
    let who = |headers: &[(&str, &str)]| {
        let head = read(&open, Endpoint::Chat, "", headers);
        (head.client, head.tool)
    };
    assert_eq!(
        who(&[("x-initiator", "user"), ("user-agent", "OpenAI/JS 5.20.1")]),
        (Client::Copilot, "copilot")
    );
    assert_eq!(
        who(&[("user-agent", "OpenAI/JS 5.20.1"), ("x-initiator", "user")]),
        (Client::Copilot, "copilot")
    );
    assert_eq!(who(&[("user-agent", "codex_exec/0.169.0 (Debian)")]), (Client::Codex, "codex"));
    assert_eq!(who(&[("user-agent", "GeminiCLI-tui/0.61.0")]), (Client::Gemini, "gemini-cli"));
    assert_eq!(who(&[("user-agent", "Mozilla/5.0")]), (Client::Other, "unknown"));
    assert_eq!(read(&open, Endpoint::Chat, "", &[("x-ghost-mode", "true")]).namespace, "cursor");
}

#[test]
fn cache_directives_are_read_as_the_rfc_says() {
    let head = read(
        &Gate::default(),
        Endpoint::Chat,
        "",
        &[("cache-control", "No-Cache, max-age=60 ,only-if-cached")],
    );
    let expected = Directives { no_cache: true, only_if_cached: true, max_age: Some(60), no_store: false };
    assert_eq!(head.directives, expected);
}
