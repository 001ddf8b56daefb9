//! The media type of plans, `application/vnd.pgrst.plan+json; for="application/json"; options=analyze|verbose` (PostgREST's reference,
//! "Execution plan").

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use plinth_engine::Explain;

/// What a client wants to know of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// How it is told
    pub options: Explain,
    /// The media type that the rows would have
    pub rows: String,
}

/// Reads one entry of `Accept`; `None` when it is another media type.
pub(crate) fn entry(entry: &str) -> Option<Explained> {
    let mut parts = parameters(entry).into_iter();
    let mut options = match parts.next()?.to_ascii_lowercase().as_str() {
        "application/vnd.pgrst.plan+json" => Explain { json: true, ..Explain::default() },
        "application/vnd.pgrst.plan" | "application/vnd.pgrst.plan+text" => Explain::default(),
        _ => return None,
    };
    let mut rows = "application/json".to_owned();
    for parameter in parts {
        if let Some(media) = parameter.strip_prefix("for=") {
            rows = media.trim_matches('"').to_owned();
        } else if let Some(words) = parameter.strip_prefix("options=") {
            for word in words.trim_matches('"').split('|') {
                match word {
                    "analyze" => options.analyze = true,
                    "verbose" => options.verbose = true,
                    "settings" => options.settings = true,
                    "buffers" => options.buffers = true,
                    "wal" => options.wal = true,
                    // As PostgREST passes over it.
                    _ => {}
                }
            }
        }
    }
    Some(Explained { options, rows })
}

/// The parts between semicolons, except those inside quotes.
fn parameters(entry: &str) -> Vec<&str> {
    let mut quoted = false;
    let split = entry.split(move |c| {
        quoted ^= c == '"';
        c == ';' && !quoted
    });
    split.map(str::trim).collect()
}

impl Explained {
    fn content_type(&self) -> String {
        let form = if self.options.json { "json" } else { "text" };
        let Explain { analyze, verbose, settings, buffers, wal, json: _ } = self.options;
        let all = [
            (analyze, "analyze"),
            (verbose, "verbose"),
            (settings, "settings"),
            (buffers, "buffers"),
            (wal, "wal"),
        ];
        let words: Vec<&str> = all.into_iter().filter(|(given, _)| *given).map(|(_, word)| word).collect();
        let options = if words.is_empty() { String::new() } else { format!("; options={}", words.join("|")) };
        format!("application/vnd.pgrst.plan+{form}; for=\"{}\"{options}; charset=utf-8", self.rows)
    }
}

/// The answer that tells a plan.
pub fn explained(explained: &Explained, text: Vec<u8>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    if let Ok(value) = HeaderValue::from_str(&explained.content_type()) {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries() {
        for (text, content_type) in [
            (
                "application/vnd.pgrst.plan",
                Some("application/vnd.pgrst.plan+text; for=\"application/json\"; charset=utf-8"),
            ),
            (
                "application/vnd.pgrst.plan+json; for=\"text/csv\"; options=wal|analyze|none",
                Some("application/vnd.pgrst.plan+json; for=\"text/csv\"; options=analyze|wal; charset=utf-8"),
            ),
            (
                "application/vnd.pgrst.plan+json;for=\"application/vnd.pgrst.object+json;nulls=stripped\"",
                Some(
                    "application/vnd.pgrst.plan+json; for=\"application/vnd.pgrst.object+json;nulls=stripped\"; charset=utf-8",
                ),
            ),
            ("application/json", None),
            ("", None),
        ] {
            assert_eq!(entry(text).map(|found| found.content_type()).as_deref(), content_type, "{text}");
        }
    }
}
