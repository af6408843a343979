//! Bodies as they were before they were compressed.

use std::io::Write as _;

use bytes::Bytes;
use flate2::write::GzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// Undoes what `content-encoding` says, piece by piece.
pub enum Decoder {
    Plain,
    Gzip(Box<GzDecoder<Vec<u8>>>),
}

impl Decoder {
    /// For a reply with these headers. An encoding that was not asked for is an error.
    pub fn of(headers: &HeaderMap) -> Result<Self, String> {
        let Some(encoding) = headers.get(CONTENT_ENCODING) else { return Ok(Self::Plain) };
        let encoding = String::from_utf8_lossy(encoding.as_bytes()).trim().to_ascii_lowercase();
        match encoding.as_str() {
            "" | "identity" => Ok(Self::Plain),
            "gzip" | "x-gzip" => Ok(Self::Gzip(Box::new(GzDecoder::new(Vec::new())))),
            _ => Err(format!("the content-encoding {encoding:?} was not asked for")),
        }
    }

    /// Bytes to feed at once: a few of gzip may come to a thousand times as many.
    pub const fn bite(&self) -> usize {
        match self {
            Self::Plain => usize::MAX,
            Self::Gzip(_) => 4096,
        }
    }

    /// What one piece comes to; it may be nothing yet.
    pub fn feed(&mut self, piece: Bytes) -> Result<Bytes, String> {
        match self {
            Self::Plain => Ok(piece),
            Self::Gzip(decoder) => {
                decoder
                    .write_all(&piece)
                    .and_then(|()| decoder.flush())
                    .map_err(|error| error.to_string())?;
                Ok(Bytes::from(std::mem::take(decoder.get_mut())))
            }
        }
    }

    /// What is left at the end of the body.
    pub fn end(&mut self) -> Result<Bytes, String> {
        match self {
            Self::Plain => Ok(Bytes::new()),
            Self::Gzip(decoder) => {
                decoder.try_finish().map_err(|error| error.to_string())?;
                Ok(Bytes::from(std::mem::take(decoder.get_mut())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use bytes::Bytes;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::{HeaderMap, HeaderValue};

    use super::Decoder;

    type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

    fn of(encoding: &'static str) -> std::result::Result<Decoder, String> {
        Decoder::of(&HeaderMap::from_iter([(
            http::header::CONTENT_ENCODING,
            HeaderValue::from_static(encoding),
        )]))
    }

    fn zipped(text: &[u8]) -> Result<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text)?;
        Ok(encoder.finish()?)
    }

    #[test]
    fn pieces_of_any_size_come_to_the_same() -> Result {
        let text = b"what was said, and what was said again ".repeat(100);
        for size in [1, 7, 1000] {
            let mut decoder = of("gzip")?;
            let mut found = Vec::new();
            for piece in zipped(&text)?.chunks(size) {
                found.extend_from_slice(&decoder.feed(Bytes::copy_from_slice(piece))?);
            }
            found.extend_from_slice(&decoder.end()?);
            assert_eq!(found, text);
        }
        Ok(())
    }

    #[test]
    fn what_breaks_off_is_an_error() -> Result {
        let mut decoder = of("gzip")?;
        let zipped = zipped(b"a text of some length, cut in the middle")?;
        let half = decoder.feed(Bytes::copy_from_slice(&zipped[..zipped.len() / 2]));
        assert!(half.is_err() || decoder.end().is_err());
        Ok(())
    }

    #[test]
    fn what_was_not_asked_for_is_an_error() {
        assert!(of("br").is_err());
        assert!(of("identity").is_ok());
    }
}
