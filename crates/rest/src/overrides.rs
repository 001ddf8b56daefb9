//! What SQL says about the answer: the settings `response.status` and `response.headers`, and errors raised with the SQLSTATE `PGRST`
//! (PostgREST's reference, "Transaction-Scoped Settings" and "RAISE errors with HTTP Status Codes").

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use plinth_engine::Overrides;
use serde_json::{Map, Value};

use crate::error::ApiError;

/// Puts status and headers in the place of the answer's own. Errors: PGRST111, PGRST112.
pub(crate) fn apply(response: &mut Response<Bytes>, overrides: &Overrides) -> Result<(), ApiError> {
    if let Some(text) = &overrides.headers {
        let headers = headers(text).ok_or_else(|| {
            ApiError::new(
                500,
                "PGRST111",
                "response.headers guc must be a JSON array composed of objects with a single key and a string value",
            )
        })?;
        put(response.headers_mut(), headers);
    }
    if let Some(text) = &overrides.status {
        let status = text.parse().ok().and_then(|status| StatusCode::from_u16(status).ok());
        *response.status_mut() = status.ok_or_else(|| {
            ApiError::new(500, "PGRST112", "response.status guc must be a valid status code")
        })?;
    }
    Ok(())
}

/// The error that `raise sqlstate 'PGRST'` describes with JSON in its message and detail. Errors in that: PGRST121.
pub(crate) fn raised(message: &str, detail: Option<&str>) -> ApiError {
    let wrong = |details: String, hint: Option<&str>| ApiError {
        hint: hint.map(str::to_owned),
        ..ApiError::new(500, "PGRST121", "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error")
            .details(details)
    };
    let Some((code, text, details, hint)) = description(message) else {
        return wrong(
            format!("Invalid JSON value for MESSAGE: '{message}'"),
            Some(
                "MESSAGE must be a JSON object with obligatory keys: 'code', 'message' and optional keys: 'details', 'hint'.",
            ),
        );
    };
    let Some(detail) = detail else {
        return wrong("DETAIL is missing in the RAISE statement".to_owned(), None);
    };
    let Some((status, headers)) = shape(detail) else {
        return wrong(
            format!("Invalid JSON value for DETAIL: '{detail}'"),
            Some(
                "DETAIL must be a JSON object with obligatory keys: 'status', 'headers' and optional key: 'status_text'.",
            ),
        );
    };
    ApiError { details: details.map(Value::from), hint, headers, ..ApiError::new(status, code, text) }
}

/// Headers that replace those of the same name.
pub(crate) fn put(into: &mut HeaderMap, headers: Vec<(HeaderName, HeaderValue)>) {
    let mut replaced: Vec<HeaderName> = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        if replaced.contains(&name) {
            into.append(name, value);
        } else {
            into.insert(name.clone(), value);
            replaced.push(name);
        }
    }
}

fn headers(text: &str) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let list: Vec<Map<String, Value>> = serde_json::from_str(text).ok()?;
    list.iter()
        .map(|object| {
            let mut entries = object.iter();
            let (name, value) = entries.next()?;
            if entries.next().is_some() {
                return None;
            }
            header(name, value)
        })
        .collect()
}

fn header(name: &str, value: &Value) -> Option<(HeaderName, HeaderValue)> {
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value.as_str()?).ok()?))
}

/// Code, message, details and hint of an error.
type Description = (String, String, Option<String>, Option<String>);

fn description(text: &str) -> Option<Description> {
    let object: Map<String, Value> = serde_json::from_str(text).ok()?;
    let required = |key: &str| object.get(key)?.as_str().map(str::to_owned);
    let optional = |key: &str| match object.get(key) {
        None | Some(Value::Null) => Some(None),
        Some(value) => value.as_str().map(|text| Some(text.to_owned())),
    };
    Some((required("code")?, required("message")?, optional("details")?, optional("hint")?))
}

fn shape(text: &str) -> Option<(u16, Vec<(HeaderName, HeaderValue)>)> {
    let object: Map<String, Value> = serde_json::from_str(text).ok()?;
    let status = object.get("status")?.as_u64().and_then(|status| u16::try_from(status).ok())?;
    StatusCode::from_u16(status).ok()?;
    let headers = object.get("headers")?.as_object()?;
    Some((status, headers.iter().map(|(name, value)| header(name, value)).collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply_to(status: Option<&str>, headers: Option<&str>) -> Result<Response<Bytes>, ApiError> {
        let mut response = Response::new(Bytes::new());
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
        let overrides = Overrides { status: status.map(str::to_owned), headers: headers.map(str::to_owned) };
        apply(&mut response, &overrides).map(|()| response)
    }

    #[test]
    fn sql_chooses_status_and_headers() {
        let headers = r#"[{"Content-Type": "text/x"}, {"Set-Cookie": "a=1"}, {"Set-Cookie": "b=2"}]"#;
        let response = apply_to(Some("418"), Some(headers)).unwrap();
        assert_eq!(response.status(), 418);
        assert_eq!(response.headers()["content-type"], "text/x");
        assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
    }

    #[test]
    fn what_is_no_header_or_status_is_refused() {
        for headers in ["{}", "[1]", r#"[{"a": "1", "b": "2"}]"#, r#"[{"a": 1}]"#, r#"[{"a b": "1"}]"#, "x"] {
            assert_eq!(apply_to(None, Some(headers)).unwrap_err().code, "PGRST111", "{headers}");
        }
        for status in ["", "x", "99", "70000"] {
            assert_eq!(apply_to(Some(status), None).unwrap_err().code, "PGRST112", "{status}");
        }
    }

    #[test]
    fn raised_errors_say_everything() {
        let error = raised(
            r#"{"code": "123", "message": "m", "details": "d"}"#,
            Some(r#"{"status": 332, "headers": {"X-A": "1"}}"#),
        );
        assert_eq!((error.status, error.code.as_str(), error.message.as_str()), (332, "123", "m"));
        assert_eq!((error.details, error.hint, error.headers.len()), (Some(Value::from("d")), None, 1));
        assert_eq!(raised("x", Some("{}")).code, "PGRST121");
        assert_eq!(raised(r#"{"code": "1", "message": "m"}"#, None).code, "PGRST121");
        assert_eq!(raised(r#"{"code": "1", "message": "m"}"#, Some("{}")).code, "PGRST121");
    }
}
