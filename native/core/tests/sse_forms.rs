//! All forms of a reply are equivalent: whatever is made of it, the same reply can be made of that again.

#[cfg(test)]
mod tests {
    use isartor_core::endpoint::Endpoint;
    use isartor_core::sse::{Events, Form, ReplayOptions, Reply, Tee, Unstorable, replay};
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    fn finish(endpoint: Endpoint, form: Form, body: &[u8]) -> Result<Reply, Unstorable> {
        let mut tee = Tee::new(endpoint, form, usize::MAX);
        tee.feed(body);
        tee.finish()
    }

    fn stream_of(endpoint: Endpoint, reply: &Value, form: Form) -> Vec<u8> {
        let options = ReplayOptions { include_usage: true, form };
        replay(endpoint, reply.to_string().as_bytes(), None, &options).unwrap().into_owned()
    }

    /// Streams a reply, assembles the stream, and expects the reply again.
    fn there_and_back(endpoint: Endpoint, reply: &Value, form: Form) {
        let stream = stream_of(endpoint, reply, form);
        let again = finish(endpoint, form, &stream).unwrap();
        let json: Value = serde_json::from_slice(&again.json).unwrap();
        assert_eq!(&json, reply);
        let direct = finish(endpoint, Form::Json, reply.to_string().as_bytes()).unwrap();
        assert_eq!((direct.usage, direct.facts), (again.usage, again.facts));
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            Just(String::new()),
            "[a-z \"\\\\\n]{1,30}",
            "\\PC{0,200}",
            vec("(👩‍👩‍👧|ü|🦀|\u{0}|\u{2028}|data: |\\[DONE\\]|\r\n\r\n)", 0..60)
                .prop_map(|parts| parts.concat()),
        ]
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1000i32..1000).prop_map(|eighths| json!(f64::from(eighths) / 8.0 + 0.0625)),
            text().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..3).prop_map(Value::from),
                vec((text(), inner), 0..3).prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn object() -> impl Strategy<Value = Value> {
        vec((text(), value()), 0..4).prop_map(|members| Value::Object(members.into_iter().collect()))
    }

    /// An object of the members that are there.
    fn members<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
        let there = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(there.collect::<Map<_, _>>())
    }

    fn openai_usage() -> impl Strategy<Value = Option<Value>> {
        option::of((0u64..1000, 0u64..1000, 0u64..9).prop_map(|(input, output, cached)| {
            json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
                "prompt_tokens_details": {"cached_tokens": cached}})
        }))
    }

    fn call(id: &str, name: &str, arguments: &str, custom: bool) -> Value {
        if custom {
            json!({"id": id, "type": "custom", "custom": {"name": name, "input": arguments}})
        } else {
            json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
        }
    }

    fn chat_message() -> impl Strategy<Value = Value> {
        let calls = vec((text(), any::<bool>()), 0..3);
        (text(), calls, option::of(text()), option::of(text()), option::of(value())).prop_map(
            |(content, calls, reasoning, refusal, unknown)| {
                let calls: Vec<Value> = calls
                    .into_iter()
                    .enumerate()
                    .map(|(index, (arguments, custom))| {
                        call(&format!("call_{index}"), "tool", &arguments, custom)
                    })
                    .collect();
                let refusal = refusal.filter(|refusal| !refusal.is_empty());
                let nothing = content.is_empty() && (!calls.is_empty() || refusal.is_some());
                members([
                    ("role", Some("assistant".into())),
                    ("content", Some(if nothing { Value::Null } else { content.into() })),
                    ("reasoning_content", reasoning.map(Value::from)),
                    ("refusal", Some(refusal.map_or(Value::Null, Value::from))),
                    ("unknown", unknown),
                    ("tool_calls", (!calls.is_empty()).then(|| calls.into())),
                ])
            },
        )
    }

    fn chat() -> impl Strategy<Value = Value> {
        let reason = prop_oneof![Just("stop"), Just("length"), Just("tool_calls")];
        let choice = (chat_message(), reason, any::<bool>());
        (vec(choice, 1..3), openai_usage(), option::of(value())).prop_map(|(choices, usage, unknown)| {
            let choices: Vec<Value> = choices
                .into_iter()
                .enumerate()
                .map(|(index, (message, reason, logprobs))| {
                    let logprobs = logprobs
                        .then(|| json!({"content": [{"token": "a", "logprob": -0.5}], "refusal": null}));
                    json!({"index": index, "message": message, "logprobs": logprobs, "finish_reason": reason})
                })
                .collect();
            members([
                ("id", Some("chatcmpl-1".into())),
                ("object", Some("chat.completion".into())),
                ("created", Some(1_760_000_000.into())),
                ("model", Some("m".into())),
                ("choices", Some(choices.into())),
                ("usage", usage),
                ("unknown", unknown),
            ])
        })
    }

    fn completions() -> impl Strategy<Value = Value> {
        (vec(text(), 1..3), openai_usage()).prop_map(|(texts, usage)| {
            let choice = |(index, text)| {
                json!({"text": text, "index": index, "logprobs": null,
                "finish_reason": "stop"})
            };
            let choices: Vec<Value> = texts.into_iter().enumerate().map(choice).collect();
            members([
                ("id", Some("cmpl-1".into())),
                ("object", Some("text_completion".into())),
                ("created", Some(1.into())),
                ("model", Some("m".into())),
                ("choices", Some(choices.into())),
                ("usage", usage),
            ])
        })
    }

    fn messages() -> impl Strategy<Value = Value> {
        let block = prop_oneof![
            text().prop_map(|text| json!({"type": "text", "text": text})),
            (text(), vec(text(), 0..3)).prop_map(|(text, cited)| {
                let cited: Vec<Value> = cited
                    .into_iter()
                    .map(|text| json!({"type": "char_location", "cited_text": text}))
                    .collect();
                json!({"type": "text", "text": text, "citations": cited})
            }),
            text().prop_map(|text| json!({"type": "text", "text": text, "citations": null})),
            (text(), text()).prop_map(|(thinking, signature)| {
                json!({"type": "thinking", "thinking": thinking, "signature": signature})
            }),
            text().prop_map(|data| json!({"type": "redacted_thinking", "data": data})),
            object().prop_map(
                |input| json!({"type": "tool_use", "id": "toolu_1", "name": "tool", "input": input})
            ),
        ];
        let stop = prop_oneof![
            Just(("end_turn", None)),
            Just(("tool_use", None)),
            text().prop_map(|sequence| ("stop_sequence", Some(sequence))),
        ];
        (vec(block, 0..5), stop, option::of(value()), 0u64..5000).prop_map(
            |(content, (reason, sequence), unknown, count)| {
                members([
                    ("id", Some("msg_1".into())),
                    ("type", Some("message".into())),
                    ("role", Some("assistant".into())),
                    ("model", Some("m".into())),
                    ("content", Some(content.into())),
                    ("stop_reason", Some(reason.into())),
                    ("stop_sequence", Some(sequence.map_or(Value::Null, Value::from))),
                    (
                        "usage",
                        Some(json!({"input_tokens": count, "cache_read_input_tokens": 3,
                        "output_tokens": count})),
                    ),
                    ("context_management", unknown.clone().filter(|unknown| !unknown.is_null())),
                    ("unknown", unknown),
                ])
            },
        )
    }

    fn responses() -> impl Strategy<Value = Value> {
        let part = prop_oneof![
            text().prop_map(
                |text| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
            ),
            text().prop_map(|text| json!({"type": "refusal", "refusal": text})),
        ];
        let item = prop_oneof![
            vec(part, 0..3).prop_map(|content| {
                json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
                    "content": content})
            }),
            (vec(text(), 0..3), vec(text(), 0..2)).prop_map(|(summary, content)| {
                let parts = |kind: &str, texts: Vec<String>| -> Vec<Value> {
                    texts.into_iter().map(|text| json!({"type": kind, "text": text})).collect()
                };
                json!({"id": "rs_1", "type": "reasoning", "summary": parts("summary_text", summary),
                    "content": parts("reasoning_text", content), "encrypted_content": "gAAA"})
            }),
            text().prop_map(|arguments| {
                json!({"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1",
                    "name": "tool", "arguments": arguments})
            }),
            text().prop_map(|input| {
                json!({"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_2", "name": "tool",
                    "input": input})
            }),
            Just(json!({"id": "ls_1", "type": "local_shell_call", "status": "completed",
                "action": {"command": ["ls"]}})),
        ];
        (vec(item, 0..4), value(), any::<bool>()).prop_map(|(output, unknown, store)| {
            json!({"id": "resp_1", "object": "response", "created_at": 1, "status": "completed",
                "error": null,
                "output": output, "store": store, "unknown": unknown,
                "usage": {"input_tokens": 1, "output_tokens": 2,
                    "output_tokens_details": {"reasoning_tokens": 1}}})
        })
    }

    fn gemini() -> impl Strategy<Value = Value> {
        let part = prop_oneof![
            (text(), any::<bool>()).prop_map(|(text, signed)| {
                members([("text", Some(text.into())), ("thoughtSignature", signed.then(|| "c2ln".into()))])
            }),
            text().prop_map(|text| json!({"text": text, "thought": true})),
            object().prop_map(|args| json!({"functionCall": {"name": "tool", "args": args}})),
            Just(json!({"inlineData": {"mimeType": "image/png", "data": "AAAA"}})),
        ];
        let plain = |part: &Value, thought: bool| {
            part.get("text").is_some()
                && part.get("thoughtSignature").is_none()
                && part.get("thought").is_some() == thought
        };
        // Two plain texts in a row are one.
        let parts = vec(part, 0..5).prop_map(move |mut parts: Vec<Value>| {
            parts.dedup_by(|a, b| {
                [true, false].into_iter().any(|thought| plain(a, thought) && plain(b, thought))
            });
            parts
        });
        (vec(parts, 1..3), value()).prop_map(|(candidates, unknown)| {
            let candidate = |(index, parts)| {
                json!({"content": {"parts": parts, "role": "model"}, "finishReason": "STOP", "index": index,
                    "avgLogprobs": -0.5})
            };
            let candidates: Vec<Value> = candidates.into_iter().enumerate().map(candidate).collect();
            json!({"candidates": candidates, "modelVersion": "m", "responseId": "r", "unknown": unknown,
                "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2}})
        })
    }

    /// Folds the events of a Responses stream the way an SDK does, and compares with the items of the last
    /// event.
    fn fold_responses(stream: &[u8]) {
        let mut output: Vec<Value> = Vec::new();
        for (number, event) in Events::new(stream).enumerate() {
            let data: Value = serde_json::from_slice(&event.data).unwrap();
            let kind = data["type"].as_str().unwrap();
            assert_eq!(event.event.unwrap(), kind.as_bytes());
            assert_eq!(data["sequence_number"], number);
            let at = data["output_index"].as_u64().map_or(usize::MAX, |at| usize::try_from(at).unwrap());
            let part_at = |name: &str| format!("/{name}/{}", data[format!("{name}_index")]);
            let push = |slot: &mut Value| {
                let Value::String(text) = slot else { panic!("no text for {kind}") };
                text.push_str(data["delta"].as_str().unwrap());
            };
            match kind {
                "response.output_item.added" => {
                    assert_eq!(at, output.len());
                    output.push(data["item"].clone());
                }
                "response.content_part.added" => {
                    output[at]["content"].as_array_mut().unwrap().push(data["part"].clone());
                }
                "response.reasoning_summary_part.added" => {
                    output[at]["summary"].as_array_mut().unwrap().push(data["part"].clone());
                }
                "response.output_text.delta" | "response.reasoning_text.delta" => {
                    push(&mut output[at].pointer_mut(&part_at("content")).unwrap()["text"]);
                }
                "response.refusal.delta" => {
                    push(&mut output[at].pointer_mut(&part_at("content")).unwrap()["refusal"]);
                }
                "response.reasoning_summary_text.delta" => {
                    push(&mut output[at].pointer_mut(&part_at("summary")).unwrap()["text"]);
                }
                "response.function_call_arguments.delta" => push(&mut output[at]["arguments"]),
                "response.custom_tool_call_input.delta" => push(&mut output[at]["input"]),
                "response.output_item.done" => {
                    if output[at].get("status").is_some() {
                        output[at]["status"] = "completed".into();
                    }
                    assert_eq!(output[at], data["item"]);
                }
                "response.completed" => assert_eq!(data["response"]["output"], Value::from(output.clone())),
                _ => {}
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None,
            ..ProptestConfig::default() })]

        #[test]
        fn chat_there_and_back(reply in chat()) {
            there_and_back(Endpoint::Chat, &reply, Form::Sse);
        }

        #[test]
        fn completions_there_and_back(reply in completions()) {
            there_and_back(Endpoint::Completions, &reply, Form::Sse);
        }

        #[test]
        fn messages_there_and_back(reply in messages()) {
            there_and_back(Endpoint::Messages, &reply, Form::Sse);
        }

        #[test]
        fn responses_there_and_back(reply in responses()) {
            there_and_back(Endpoint::Responses, &reply, Form::Sse);
            fold_responses(&stream_of(Endpoint::Responses, &reply, Form::Sse));
        }

        #[test]
        fn gemini_there_and_back(reply in gemini()) {
            there_and_back(Endpoint::Generate, &reply, Form::Sse);
            there_and_back(Endpoint::Generate, &reply, Form::JsonArray);
        }

        #[test]
        fn native_there_and_back(message in text()) {
            there_and_back(Endpoint::Native, &json!({"layer": 3, "message": message, "model": "m"}),
                Form::Sse);
        }

        #[test]
        fn a_synthesised_chat_stream_without_usage_is_the_stored_stream_without_its_usage_chunk(reply in chat()) {
            let stream = stream_of(Endpoint::Chat, &reply, Form::Sse);
            let options = ReplayOptions { include_usage: false, form: Form::Sse };
            let stored = replay(Endpoint::Chat, b"", Some(&stream), &options).unwrap();
            let json = reply.to_string();
            let made = replay(Endpoint::Chat, json.as_bytes(), None, &options).unwrap();
            let stored = String::from_utf8(stored.into_owned()).unwrap().replace("],\"usage\":null}", "]}");
            prop_assert_eq!(stored, String::from_utf8(made.into_owned()).unwrap());
        }

        #[test]
        fn whatever_comes_nothing_panics(
            bytes in vec(any::<u8>(), 0..300),
            soup in vec("(data: |event: error|\n|\r|: |\\{|\\}|\\[DONE\\]|\"choices\":|\\[|\\]|null|\"error\":|\"index\":1,|\"type\":\"message_stop\")", 0..30),
        ) {
            for body in [bytes, soup.concat().into_bytes()] {
                for endpoint in isartor_core::endpoint::ALL {
                    for form in [Form::Json, Form::Sse, Form::JsonArray] {
                        let _ = finish(endpoint, form, &body);
                        for include_usage in [true, false] {
                            let options = ReplayOptions { include_usage, form };
                            let _ = replay(endpoint, &body, Some(&body), &options);
                            let _ = replay(endpoint, &body, None, &options);
                        }
                    }
                }
            }
        }

        #[test]
        fn replies_of_any_shape_do_not_panic(mut reply in object(), inner in value(), at in 0usize..5) {
            let name = ["choices", "content", "output", "candidates", "usage"][at];
            reply[name] = json!([inner.clone(), {"message": inner.clone(),
                "content": {"parts": [inner.clone()]}, "delta": inner, "type": "text"}]);
            let json = reply.to_string();
            let stream = format!("data: {json}\n\ndata: {json}\n\ndata: [DONE]\n\n");
            for endpoint in isartor_core::endpoint::ALL {
                let _ = finish(endpoint, Form::Json, json.as_bytes());
                let _ = finish(endpoint, Form::Sse, stream.as_bytes());
                let options = ReplayOptions { include_usage: true, form: Form::Sse };
                let _ = replay(endpoint, json.as_bytes(), None, &options);
            }
        }
    }
}
