//! `limit`, `offset`, the `Range` header, and `Content-Range`.

use http::HeaderMap;

use crate::error::ApiError;

/// Part of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Window {
    pub(crate) offset: u64,
    pub(crate) limit: Option<u64>,
}

pub(crate) fn not_satisfiable(details: &str) -> ApiError {
    ApiError::new(416, "PGRST103", "Requested range not satisfiable").details(details)
}

/// `limit=…`. Errors: negative (PGRST103), not a number (PGRST100).
pub(crate) fn limit(text: &str) -> Result<u64, ApiError> {
    if text.starts_with('-') && text.len() > 1 && text.bytes().skip(1).all(|b| b.is_ascii_digit()) {
        return Err(not_satisfiable("Limit should be greater than or equal to zero."));
    }
    number("limit", text)
}

/// `offset=…`; a negative one is zero, as in PostgREST.
pub(crate) fn offset(text: &str) -> Result<u64, ApiError> {
    if text.starts_with('-') && text.len() > 1 && text.bytes().skip(1).all(|b| b.is_ascii_digit()) {
        return Ok(0);
    }
    number("offset", text)
}

fn number(what: &'static str, text: &str) -> Result<u64, ApiError> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ApiError::syntax(what, text, 0, "expecting a whole number".into()));
    }
    // What no table can hold means the same as the largest number.
    Ok(text.parse::<u64>().unwrap_or(u64::MAX).min(i64::MAX as u64))
}

/// The `Range` header of a GET: `0-9`, `5-`; a leading `items=` is accepted. What does not read as a range is passed over
/// (RFC 9110, 14.2). Errors: an inverted range.
pub(crate) fn header(headers: &HeaderMap) -> Result<Window, ApiError> {
    let Some(text) = headers.get("range").and_then(|value| value.to_str().ok()) else {
        return Ok(Window::default());
    };
    let text = text.trim().strip_prefix("items=").unwrap_or(text.trim());
    let Some((from, to)) = text.split_once('-') else { return Ok(Window::default()) };
    let Ok(from) = from.trim().parse::<u64>() else { return Ok(Window::default()) };
    if to.trim().is_empty() {
        return Ok(Window { offset: from, limit: None });
    }
    let Ok(to) = to.trim().parse::<u64>() else { return Ok(Window::default()) };
    match to.checked_sub(from) {
        Some(more) => Ok(Window { offset: from, limit: Some(more.saturating_add(1)) }),
        None => Err(not_satisfiable(
            "The lower boundary must be lower than or equal to the upper boundary in the Range header.",
        )),
    }
}

/// What both windows cover.
pub(crate) fn intersect(a: Window, b: Window) -> Window {
    let end = |w: Window| w.limit.map(|limit| w.offset.saturating_add(limit));
    let offset = a.offset.max(b.offset);
    let end = match (end(a), end(b)) {
        (Some(x), Some(y)) => Some(x.min(y)),
        (one, other) => one.or(other),
    };
    Window { offset, limit: end.map(|end| end.saturating_sub(offset)) }
}

/// `Content-Range`: `0-9/*`, `*/0`.
pub(crate) fn content_range(offset: u64, rows: u64, total: Option<u64>) -> String {
    let total_text = total.map_or_else(|| "*".to_owned(), |total| total.to_string());
    if rows == 0 || total == Some(0) {
        format!("*/{total_text}")
    } else {
        format!("{offset}-{}/{total_text}", offset.saturating_add(rows - 1))
    }
}

/// The status of a read: 206 when the total is known and there is more, 416 when the offset is beyond it.
pub(crate) fn status(offset: u64, rows: u64, total: Option<u64>) -> Result<u16, ApiError> {
    match total {
        Some(total) if offset > total => Err(not_satisfiable(&format!(
            "An offset of {offset} was requested, but there are only {total} rows."
        ))),
        Some(total) if rows < total => Ok(206),
        _ => Ok(200),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(text: &str) -> Result<Window, ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert("range", text.parse().unwrap());
        header(&headers)
    }

    #[test]
    fn headers() {
        assert_eq!(window("0-9").unwrap(), Window { offset: 0, limit: Some(10) });
        assert_eq!(window("items=5-").unwrap(), Window { offset: 5, limit: None });
        assert_eq!(window("nonsense").unwrap(), Window::default());
        assert_eq!(window("bytes=0-1").unwrap(), Window::default());
        assert_eq!(window("5-1").unwrap_err().code, "PGRST103");
        assert!(window("0-18446744073709551615").is_ok());
    }

    #[test]
    fn parameters() {
        assert_eq!(limit("0").unwrap(), 0);
        assert_eq!(limit("-1").unwrap_err().code, "PGRST103");
        assert_eq!(limit("ten").unwrap_err().code, "PGRST100");
        assert_eq!(limit("").unwrap_err().code, "PGRST100");
        assert_eq!(limit("99999999999999999999999").unwrap(), i64::MAX as u64);
        assert_eq!(offset("-5").unwrap(), 0);
    }

    #[test]
    fn answers() {
        assert_eq!(content_range(0, 2, None), "0-1/*");
        assert_eq!(content_range(5, 0, Some(5)), "*/5");
        assert_eq!(content_range(0, 0, Some(0)), "*/0");
        assert_eq!(status(0, 2, Some(2)).unwrap(), 200);
        assert_eq!(status(0, 2, Some(3)).unwrap(), 206);
        assert_eq!(status(1, 0, Some(0)).unwrap_err().status, 416);
        assert_eq!(status(100, 0, None).unwrap(), 200);
        let all = Window::default();
        let some = Window { offset: 3, limit: Some(4) };
        assert_eq!(intersect(all, some), some);
        assert_eq!(
            intersect(Window { offset: 5, limit: Some(10) }, some),
            Window { offset: 5, limit: Some(2) }
        );
    }
}
