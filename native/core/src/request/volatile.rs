//! What known clients change from run to run without meaning anything by it: the one table.
//!
//! Each rule belongs to a client that was recognised by its headers ([`super::head::Client`]); other clients' bodies are
//! taken at their word. A value masked here may still stand in the provider's reply (a session folder in a tool call),
//! so the masked texts are handed back and a reply that contains one is not stored.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::head::Client;

/// Members of the body's root that a client makes up per run.
pub const ROOT_MEMBERS: &[(Client, &str)] = &[(Client::Codex, "client_metadata")];

/// Members of each message or input item that a client makes up per run.
pub const TURN_MEMBERS: &[(Client, &str)] =
    &[(Client::Codex, "id"), (Client::Codex, "internal_chat_message_metadata_passthrough")];

/// Who wrote a text, as far as the rules below care.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Voice {
    /// System and developer instructions.
    System,
    /// The user's turns.
    User,
    /// Everything else: replies, tool results.
    Other,
}

/// A text as it goes into the key.
#[derive(Debug, PartialEq, Eq)]
pub struct Settled {
    /// The text with its volatile parts replaced.
    pub text: Vec<u8>,
    /// What was taken out because it is made up per session.
    pub masked: Option<String>,
}

/// Replaces the volatile parts of one text; `None` if it has none. `bucket_secs` is what time stamps are rounded down to.
#[must_use]
pub fn settle(client: Client, voice: Voice, text: &[u8], bucket_secs: u64) -> Option<Settled> {
    match (client, voice) {
        (Client::Copilot, Voice::System) => mask_session_folder(text),
        (Client::Copilot, Voice::User) => round_time_stamp(text, bucket_secs),
        _ => None,
    }
}

const FOLDER: &[u8] = b"/session-state/";

/// Stands where a text was masked; no UTF-8 text contains it, so a masked text is never equal to one that is not.
const MASK: &[u8] = b"\xff";

/// Copilot CLI names its session's folder, `…/session-state/<uuid>`, in the system text.
fn mask_session_folder(text: &[u8]) -> Option<Settled> {
    let start = memchr::memmem::find(text, FOLDER)? + FOLDER.len();
    let uuid = text.get(start..start + 36).filter(|uuid| is_uuid(uuid))?;
    let masked = String::from_utf8(uuid.to_vec()).ok()?;
    let mut settled = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, uuid) {
        settled.extend_from_slice(&rest[..at]);
        settled.extend_from_slice(MASK);
        rest = &rest[at + uuid.len()..];
    }
    settled.extend_from_slice(rest);
    Some(Settled { text: settled, masked: Some(masked) })
}

fn is_uuid(text: &[u8]) -> bool {
    text.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

const OPEN: &[u8] = b"<current_datetime>";
const CLOSE: &[u8] = b"</current_datetime>";

/// Copilot CLI writes the time of asking, to the millisecond, in front of every user message. A stamp further in was
/// written by the user, who may mean it to the second.
fn round_time_stamp(text: &[u8], bucket_secs: u64) -> Option<Settled> {
    let start = OPEN.len();
    let end = start + memchr::memmem::find(text.strip_prefix(OPEN)?, CLOSE)?;
    let stamp = std::str::from_utf8(&text[start..end]).ok()?;
    let time = OffsetDateTime::parse(stamp, &Rfc3339).ok()?;
    let bucket = time.unix_timestamp().div_euclid(i64::try_from(bucket_secs.max(1)).unwrap_or(i64::MAX));
    let mut settled = Vec::with_capacity(text.len());
    settled.extend_from_slice(&text[..start]);
    // The offset from UTC stays: it tells the model where the user is.
    settled.extend_from_slice(format!("{bucket}@{}", time.offset()).as_bytes());
    settled.extend_from_slice(&text[end..]);
    Some(Settled { text: settled, masked: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(text: &str, bucket: u64) -> Option<Vec<u8>> {
        settle(Client::Copilot, Voice::User, text.as_bytes(), bucket).map(|settled| settled.text)
    }

    #[test]
    fn a_time_stamp_is_rounded_down_not_dropped() {
        let at = |time: &str| round(&format!("<current_datetime>{time}</current_datetime>\n\nsay hi"), 300);
        assert_eq!(at("2026-11-20T13:05:00.000+00:00"), at("2026-11-20T13:09:59.999+00:00"));
        assert_ne!(at("2026-11-20T13:04:59.999+00:00"), at("2026-11-20T13:05:00.000+00:00"));
        assert_ne!(at("2026-11-20T13:05:00Z"), at("2026-11-20T14:05:00+01:00"), "another place asks");
        assert_eq!(at("yesterday"), None, "what is no time stamp stays as it is");
        assert_eq!(round("is <current_datetime>2026-11-20T13:05:00Z</current_datetime> odd?", 300), None);
    }

    #[test]
    fn only_the_time_stamp_is_touched() {
        let a = round("<current_datetime>2026-11-20T13:05:00Z</current_datetime> one", 300);
        let b = round("<current_datetime>2026-11-20T13:05:00Z</current_datetime> two", 300);
        assert_ne!(a, b);
        assert_eq!(
            settle(
                Client::Other,
                Voice::User,
                b"<current_datetime>2026-11-20T13:05:00Z</current_datetime>",
                300
            ),
            None
        );
    }

    #[test]
    fn a_session_folder_is_masked_and_reported() {
        let text = b"in /home/dev/.copilot/session-state/907e8512-a9f8-4e38-b641-440b78cc3531\n or so";
        let settled = settle(Client::Copilot, Voice::System, text, 300).unwrap();
        assert_eq!(settled.text, b"in /home/dev/.copilot/session-state/\xff\n or so");
        assert_eq!(settled.masked.as_deref(), Some("907e8512-a9f8-4e38-b641-440b78cc3531"));
        assert_eq!(settle(Client::Copilot, Voice::System, b"/session-state/not-a-uuid", 300), None);
    }
}
