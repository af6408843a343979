//! Which complete-looking replies are not stored, and why.

#[cfg(test)]
mod tests {
    use isartor_core::endpoint::Endpoint;
    use isartor_core::sse::{Facts, Form, ReplayOptions, Tee, Unreplayable, replay};
    use serde_json::{Value, json};

    /// The token of the outcome, `stored` if it is one to store.
    fn outcome(endpoint: Endpoint, form: Form, body: &[u8]) -> &'static str {
        let mut tee = Tee::new(endpoint, form, usize::MAX);
        tee.feed(body);
        tee.finish().map_or_else(|error| error.token(), |_| "stored")
    }

    /// A reply of the endpoint that may be stored.
    fn good(endpoint: Endpoint) -> Value {
        match endpoint {
            Endpoint::Chat => {
                json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "Hi", "annotations": []},
                    "finish_reason": "stop"}]})
            }
            Endpoint::Completions => json!({"choices": [{"text": "x", "index": 0, "finish_reason": "stop"}]}),
            Endpoint::Embeddings => {
                json!({"object": "list", "data": [{"index": 0, "embedding": [0.5]}], "model": "m"})
            }
            Endpoint::Responses => {
                json!({"id": "r", "status": "completed", "error": null, "background": false, "output": [
                {"id": "m", "type": "message", "role": "assistant", "content": [
                    {"type": "output_text", "text": "Hi", "annotations": []}]}]})
            }
            Endpoint::Messages => {
                json!({"id": "m", "type": "message", "role": "assistant", "container": null,
                "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn",
                "usage": {"input_tokens": 1, "output_tokens": 1,
                    "server_tool_use": {"web_search_requests": 0}}})
            }
            Endpoint::CountTokens => json!({"input_tokens": 3}),
            Endpoint::Generate => json!({"candidates": [
                {"content": {"parts": [{"text": "Hi"}], "role": "model"}, "finishReason": "STOP",
                    "groundingMetadata": {}}]}),
            Endpoint::GeminiCount => json!({"totalTokens": 3}),
            Endpoint::Native => json!({"layer": 3, "message": "Hi", "model": "m"}),
        }
    }

    const ALL: [Endpoint; 9] = isartor_core::endpoint::ALL;

    #[test]
    fn a_good_reply_is_stored_as_it_came() {
        for endpoint in ALL {
            let body = serde_json::to_vec_pretty(&good(endpoint)).unwrap();
            let mut tee = Tee::new(endpoint, Form::Json, body.len());
            tee.feed(&body);
            let reply = tee.finish().unwrap();
            assert_eq!((reply.json, reply.stream), (body, None), "{endpoint:?}");
        }
    }

    #[test]
    fn every_surface_refuses_errors_and_what_lacks_its_members() {
        for endpoint in ALL {
            let mut reply = good(endpoint);
            reply["error"] = json!({"message": "m"});
            assert_eq!(
                outcome(endpoint, Form::Json, reply.to_string().as_bytes()),
                "error-inside",
                "{endpoint:?}"
            );
            assert_eq!(outcome(endpoint, Form::Json, b"{}"), "malformed", "{endpoint:?}");
            assert_eq!(outcome(endpoint, Form::Json, b"[{}]"), "malformed", "{endpoint:?}");
            assert_eq!(outcome(endpoint, Form::Json, b"null"), "malformed", "{endpoint:?}");
            assert_ne!(outcome(endpoint, Form::Sse, b""), "stored", "{endpoint:?}");
            assert_ne!(outcome(endpoint, Form::JsonArray, b"[]"), "stored", "{endpoint:?}");
        }
    }

    /// Sets the member at a JSON pointer, then asks for the outcome.
    fn with(endpoint: Endpoint, pointer: &str, value: Value) -> &'static str {
        let mut reply = good(endpoint);
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match reply.pointer_mut(parent).unwrap() {
            Value::Array(items) => items.push(value),
            members => members[name] = value,
        }
        outcome(endpoint, Form::Json, reply.to_string().as_bytes())
    }

    #[test]
    fn chat() {
        let cases = [
            ("/choices/0/finish_reason", json!("length"), "stored"),
            ("/choices/0/finish_reason", json!("tool_calls"), "stored"),
            ("/choices/0/finish_reason", json!("content_filter"), "content-filtered"),
            ("/choices/0/finish_reason", json!("error"), "error-inside"),
            ("/choices/0/finish_reason", json!("insufficient_system_resource"), "finish-reason"),
            ("/choices/0/finish_reason", json!(null), "unfinished"),
            ("/choices/0/finish_reason", json!(""), "unfinished"),
            ("/choices/0/error", json!({"code": 502}), "error-inside"),
            ("/choices/0/message", json!(null), "malformed"),
            ("/choices/-", json!({"message": {}, "finish_reason": "content_filter"}), "content-filtered"),
            ("/choices/0/message/annotations", json!([{"type": "url_citation"}]), "acted-outside"),
            ("/choices/0/message/executed_tools", json!([{"type": "search"}]), "acted-outside"),
            ("/choices/0/message/audio", json!({"id": "a", "expires_at": 1}), "expiring"),
            ("/choices/0/message/refusal", json!("No."), "stored"),
            ("/citations", json!(["https://example.org"]), "acted-outside"),
            ("/citations", json!([]), "stored"),
            ("/search_results", json!([{"title": "t"}]), "acted-outside"),
            ("/usage", json!({"server_tool_use": {"web_search_requests": 1}}), "acted-outside"),
            ("/usage", json!({"num_sources_used": 0}), "stored"),
            ("/error", json!(null), "stored"),
            ("/choices", json!([]), "malformed"),
        ];
        for (pointer, value, expected) in cases {
            assert_eq!(with(Endpoint::Chat, pointer, value.clone()), expected, "{pointer} {value}");
        }
    }

    #[test]
    fn completions_and_embeddings() {
        let (completions, embeddings) = (Endpoint::Completions, Endpoint::Embeddings);
        assert_eq!(
            with(completions, "/choices/0/finish_reason", json!("content_filter")),
            "content-filtered"
        );
        assert_eq!(with(completions, "/choices/0/text", json!(null)), "malformed");
        assert_eq!(with(embeddings, "/data/0/embedding", json!("AAAA")), "stored");
        assert_eq!(with(embeddings, "/data/0/embedding", json!([])), "malformed");
        assert_eq!(with(embeddings, "/data", json!([])), "malformed");
    }

    #[test]
    fn responses() {
        let mut cases = vec![
            ("/status", json!("failed"), "error-inside"),
            ("/status", json!("incomplete"), "incomplete"),
            ("/status", json!("cancelled"), "unfinished"),
            ("/status", json!("queued"), "unfinished"),
            ("/background", json!(true), "stateful"),
            ("/conversation", json!({"id": "conv_1"}), "stateful"),
            ("/conversation", json!(null), "stored"),
            ("/output/0/status", json!("incomplete"), "incomplete"),
            ("/output/0/content/0/annotations", json!([{"type": "url_citation"}]), "acted-outside"),
            ("/output/0/content/0", json!({"type": "refusal", "refusal": "No."}), "stored"),
        ];
        for kind in [
            "reasoning",
            "function_call",
            "custom_tool_call",
            "local_shell_call",
            "apply_patch_call",
            "shell_call",
        ] {
            cases.push(("/output/-", json!({"type": kind}), "stored"));
        }
        for kind in [
            "web_search_call",
            "file_search_call",
            "computer_call",
            "code_interpreter_call",
            "mcp_call",
            "mcp_list_tools",
            "mcp_approval_request",
            "image_generation_call",
            "not_invented_yet",
        ] {
            cases.push(("/output/-", json!({"type": kind}), "acted-outside"));
        }
        for (pointer, value, expected) in cases {
            assert_eq!(with(Endpoint::Responses, pointer, value.clone()), expected, "{pointer} {value}");
        }
        let mut filtered = good(Endpoint::Responses);
        filtered["status"] = json!("incomplete");
        filtered["incomplete_details"] = json!({"reason": "content_filter"});
        let filtered = filtered.to_string();
        assert_eq!(outcome(Endpoint::Responses, Form::Json, filtered.as_bytes()), "content-filtered");
    }

    #[test]
    fn responses_kept_by_the_provider_say_so() {
        for store in [true, false] {
            let mut reply = good(Endpoint::Responses);
            reply["store"] = json!(store);
            let mut tee = Tee::new(Endpoint::Responses, Form::Json, usize::MAX);
            tee.feed(reply.to_string().as_bytes());
            assert_eq!(tee.finish().unwrap().facts, Facts { usage: false, stored: store });
        }
    }

    #[test]
    fn responses_streams_that_end_otherwise() {
        for (kind, status, expected) in [
            ("response.incomplete", "incomplete", "incomplete"),
            ("response.failed", "failed", "error-inside"),
            ("response.cancelled", "cancelled", "unfinished"),
            ("response.completed", "completed", "stored"),
        ] {
            let mut response = good(Endpoint::Responses);
            response["status"] = json!(status);
            let data = json!({"type": kind, "response": response});
            for stream in
                [format!("event: {kind}\ndata: {data}\n\n"), format!("data: {data}\n\ndata: [DONE]\n\n")]
            {
                assert_eq!(outcome(Endpoint::Responses, Form::Sse, stream.as_bytes()), expected, "{kind}");
            }
        }
    }

    #[test]
    fn messages() {
        let cases = [
            ("/stop_reason", json!("max_tokens"), "stored"),
            ("/stop_reason", json!("tool_use"), "stored"),
            ("/stop_reason", json!("refusal"), "refused"),
            ("/stop_reason", json!("pause_turn"), "acted-outside"),
            ("/stop_reason", json!("compaction"), "finish-reason"),
            ("/stop_reason", json!(null), "unfinished"),
            (
                "/container",
                json!({"id": "container_1", "expires_at": "2026-01-01T00:00:00Z"}),
                "acted-outside",
            ),
            ("/usage/server_tool_use", json!({"web_search_requests": 1}), "acted-outside"),
            ("/usage/server_tool_use", json!(null), "stored"),
            ("/content/0", json!({"type": "server_tool_use"}), "acted-outside"),
            ("/content/-", json!({"type": "web_search_tool_result", "content": []}), "acted-outside"),
            ("/content/-", json!({"type": "mcp_tool_use"}), "acted-outside"),
            ("/content/-", json!({"type": "tool_use", "caller": {"type": "direct"}}), "stored"),
            (
                "/content/-",
                json!({"type": "tool_use", "caller": {"type": "code_execution_20250825"}}),
                "acted-outside",
            ),
            ("/content/0/citations", json!([{"type": "web_search_result_location"}]), "acted-outside"),
            ("/content/0/citations", json!([{"type": "page_location"}]), "stored"),
            ("/content/0/citations", json!(null), "stored"),
            ("/content", json!("Hi"), "malformed"),
        ];
        for (pointer, value, expected) in cases {
            let found = match pointer {
                "/content/0" => with(Endpoint::Messages, "/content", json!([value.clone()])),
                _ => with(Endpoint::Messages, pointer, value.clone()),
            };
            assert_eq!(found, expected, "{pointer} {value}");
        }
    }

    /// A stream of a message with one block, in which one event was replaced.
    fn message_stream(replaced: &str, by: &str) -> String {
        [
            ("start", r#"{"type":"message_start","message":{"type":"message","role":"assistant","content":[]}}"#),
            ("open", r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","input":{}}}"#),
            ("delta", r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#),
            ("close", r#"{"type":"content_block_stop","index":0}"#),
            ("ending", r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":1}}"#),
            ("stop", r#"{"type":"message_stop"}"#),
        ]
        .map(|(name, data)| if name == replaced { by } else { data })
        .into_iter()
        .filter(|data| !data.is_empty())
        .flat_map(|data| ["data: ", data, "\n\n"])
        .collect()
    }

    #[test]
    fn messages_streams_with_a_missing_or_a_strange_event() {
        let delta = r#"{"type":"content_block_delta","index":0,"delta":{"type":"X","partial_json":"Y"}}"#;
        let strange = delta.replace('X', "compaction_delta");
        let not_json = delta.replace('X', "input_json_delta").replace('Y', r#"{\"a\": tru"#);
        let no_object = delta.replace('X', "input_json_delta").replace('Y', "[1]");
        let too_long =
            delta.replace('X', "input_json_delta").replace('Y', r#"{\"id\":18446744073709551616}"#);
        for (name, by, expected) in [
            ("", "", "stored"),
            ("start", "", "malformed"),
            ("open", "", "malformed"),
            ("delta", "", "stored"),
            ("close", "", "unfinished"),
            ("ending", "", "unfinished"),
            ("stop", "", "unfinished"),
            ("delta", &strange, "unknown-part"),
            ("delta", &not_json, "malformed"),
            ("delta", &no_object, "malformed"),
            ("delta", &too_long, "unknown-part"),
            ("delta", r#"{"type":"not_invented_yet"}"#, "stored"),
            ("ending", r#"{"type":"message_delta","delta":{"stop_reason":"refusal"},"usage":{}}"#, "refused"),
        ] {
            let stream = message_stream(name, by);
            assert_eq!(outcome(Endpoint::Messages, Form::Sse, stream.as_bytes()), expected, "{name}: {by}");
        }
    }

    #[test]
    fn gemini() {
        let mut cases = vec![
            ("/candidates/0/finishReason", json!("MAX_TOKENS"), "stored"),
            ("/candidates/0/finishReason", json!("SAFETY"), "content-filtered"),
            ("/candidates/0/finishReason", json!("IMAGE_SAFETY"), "content-filtered"),
            ("/candidates/0/finishReason", json!("MALFORMED_FUNCTION_CALL"), "finish-reason"),
            ("/candidates/0/finishReason", json!(null), "unfinished"),
            ("/candidates/0/groundingMetadata", json!({"webSearchQueries": ["q"]}), "acted-outside"),
            ("/candidates/0/urlContextMetadata", json!({"urlMetadata": [{}]}), "acted-outside"),
            ("/promptFeedback", json!({"blockReason": "SAFETY"}), "content-filtered"),
            ("/promptFeedback", json!({"safetyRatings": []}), "stored"),
            ("/candidates", json!([]), "malformed"),
        ];
        for (part, expected) in [
            (json!({"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "s"}), "stored"),
            (json!({"inlineData": {"mimeType": "image/png", "data": ""}}), "stored"),
            (json!({"executableCode": {"code": "1"}}), "acted-outside"),
            (json!({"codeExecutionResult": {"outcome": "OUTCOME_OK"}}), "acted-outside"),
            (json!({"fileData": {"fileUri": "u"}}), "expiring"),
            (json!({"functionCall": {"name": "f", "willContinue": true}}), "unknown-part"),
        ] {
            cases.push(("/candidates/0/content/parts/-", part, expected));
        }
        for (pointer, value, expected) in cases {
            assert_eq!(with(Endpoint::Generate, pointer, value.clone()), expected, "{pointer} {value}");
        }
    }

    #[test]
    fn gemini_arrays_with_an_error_inside_or_without_their_end() {
        let good = good(Endpoint::Generate);
        let array = format!("[{good},\n{good}]");
        assert_eq!(outcome(Endpoint::Generate, Form::JsonArray, array.as_bytes()), "stored");
        assert_eq!(outcome(Endpoint::Generate, Form::JsonArray, format!("[{good},").as_bytes()), "cut");
        let error = format!("[{good},{}]", json!({"error": {"code": 503}}));
        assert_eq!(outcome(Endpoint::Generate, Form::JsonArray, error.as_bytes()), "error-inside");
    }

    #[test]
    fn a_chat_stream_needs_its_end_and_a_reason_for_every_choice() {
        let chunk = |index: u64, reason: Value| {
            let choice = json!({"index": index, "delta": {"content": "x"}, "finish_reason": reason});
            format!("data: {}\n\n", json!({"id": "c", "choices": [choice]}))
        };
        let done = "data: [DONE]\n\n";
        for (stream, expected) in [
            (chunk(0, json!("stop")) + done, "stored"),
            (chunk(0, json!("stop")), "unfinished"),
            (chunk(0, json!("stop")) + &chunk(1, json!(null)) + done, "unfinished"),
            (chunk(0, json!("content_filter")) + done, "content-filtered"),
            (chunk(0, json!("stop")) + done + &chunk(0, json!("stop")), "malformed"),
            (done.to_owned(), "malformed"),
            ("data: nonsense\n\n".to_owned() + done, "malformed"),
        ] {
            assert_eq!(outcome(Endpoint::Chat, Form::Sse, stream.as_bytes()), expected, "{stream}");
        }
    }

    #[test]
    fn a_form_that_the_endpoint_does_not_have_is_an_error() {
        let replay = |endpoint, form, json: &[u8]| {
            replay(endpoint, json, None, &ReplayOptions { include_usage: true, form }).map(|_| ())
        };
        assert_eq!(replay(Endpoint::Embeddings, Form::Sse, b"{}"), Err(Unreplayable::NoSuchForm));
        assert_eq!(replay(Endpoint::Chat, Form::JsonArray, b"{}"), Err(Unreplayable::NoSuchForm));
        assert_eq!(replay(Endpoint::Chat, Form::Sse, b"["), Err(Unreplayable::Damaged));
        let too_long = format!("{{\"candidates\":[{{\"index\":{}}}]}}", "9".repeat(30));
        assert_eq!(replay(Endpoint::Generate, Form::Sse, too_long.as_bytes()), Err(Unreplayable::Damaged));
        assert_eq!(replay(Endpoint::Embeddings, Form::Json, b"{}"), Ok(()));
    }
}
