//! Streams as the providers send them (`data/sse`), each beside the JSON that the provider would have sent
//! instead.

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use isartor_core::endpoint::Endpoint;
    use isartor_core::sse::{Form, ReplayOptions, Reply, Tee, Unstorable, Usage, replay};
    use serde_json::Value;

    const NAMES: [(&str, Endpoint, Form); 10] = [
        ("chat_text.sse", Endpoint::Chat, Form::Sse),
        ("chat_tools.sse", Endpoint::Chat, Form::Sse),
        ("chat_compatible.sse", Endpoint::Chat, Form::Sse),
        ("completions.sse", Endpoint::Completions, Form::Sse),
        ("messages.sse", Endpoint::Messages, Form::Sse),
        ("responses.sse", Endpoint::Responses, Form::Sse),
        ("responses_empty_output.sse", Endpoint::Responses, Form::Sse),
        ("gemini.sse", Endpoint::Generate, Form::Sse),
        ("gemini_array.array", Endpoint::Generate, Form::JsonArray),
        ("native.sse", Endpoint::Native, Form::Sse),
    ];

    struct Recorded {
        name: &'static str,
        endpoint: Endpoint,
        form: Form,
        stream: Vec<u8>,
        json: Value,
    }

    fn recorded() -> impl Iterator<Item = Recorded> {
        NAMES.into_iter().map(|(name, endpoint, form)| {
            let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sse").join(name);
            let stream = fs::read(&path).unwrap();
            let json = serde_json::from_slice(&fs::read(path.with_extension("json")).unwrap()).unwrap();
            Recorded { name, endpoint, form, stream, json }
        })
    }

    fn finish<'a>(of: &Recorded, chunks: impl Iterator<Item = &'a [u8]>) -> Result<Reply, Unstorable> {
        let mut tee = Tee::new(of.endpoint, of.form, usize::MAX);
        chunks.for_each(|chunk| tee.feed(chunk));
        tee.finish()
    }

    fn whole(of: &Recorded) -> Reply {
        finish(of, [&of.stream[..]].into_iter()).unwrap_or_else(|error| panic!("{}: {error:?}", of.name))
    }

    /// Where the last byte stands that is more than white space.
    fn significant(bytes: &[u8]) -> usize {
        bytes.trim_ascii_end().len()
    }

    #[test]
    fn a_stream_is_assembled_into_what_the_provider_would_have_sent() {
        for of in recorded() {
            let reply = whole(&of);
            let json: Value = serde_json::from_slice(&reply.json).unwrap();
            assert_eq!(json, of.json, "{}", of.name);
        }
    }

    #[test]
    fn the_stream_is_kept_as_it_was_sent_but_for_a_missing_last_blank_line() {
        for of in recorded().filter(|of| of.form == Form::Sse) {
            let kept = whole(&of).stream.unwrap();
            assert!(kept.starts_with(&of.stream), "{}", of.name);
            assert!(kept.len() == of.stream.len() || of.name == "chat_compatible.sse", "{}", of.name);
            let again = ReplayOptions { include_usage: true, form: Form::Sse };
            let replayed = replay(of.endpoint, b"", Some(&kept), &again).unwrap();
            assert!(matches!(replayed, std::borrow::Cow::Borrowed(bytes) if bytes == kept), "{}", of.name);
        }
    }

    #[test]
    fn where_the_network_cuts_the_chunks_makes_no_difference() {
        for of in recorded() {
            let expected = whole(&of);
            for size in [1, 2, 3, 7, 64, 1000] {
                assert_eq!(finish(&of, of.stream.chunks(size)).unwrap(), expected, "{}", of.name);
            }
        }
    }

    #[test]
    fn a_stream_cut_at_any_byte_is_not_stored_unless_only_white_space_is_missing() {
        for of in recorded() {
            for cut in 0..of.stream.len() {
                let stored = finish(&of, [&of.stream[..cut]].into_iter()).is_ok();
                assert_eq!(stored, cut >= significant(&of.stream), "{} at {cut}", of.name);
            }
        }
    }

    #[test]
    fn an_error_event_anywhere_keeps_a_stream_out_of_the_store() {
        let errors = [
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}\n\n",
            "data: {\"error\":{\"message\":\"m\",\"code\":500}}\n\n",
        ];
        for of in recorded().filter(|of| of.form == Form::Sse) {
            let text = String::from_utf8(of.stream.clone()).unwrap().replace("\r\n", "\n");
            let places: Vec<usize> = text.match_indices("\n\n").map(|(at, end)| at + end.len()).collect();
            for at in [0].into_iter().chain(places) {
                for error in errors {
                    let broken = [&text[..at], error, &text[at..]].concat();
                    let found = finish(&of, [broken.as_bytes()].into_iter());
                    assert!(found.is_err(), "{} at {at}", of.name);
                    if !text[..at].contains("[DONE]") {
                        assert_eq!(found, Err(Unstorable::ErrorInside), "{} at {at}", of.name);
                    }
                }
            }
        }
    }

    #[test]
    fn only_comments_may_follow_the_end() {
        for of in recorded().filter(|of| of.form == Form::Sse && of.endpoint != Endpoint::Generate) {
            for (more, stored) in
                [("\n\n: bye\n\n", true), ("\n\ndata: {\"id\":\"x\"}\n\n", false), ("\n\n{\"id\"", false)]
            {
                let longer = [&of.stream, more.as_bytes()].concat();
                assert_eq!(finish(&of, [&longer[..]].into_iter()).is_ok(), stored, "{} {more:?}", of.name);
            }
        }
    }

    #[test]
    fn usage_is_counted_alike_on_every_surface() {
        let usage = |input, output, cached, cache_write, reasoning| Usage {
            input,
            output,
            cached,
            cache_write,
            reasoning,
        };
        let expected = [
            ("chat_text.sse", usage(11, 9, 4, 0, 2)),
            ("chat_tools.sse", Usage::default()),
            ("chat_compatible.sse", usage(3, 4, 2, 0, 0)),
            ("completions.sse", usage(1, 2, 0, 0, 0)),
            ("messages.sse", usage(32, 88, 7, 5, 0)),
            ("responses.sse", usage(30, 40, 10, 0, 25)),
            ("gemini.sse", usage(9, 32, 3, 0, 20)),
        ];
        for of in recorded() {
            let reply = whole(&of);
            if let Some((_, expected)) = expected.iter().find(|(name, _)| *name == of.name) {
                assert_eq!(reply.usage, *expected, "{}", of.name);
                assert_eq!(reply.facts.usage, *expected != Usage::default(), "{}", of.name);
            }
        }
    }

    #[test]
    fn the_usage_chunk_is_left_out_of_a_replay_that_has_not_asked_for_it() {
        for of in recorded().filter(|of| of.form == Form::Sse) {
            let without = ReplayOptions { include_usage: false, form: Form::Sse };
            let replayed = replay(of.endpoint, b"", Some(&of.stream), &without).unwrap();
            let left_out = matches!(of.name, "chat_text.sse" | "completions.sse");
            assert_eq!(replayed.len() < of.stream.len(), left_out, "{}", of.name);
            let text = String::from_utf8(replayed.into_owned()).unwrap();
            assert!(!text.contains("\"choices\":[]"), "{}", of.name);
            if of.name != "chat_compatible.sse" {
                assert_eq!(
                    text.matches("data: ").count() + usize::from(left_out),
                    String::from_utf8_lossy(&of.stream).matches("data: ").count()
                );
            }
        }
    }

    #[test]
    fn gemini_pieces_are_the_same_as_events_and_as_an_array() {
        let [events, array] = ["gemini.sse", "gemini_array.array"]
            .map(|name| whole(&recorded().find(|of| of.name == name).unwrap()).stream.unwrap());
        let options = ReplayOptions { include_usage: false, form: Form::JsonArray };
        let pieces = |stream: &[u8]| -> Vec<Value> {
            serde_json::from_slice(&replay(Endpoint::Generate, b"", Some(stream), &options).unwrap()).unwrap()
        };
        assert_eq!(pieces(&events).len(), 5);
        assert_eq!(pieces(&events), pieces(&array));
    }
}
