//! Cursors in `after=` and `before=`. The first byte chooses the order, the direction and whether what follows is the text of a cursor
//! or what is inside one, which is then signed as a cursor of ours would be.

#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use http::{HeaderMap, Method};
use libfuzzer_sys::fuzz_target;
use plinth_fuzz::{CATALOG, SECRET};
use plinth_query::Caller;
use plinth_query::plan::PlannedAction;
use plinth_rest::{Call, Incoming};
use sha2::Sha256;

const ORDERS: [(&str, &str); 4] = [
    ("/posting", "select=id,title&order=published_at.desc.nullslast,title"),
    ("/posting", "id=gt.1&limit=2"),
    ("/skill", "order=name.desc"),
    ("/company", "order=founded_year.asc.nullsfirst,verified"),
];

/// What a cursor of each order belongs to, for `service_role`.
static SHAPES: LazyLock<Vec<[u8; 16]>> =
    LazyLock::new(|| ORDERS.iter().map(|(path, query)| shape(path, query)).collect());

fn shape(path: &str, query: &str) -> [u8; 16] {
    let query = format!("{query}&after=");
    let headers = HeaderMap::new();
    let incoming = Incoming { method: &Method::GET, path, query: &query, headers: &headers, body: b"" };
    let Ok(Call::Data { request, .. }) = plinth_rest::parse(&incoming, &plinth_fuzz::options()) else {
        panic!("{query} is not read");
    };
    let plan = plinth_query::plan(&CATALOG, &Caller::with_role("service_role"), &request).expect("a plan");
    let PlannedAction::Read(node) = plan.action.as_ref() else { panic!("not a read") };
    node.keyset.as_ref().expect("a page by cursor").shape
}

fn signed(content: &[u8]) -> String {
    let mac = |key: &[u8], content: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
        mac.update(content);
        mac.finalize().into_bytes()
    };
    let key = mac(SECRET.as_bytes(), b"plinth: signing of cursors, version 1");
    let mut bytes = content.to_vec();
    bytes.extend_from_slice(&mac(&key, content)[..16]);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A cursor that was signed is read, unless it is longer than one may be: else nothing behind the signature would be reached.
static SIGNED_IS_READ: LazyLock<()> = LazyLock::new(|| {
    let mut content = vec![1];
    content.extend_from_slice(&SHAPES[2]);
    content.extend_from_slice(b"\x03\0\0\0\0\0\0\0\x01x\x01\0\0\0\0\0\0\0\x01");
    let query = format!("{}&after={}", ORDERS[2].1, signed(&content));
    let headers = HeaderMap::new();
    let incoming =
        Incoming { method: &Method::GET, path: "/skill", query: &query, headers: &headers, body: b"" };
    let Ok(Call::Data { request, .. }) = plinth_rest::parse(&incoming, &plinth_fuzz::options()) else {
        panic!("a signed cursor is refused");
    };
    assert!(plinth_query::plan(&CATALOG, &Caller::with_role("service_role"), &request).is_ok());
});

fuzz_target!(|data: &[u8]| {
    LazyLock::force(&SIGNED_IS_READ);
    let Some((first, rest)) = data.split_first() else { return };
    let first = usize::from(*first);
    let at = first % ORDERS.len();
    let (path, query) = ORDERS[at];
    let parameter = if first & 4 == 0 { "after" } else { "before" };
    let cursor = match first >> 3 & 3 {
        0 => match std::str::from_utf8(rest) {
            Ok(text) => text.to_owned(),
            Err(_) => return,
        },
        1 => signed(rest),
        _ => {
            let mut content = vec![1];
            content.extend_from_slice(&SHAPES[at]);
            content.extend_from_slice(rest);
            signed(&content)
        }
    };
    let query = format!("{query}&{parameter}={cursor}");
    plinth_fuzz::request(Method::GET, path, &query, &HeaderMap::new(), b"");
});
