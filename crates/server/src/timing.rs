//! The `Server-Timing` header: what each station of a request took (PostgREST's reference, "Server-Timing Header").

use std::fmt::Write as _;
use std::time::Instant;

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// A watch that is looked at after each station.
pub struct Timing {
    /// When the last station ended; `None` when nobody wants to know
    since: Option<Instant>,
    /// Stations and what they took, in milliseconds
    stations: Vec<(&'static str, f64)>,
}

impl Timing {
    /// A watch that begins now, if it is wanted.
    pub fn start(wanted: bool) -> Timing {
        Timing { since: wanted.then(Instant::now), stations: Vec::new() }
    }

    /// A station has ended.
    pub fn station(&mut self, name: &'static str) {
        if let Some(since) = &mut self.since {
            self.stations.push((name, since.elapsed().as_secs_f64() * 1000.0));
            *since = Instant::now();
        }
    }

    /// What was waited for since the last station is nobody's.
    pub fn pause(&mut self) {
        if let Some(since) = &mut self.since {
            *since = Instant::now();
        }
    }

    /// Tells the stations of a request that was answered.
    pub fn tell(&self, status: StatusCode, headers: &mut HeaderMap) {
        if self.stations.is_empty() || status.is_client_error() || status.is_server_error() {
            return;
        }
        let mut text = String::new();
        for (name, millis) in &self.stations {
            let comma = if text.is_empty() { "" } else { ", " };
            let _ = write!(text, "{comma}{name};dur={millis:.1}");
        }
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(SERVER_TIMING, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(wanted: bool, status: StatusCode) -> Option<String> {
        let mut timing = Timing::start(wanted);
        timing.station("jwt");
        timing.pause();
        timing.station("parse");
        let mut headers = HeaderMap::new();
        timing.tell(status, &mut headers);
        Some(headers.get(SERVER_TIMING)?.to_str().unwrap().to_owned())
    }

    #[test]
    fn stations_are_told_where_wanted() {
        let text = told(true, StatusCode::OK).unwrap();
        assert!(text.starts_with("jwt;dur=") && text.contains(", parse;dur="), "{text}");
        assert_eq!(told(false, StatusCode::OK), None);
        assert_eq!(told(true, StatusCode::NOT_FOUND), None);
    }
}
