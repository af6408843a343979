//! The canonical form of a body: what an exact key is the hash of.
//!
//! Everything the client sent is in it, minus a short, named list: the members that cannot change the answer
//! ([`ROOT_DROPS`], `metadata.user_id`, `cache_control` markers) and the volatile parts of known clients
//! ([`super::volatile`]). A member nobody has heard of is therefore part of the key. Object members are sorted, except
//! inside JSON schemas, where their order is meaning; white space is gone; numbers are compared by value, digit by digit.
//!
//! The form is a byte string in which every value carries its kind and length, so two different bodies never give the
//! same bytes. It never leaves the process and is not kept.

use std::borrow::Cow;
use std::ops::Range;

use super::head::Client;
use super::json::{Kind, Node, Text};
use super::volatile::{self, Voice};

/// Members of the root that cannot change the answer.
pub const ROOT_DROPS: &[&str] =
    &["stream", "stream_options", "user", "cache_control", "service_tier", "store", "prompt_cache_key"];

/// Where tools and output formats are declared: JSON schemas stand below these.
const DECLARING: &[&str] = &[
    "tools",
    "functions",
    "functionDeclarations",
    "function_declarations",
    "response_format",
    "text",
    "output_config",
    "output_format",
    "generationConfig",
    "generation_config",
];

/// Members that hold a JSON schema, below [`DECLARING`].
const SCHEMAS: &[&str] = &[
    "parameters",
    "parametersJsonSchema",
    "parameters_json_schema",
    "input_schema",
    "output_schema",
    "schema",
    "response",
    "responseSchema",
    "response_schema",
    "responseJsonSchema",
    "response_json_schema",
];

/// Calls whose arguments stand in the item itself.
const OWN_CALLS: &[&str] =
    &["function_call", "custom_tool_call", "local_shell_call", "shell_call", "apply_patch_call"];

/// What the walk needs besides the body.
pub struct Rules<'a> {
    /// Whose volatile parts are settled.
    pub client: Client,
    /// What time stamps are rounded down to, in seconds.
    pub bucket_secs: u64,
    /// Where in the body an alias stands (its first byte), and the model that it stands for.
    pub alias: Option<(usize, &'a str)>,
    /// Where in the body the question's literal starts ([`super::scope`]), if there is one.
    pub question: Option<usize>,
}

/// Where in the body the walk is, as far as that changes what happens to a member.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    Metadata,
    Turns,
    Turn(Voice),
    Parts(Voice),
    Declarations,
    Declaration,
    Schema,
    Plain,
}

/// The walk and its result.
pub struct Canonical<'r> {
    rules: &'r Rules<'r>,
    /// The canonical bytes.
    pub out: Vec<u8>,
    /// Texts that were masked; a reply that contains one belongs to one session only.
    pub masked: Vec<String>,
    /// Where in `out` the question stands, if it stands there as it was written.
    pub question: Option<Range<usize>>,
}

impl<'r> Canonical<'r> {
    /// Walks the whole body.
    #[must_use]
    pub fn of(root: &Node<'_>, rules: &'r Rules<'r>, size_hint: usize) -> Self {
        let out = Vec::with_capacity(size_hint + size_hint / 2 + 64);
        let mut walk = Self { rules, out, masked: Vec::new(), question: None };
        walk.value(root, Place::Root);
        walk
    }

    fn value(&mut self, node: &Node<'_>, place: Place) {
        match &node.kind {
            Kind::Null => self.out.push(b'n'),
            Kind::Bool(value) => self.out.push(if *value { b't' } else { b'f' }),
            Kind::Number(raw) => {
                let number = normal_number(raw);
                self.sized(b'#', number.as_bytes());
            }
            Kind::String(text) => {
                let from = self.out.len();
                self.string(text, place);
                if self.rules.question == Some(node.start) && self.out[from] == b'"' {
                    self.question = Some(from..self.out.len());
                }
            }
            Kind::Array(elements) => {
                self.head(b'[', elements.len());
                for element in elements {
                    self.value(element, element_place(place, element));
                }
            }
            Kind::Object(members) => {
                self.object(members, if is_schema(members, place) { Place::Schema } else { place });
            }
        }
    }

    fn object(&mut self, members: &[(Text<'_>, Node<'_>)], place: Place) {
        let mut kept: Vec<(Cow<'_, [u8]>, &Node<'_>)> = members
            .iter()
            .map(|(key, value)| (key.bytes(), value))
            .filter(|(key, _)| !self.dropped(key, members, place))
            .collect();
        if place != Place::Schema {
            // Stable: the values of a member that stands twice keep their order.
            kept.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        self.head(b'{', kept.len());
        for (key, value) in kept {
            self.sized(b'"', &key);
            match self.rules.alias {
                Some((start, model)) if place == Place::Root && value.start == start => {
                    self.sized(b'"', model.as_bytes());
                }
                _ => self.value(value, member_place(place, &key, value)),
            }
        }
    }

    fn dropped(&self, key: &[u8], members: &[(Text<'_>, Node<'_>)], place: Place) -> bool {
        let listed = |rules: &[(Client, &str)]| {
            rules.iter().any(|(client, name)| *client == self.rules.client && name.as_bytes() == key)
        };
        match place {
            Place::Root => {
                ROOT_DROPS.iter().any(|name| name.as_bytes() == key) || listed(volatile::ROOT_MEMBERS)
            }
            Place::Metadata => key == b"user_id",
            Place::Turn(_) => {
                // A reference is nothing but its id.
                key == b"cache_control" || (listed(volatile::TURN_MEMBERS) && !is_known_by_id(members))
            }
            Place::Parts(_) | Place::Declaration => key == b"cache_control",
            Place::Turns | Place::Declarations | Place::Schema | Place::Plain => false,
        }
    }

    fn string(&mut self, text: &Text<'_>, place: Place) {
        let bytes = text.bytes();
        if let Place::Parts(voice) = place
            && let Some(settled) = volatile::settle(self.rules.client, voice, &bytes, self.rules.bucket_secs)
        {
            self.sized(b'~', &settled.text);
            self.masked.extend(settled.masked);
            return;
        }
        self.sized(b'"', &bytes);
    }

    fn sized(&mut self, kind: u8, bytes: &[u8]) {
        self.head(kind, bytes.len());
        self.out.extend_from_slice(bytes);
    }

    fn head(&mut self, kind: u8, count: usize) {
        self.out.push(kind);
        self.out.extend_from_slice(&(count as u64).to_le_bytes());
    }
}

/// A schema in a member that nobody has heard of (`guided_json`, ...) is known by its look.
fn is_schema(members: &[(Text<'_>, Node<'_>)], place: Place) -> bool {
    matches!(place, Place::Plain | Place::Declarations)
        && members.iter().any(|(key, value)| key.is("properties") && matches!(value.kind, Kind::Object(_)))
}

/// Items whose id says what they are: references, and calls of the provider's own tools, whose content it keeps.
fn is_known_by_id(members: &[(Text<'_>, Node<'_>)]) -> bool {
    let kind = members.iter().rev().find(|(key, _)| key.is("type")).and_then(|(_, value)| value.text());
    kind.is_some_and(|kind| {
        let kind = kind.to_str();
        kind == "item_reference" || (kind.ends_with("_call") && !OWN_CALLS.contains(&kind.as_ref()))
    })
}

fn element_place(place: Place, element: &Node<'_>) -> Place {
    match place {
        Place::Turns => Place::Turn(voice_of(element)),
        Place::Declarations => Place::Declaration,
        // A list of parts is a list of objects of the same place; texts stand in their `text` members.
        Place::Parts(voice) => Place::Parts(voice),
        Place::Schema => Place::Schema,
        _ => Place::Plain,
    }
}

fn member_place(place: Place, key: &[u8], value: &Node<'_>) -> Place {
    let declares = DECLARING.iter().any(|name| name.as_bytes() == key);
    match (place, key) {
        (Place::Root, b"metadata") => Place::Metadata,
        (Place::Root, b"messages" | b"input" | b"contents") if matches!(value.kind, Kind::Array(_)) => {
            Place::Turns
        }
        (Place::Root, b"system" | b"instructions") => Place::Parts(Voice::System),
        (Place::Root, _) if declares => Place::Declarations,
        (Place::Turn(voice), b"content") => Place::Parts(voice),
        // A tool result's own parts; what stands in them was said by neither side.
        (Place::Parts(_), b"content") if matches!(value.kind, Kind::Array(_)) => Place::Parts(Voice::Other),
        (Place::Parts(voice), b"text") if value.text().is_some() => Place::Parts(voice),
        (Place::Declarations | Place::Declaration, _)
            if SCHEMAS.iter().any(|name| name.as_bytes() == key) =>
        {
            Place::Schema
        }
        (Place::Declarations | Place::Declaration, _) => nested_declaration(key),
        // Some agents declare tools inside a turn.
        (Place::Turn(_), b"tools") => Place::Declarations,
        (Place::Schema, _) => Place::Schema,
        _ => Place::Plain,
    }
}

/// Markers stand on the declarations themselves; below, only schemas matter.
fn nested_declaration(key: &[u8]) -> Place {
    match key {
        b"function"
        | b"format"
        | b"functionDeclarations"
        | b"function_declarations"
        | b"tools"
        | b"json_schema" => Place::Declarations,
        _ => Place::Plain,
    }
}

fn voice_of(turn: &Node<'_>) -> Voice {
    match turn.get("role").and_then(Node::text).map(Text::to_str).as_deref() {
        Some("system" | "developer") => Voice::System,
        Some("user") => Voice::User,
        _ => Voice::Other,
    }
}

/// `digits`, `exponent` by value: `1`, `1.0` and `10e-1` are equal, `0.1` and its nearest double are not.
fn normal_number(raw: &str) -> Cow<'_, str> {
    if raw.bytes().all(|byte| byte.is_ascii_digit()) && !raw.ends_with('0') {
        return Cow::Borrowed(raw);
    }
    let (negative, unsigned) = raw.strip_prefix('-').map_or((false, raw), |rest| (true, rest));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let Ok(exponent) = exponent.parse::<i64>() else {
        return Cow::Borrowed(raw);
    };
    let digits = [whole, fraction].concat();
    let significant = digits.trim_end_matches('0');
    let zeros = digits.len() - significant.len();
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() {
        return Cow::Borrowed("0");
    }
    let shift = i128::from(exponent) - fraction.len() as i128 + zeros as i128;
    let sign = if negative { "-" } else { "" };
    if shift == 0 {
        Cow::Owned(format!("{sign}{significant}"))
    } else {
        Cow::Owned(format!("{sign}{significant}e{shift}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::json::parse;
    use super::*;

    fn form(client: Client, body: &str) -> Vec<u8> {
        let rules = Rules { client, bucket_secs: 300, alias: None, question: None };
        Canonical::of(&parse(body.as_bytes()).unwrap(), &rules, body.len()).out
    }

    fn same(a: &str, b: &str) -> bool {
        form(Client::Other, a) == form(Client::Other, b)
    }

    #[test]
    fn numbers_are_compared_by_value() {
        for (a, b) in
            [("1", "1.0"), ("1", "10e-1"), ("-0", "0.0"), ("100", "1E2"), ("0.50", "0.5"), ("1e0", "1")]
        {
            assert_eq!(normal_number(a), normal_number(b), "{a} {b}");
        }
        for (a, b) in [
            ("1", "-1"),
            ("1", "10"),
            ("0.1", "0.1000000000000000055"),
            ("18446744073709551616", "18446744073709551617"),
        ] {
            assert_ne!(normal_number(a), normal_number(b), "{a} {b}");
        }
    }

    #[test]
    fn order_and_white_space_never_matter_outside_schemas() {
        assert!(same(r#"{"a":1,"b":[{"c":2,"d":3}]}"#, "{ \"b\" : [ {\"d\":3, \"c\":2} ] ,\n\"a\":1}"));
        let tool = |schema: &str| {
            format!(r#"{{"tools":[{{"type":"function","function":{{"name":"f","parameters":{schema}}}}}]}}"#)
        };
        assert!(!same(&tool(r#"{"x":{},"y":{}}"#), &tool(r#"{"y":{},"x":{}}"#)));
        let unheard_of = |properties: &str| format!(r#"{{"guided_json":{{"properties":{properties}}}}}"#);
        assert!(!same(&unheard_of(r#"{"x":{},"y":{}}"#), &unheard_of(r#"{"y":{},"x":{}}"#)));
        let wrapper = |json_schema: &str| format!(r#"{{"response_format":{{"json_schema":{json_schema}}}}}"#);
        assert!(same(&wrapper(r#"{"name":"n","schema":{}}"#), &wrapper(r#"{"schema":{},"name":"n"}"#)));
        let claude = |schema: &str| format!(r#"{{"tools":[{{"name":"f","input_schema":{schema}}}]}}"#);
        assert!(!same(&claude(r#"{"x":{},"y":{}}"#), &claude(r#"{"y":{},"x":{}}"#)));
    }

    #[test]
    fn only_the_named_members_are_dropped_and_only_where_they_mean_nothing() {
        assert!(same(r#"{"a":1,"stream":true,"user":"x","store":false}"#, r#"{"a":1}"#));
        assert!(same(r#"{"metadata":{"user_id":"a","k":1}}"#, r#"{"metadata":{"user_id":"b","k":1}}"#));
        assert!(!same(r#"{"metadata":{"k":1}}"#, r#"{"metadata":{"k":2}}"#));
        assert!(same(
            r#"{"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}]}"#,
            r#"{"system":[{"type":"text","text":"s"}]}"#
        ));
        let call = |input: &str| {
            format!(
                r#"{{"messages":[{{"role":"assistant","content":[{{"type":"tool_use","name":"f","input":{input}}}]}}]}}"#
            )
        };
        assert!(
            !same(&call(r#"{"cache_control":1}"#), &call(r#"{"cache_control":2}"#)),
            "an argument is no marker"
        );
        assert!(!same(&call(r#"{"user":"a"}"#), &call(r#"{"user":"b"}"#)));
        let schema =
            |name: &str| format!(r#"{{"tools":[{{"input_schema":{{"properties":{{"{name}":{{}}}}}}}}]}}"#);
        assert!(!same(&schema("cache_control"), &schema("x")));
    }

    #[test]
    fn ids_of_codex_items_are_volatile_for_codex_only_and_references_never() {
        let image = |id: &str| format!(r#"{{"input":[{{"type":"image_generation_call","id":"{id}"}}]}}"#);
        assert_ne!(form(Client::Codex, &image("a")), form(Client::Codex, &image("b")));
        let item = |id: &str| {
            format!(r#"{{"input":[{{"type":"message","id":"{id}","role":"user","content":"hi"}}]}}"#)
        };
        assert_eq!(form(Client::Codex, &item("a")), form(Client::Codex, &item("b")));
        assert_ne!(form(Client::Other, &item("a")), form(Client::Other, &item("b")));
        let reference = |id: &str| format!(r#"{{"input":[{{"type":"item_reference","id":"{id}"}}]}}"#);
        assert_ne!(form(Client::Codex, &reference("a")), form(Client::Codex, &reference("b")));
    }

    #[test]
    fn kinds_and_lengths_keep_bodies_apart() {
        for (a, b) in [
            (r#"{"a":"1"}"#, r#"{"a":1}"#),
            (r#"{"a":null}"#, "{}"),
            (r#"{"a":["b","c"]}"#, r#"{"a":["bc"]}"#),
            (r#"{"a":[],"b":[]}"#, r#"{"a":[{"b":[]}]}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":2,"a":1}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
        ] {
            assert!(!same(a, b), "{a} {b}");
        }
    }
}
