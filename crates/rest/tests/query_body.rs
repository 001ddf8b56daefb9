//! A query in the body is the same request as the one in the URL.

#![allow(clippy::unwrap_used, reason = "a test")]

use http::{HeaderMap, HeaderValue, Method};
use plinth_query::Request;
use plinth_rest::{Call, Incoming, Options, parse};
use proptest::prelude::*;

/// The request, or the code and message of its refusal.
fn ask(method: &Method, path: &str, query: &str, posted: Option<&str>) -> Result<Request, (String, String)> {
    let options = Options::default();
    let mut headers = HeaderMap::new();
    if let Some(media_type) = posted {
        headers.insert("content-type", HeaderValue::from_str(media_type).unwrap());
    }
    let (query, body) = if posted.is_some() { ("", query.as_bytes()) } else { (query, &[][..]) };
    let incoming = Incoming { method, path, query, headers: &headers, body };
    match parse(&incoming, &options) {
        Ok(Call::Data { request, .. }) => Ok(*request),
        Ok(other) => panic!("no data was asked for: {other:?}"),
        Err(error) => Err((error.code, error.message)),
    }
}

proptest! {
    #[test]
    fn the_same_wherever_the_query_is(
        path in "/(t|rpc/f)",
        query in "((select|order|limit|offset|and|or|a|b\\.c|columns)=(eq\\.|in\\.\\(|\\(|not\\.)?[a-z0-9.,()%+*:\"]{0,8}&?){0,4}",
    ) {
        let by_url = ask(&Method::GET, &path, &query, None);
        for (method, media_type) in [
            (Method::QUERY, "application/x-www-form-urlencoded"),
            (Method::QUERY, "application/vnd.pgrst.query"),
            (Method::POST, "application/vnd.pgrst.query"),
            (Method::POST, "Application/Vnd.PGRST.Query; charset=utf-8"),
        ] {
            prop_assert_eq!(&ask(&method, &path, &query, Some(media_type)), &by_url);
        }
        // A form that is posted is rows or arguments, and never a read.
        let posted = ask(&Method::POST, &path, &query, Some("application/x-www-form-urlencoded"));
        prop_assert!(posted.is_err() || posted != by_url);
    }
}
