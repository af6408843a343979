//! Reads server-sent events out of a byte slice, as the WHATWG standard has it: lines end in `\n`, `\r\n` or
//! `\r`, a leading byte order mark and comments are skipped, several `data` lines are one text.
//!
//! Cost: one pass with `memchr`; a copy is made only for events of several `data` lines.

use std::borrow::Cow;

use memchr::memchr2;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One event that carries data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event<'a> {
    /// The value of its last `event` line.
    pub event: Option<&'a [u8]>,
    /// Its `data` lines, joined by line feeds.
    pub data: Cow<'a, [u8]>,
    /// Every byte from the end of the event before (comments included) to the end of its own blank line.
    pub raw: &'a [u8],
    /// Its blank line has been seen. A client never gets to see an event without one.
    pub complete: bool,
}

/// Iterator over the events of a byte slice. Events without data are no events and stay in the next one's
/// `raw`.
#[derive(Clone, Debug)]
pub struct Events<'a> {
    bytes: &'a [u8],
    /// Where the next line begins.
    at: usize,
    /// Where the last event that was given out ended.
    taken: usize,
}

impl<'a> Events<'a> {
    /// Events of `bytes`, which begin where the body began.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        let at = if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        Self { bytes, at, taken: 0 }
    }

    /// What follows the last event that was given out.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.taken..]
    }

    /// The next line without its end, and whether it had one.
    fn line(&mut self) -> Option<(&'a [u8], bool)> {
        let rest = &self.bytes[self.at..];
        if rest.is_empty() {
            return None;
        }
        let Some(end) = memchr2(b'\n', b'\r', rest) else {
            self.at = self.bytes.len();
            return Some((rest, false));
        };
        let both = rest[end] == b'\r' && rest.get(end + 1) == Some(&b'\n');
        self.at += end + 1 + usize::from(both);
        Some((&rest[..end], true))
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        let mut event = None;
        let mut data: Option<Cow<'a, [u8]>> = None;
        let mut complete = false;
        while let Some((line, ended)) = self.line() {
            if line.is_empty() && ended {
                if data.is_some() {
                    complete = true;
                    break;
                }
                event = None;
                continue;
            }
            match field(line) {
                (b"data", value) => match &mut data {
                    None => data = Some(Cow::Borrowed(value)),
                    Some(text) => {
                        let text = text.to_mut();
                        text.push(b'\n');
                        text.extend_from_slice(value);
                    }
                },
                (b"event", value) => event = Some(value),
                _ => {}
            }
        }
        let data = data?;
        let raw = &self.bytes[self.taken..self.at];
        self.taken = self.at;
        Some(Event { event, data, raw, complete })
    }
}

/// Name and value of a line; one blank after the colon belongs to neither. A comment has an empty name.
fn field(line: &[u8]) -> (&[u8], &[u8]) {
    let Some(colon) = memchr::memchr(b':', line) else { return (line, b"") };
    let value = &line[colon + 1..];
    (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<(Option<&str>, String, bool)> {
        Events::new(bytes)
            .map(|event| {
                let name = event.event.map(|name| std::str::from_utf8(name).unwrap());
                (name, String::from_utf8(event.data.into_owned()).unwrap(), event.complete)
            })
            .collect()
    }

    #[test]
    fn every_line_end_gives_the_same_events() {
        let unix = "event: a\ndata: 1\n\n: note\ndata:2\ndata: 3\n\n";
        let expected = vec![(Some("a"), "1".to_owned(), true), (None, "2\n3".to_owned(), true)];
        for end in ["\n", "\r\n", "\r"] {
            assert_eq!(all(unix.replace('\n', end).as_bytes()), expected);
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped_only_at_the_beginning() {
        assert_eq!(all(b"\xef\xbb\xbfdata: 1\n\n"), vec![(None, "1".to_owned(), true)]);
        assert_eq!(all(b"data: 1\n\n\xef\xbb\xbfdata: 2\n\n").len(), 1);
    }

    #[test]
    fn an_event_without_its_blank_line_is_incomplete() {
        assert_eq!(all(b"data: 1\n"), vec![(None, "1".to_owned(), false)]);
        assert_eq!(all(b"data: 1"), vec![(None, "1".to_owned(), false)]);
    }

    #[test]
    fn a_block_without_data_is_no_event_and_its_name_is_forgotten() {
        assert_eq!(all(b"event: a\n\ndata: 1\n\n"), vec![(None, "1".to_owned(), true)]);
    }

    #[test]
    fn raw_slices_and_the_rest_are_the_whole_input() {
        let bytes = b": hello\n\ndata: 1\n\nretry: 5\ndata: 2\r\n\r\n: bye\n";
        let mut events = Events::new(bytes);
        let mut whole: Vec<u8> = events.by_ref().flat_map(|event| event.raw.to_vec()).collect();
        whole.extend_from_slice(events.rest());
        assert_eq!(whole, bytes);
        assert_eq!(events.rest(), b": bye\n");
    }
}
