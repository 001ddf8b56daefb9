//! From the `Authorization` and `apikey` headers to the caller.
//!
//! Tokens are checked by the `jsonwebtoken` crate; the claims' times and audience here, with PostgREST's codes and wording.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use plinth_catalog::Catalog;
use plinth_query::{Caller, Deferred};
use plinth_rest::ApiError;
use plinth_values::Session;
use serde_json::{Map, Value};

use crate::known_tokens::{Identity, KnownTokens};

/// How far the clock of a token's issuer may differ, in seconds.
const LEEWAY_SECONDS: i64 = 30;
/// A longer token is refused unread.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// What tokens are checked with.
pub struct Verifier {
    key: DecodingKey,
    validation: Validation,
    audience: Option<String>,
    anon_role: String,
    anonymous: Arc<Identity>,
    known: KnownTokens,
}

impl Verifier {
    /// A verifier for tokens signed with the secret by HS256. An empty audience accepts any.
    /// At most so many verified tokens are remembered.
    pub fn new(secret: &str, audience: &str, anon_role: &str, tokens_kept: usize) -> Verifier {
        let mut validation = Validation::new(Algorithm::HS256);
        // The times and the audience are checked here, for their wording and for the one clock of the request.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        Verifier {
            key: DecodingKey::from_secret(secret.as_bytes()),
            validation,
            audience: (!audience.is_empty()).then(|| audience.to_owned()),
            anon_role: anon_role.to_owned(),
            anonymous: Arc::new(Identity::of(Map::new(), anon_role.to_owned(), false)),
            known: KnownTokens::new(tokens_kept),
        }
    }

    /// The caller of a request: the bearer token's, else the API key's, else the anonymous role. Errors: 401 with PGRST301
    /// (the token), PGRST303 (its claims), 22023 (its role).
    pub fn caller(
        &self,
        catalog: &Catalog,
        method: &str,
        path: &str,
        headers: &HeaderMap,
        session: Session,
    ) -> Result<Caller, ApiError> {
        let identity = match token(headers)? {
            Some(token) => self.identity(token, session.now / 1_000_000)?,
            None => self.anonymous.clone(),
        };
        let role = identity.role.clone();
        if catalog.find_role(&role).is_none() {
            return Err(unauthorized("22023", format!("role \"{role}\" does not exist")));
        }
        let (for_headers, for_cookies) = (headers.clone(), headers.get_all(http::header::COOKIE));
        let cookies: Vec<HeaderValue> = for_cookies.iter().cloned().collect();
        Ok(Caller {
            // Callers with the anonymous role's own key are as anonymous as those without.
            authenticated: identity.named && role != self.anon_role,
            role,
            claims: identity.text.clone(),
            uid: identity.uid.clone(),
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Deferred::new(move || header_object(&for_headers)),
            cookies: match cookies.is_empty() {
                true => Deferred::from("{}"),
                false => Deferred::new(move || cookie_object(&cookies)),
            },
            session,
        })
    }

    /// Whom a token names. What does not depend on the time is found out once for each token.
    fn identity(&self, token: &str, now: i64) -> Result<Arc<Identity>, ApiError> {
        if let Some(known) = self.known.find(token) {
            self.check_times(&known.claims, now)?;
            return Ok(known);
        }
        let claims = self.claims(token, now)?;
        let (role, named) = match claims.get("role") {
            Some(Value::String(role)) => (role.clone(), true),
            Some(_) => return Err(claim_error("The JWT 'role' claim must be a string")),
            None => (self.anon_role.clone(), false),
        };
        let identity = Arc::new(Identity::of(claims, role, named));
        self.known.keep(token, identity.clone());
        Ok(identity)
    }

    fn claims(&self, token: &str, now: i64) -> Result<Map<String, Value>, ApiError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(token_error(
                "JWT is too long",
                Some(format!("at most {MAX_TOKEN_BYTES} bytes are read")),
            ));
        }
        let parts = token.split('.').count();
        if token.is_empty() {
            return Err(token_error("Empty JWT is sent in Authorization header", None));
        }
        if parts != 3 {
            return Err(token_error(&format!("Expected 3 parts in JWT; got {parts}"), None));
        }
        let decoded = jsonwebtoken::decode::<Value>(token, &self.key, &self.validation)
            .map_err(|error| decode_error(token, &error))?;
        // RFC 7515, 4.1.11: what a token says must be understood, and is not, makes it invalid. None is understood here.
        if decoded.header.crit.is_some() {
            return Err(token_error(
                "JWT couldn't be decoded",
                Some("its 'crit' header names extensions that are not supported".into()),
            ));
        }
        let Value::Object(claims) = decoded.claims else {
            return Err(claim_error("The JWT claims must be an object"));
        };
        self.check_times(&claims, now)?;
        self.check_audience(&claims)?;
        Ok(claims)
    }

    fn check_times(&self, claims: &Map<String, Value>, now: i64) -> Result<(), ApiError> {
        let time = |name: &str| match claims.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_f64()
                .filter(|seconds| seconds.is_finite())
                .map(Some)
                .ok_or_else(|| claim_error(&format!("The JWT '{name}' claim must be a number"))),
        };
        let now = now as f64;
        let leeway = LEEWAY_SECONDS as f64;
        if time("exp")?.is_some_and(|exp| exp + leeway < now) {
            return Err(claim_error("JWT expired"));
        }
        if time("nbf")?.is_some_and(|nbf| nbf > now + leeway) {
            return Err(claim_error("JWT not yet valid"));
        }
        if time("iat")?.is_some_and(|iat| iat > now + leeway) {
            return Err(claim_error("JWT issued at future"));
        }
        Ok(())
    }

    fn check_audience(&self, claims: &Map<String, Value>) -> Result<(), ApiError> {
        let wrong = || claim_error("The JWT 'aud' claim must be a string or an array of strings");
        let audiences: Vec<&str> = match claims.get("aud") {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::String(audience)) => vec![audience],
            Some(Value::Array(list)) => {
                list.iter().map(|item| item.as_str().ok_or_else(wrong)).collect::<Result<_, _>>()?
            }
            Some(_) => return Err(wrong()),
        };
        match &self.audience {
            Some(wanted) if !audiences.is_empty() && !audiences.contains(&wanted.as_str()) => {
                Err(claim_error("JWT not in audience"))
            }
            _ => Ok(()),
        }
    }
}

/// The token of a request: `Authorization: Bearer …`, else `apikey`.
fn token(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let unreadable = || token_error("JWT is not readable", Some("the header is not ASCII text".into()));
    if let Some(value) = headers.get(http::header::AUTHORIZATION) {
        let text = value.to_str().map_err(|_| unreadable())?;
        let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
        if scheme.eq_ignore_ascii_case("bearer") {
            return Ok(Some(token.trim()));
        }
    }
    headers.get("apikey").map(|value| value.to_str().map(str::trim).map_err(|_| unreadable())).transpose()
}

fn unauthorized(code: &str, message: impl Into<String>) -> ApiError {
    let message = message.into();
    let quoted: String = message.replace(['"', '\\'], "'").chars().take(200).collect();
    ApiError {
        authenticate: Some(format!("Bearer error=\"invalid_token\", error_description=\"{quoted}\"")),
        ..ApiError::new(401, code, message)
    }
}

fn token_error(message: &str, details: Option<String>) -> ApiError {
    ApiError { details: details.map(Value::from), ..unauthorized("PGRST301", message) }
}

fn claim_error(message: &str) -> ApiError {
    unauthorized("PGRST303", message)
}

fn decode_error(token: &str, error: &jsonwebtoken::errors::Error) -> ApiError {
    let unsecured = token
        .split('.')
        .next()
        .and_then(|part| base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, part).ok())
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        .is_some_and(|header| header.get("alg").and_then(Value::as_str) == Some("none"));
    if unsecured {
        return token_error(
            "Wrong or unsupported encoding algorithm",
            Some("JWT is unsecured but expected 'alg' was not 'none'".into()),
        );
    }
    match error.kind() {
        ErrorKind::InvalidSignature => token_error("JWT cryptographic operation failed", None),
        ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm | ErrorKind::InvalidAlgorithmName => {
            token_error("Wrong or unsupported encoding algorithm", None)
        }
        _ => token_error("JWT couldn't be decoded", None),
    }
}

/// The request's headers as a JSON object, for `current_setting('request.headers')`; tokens and keys are left out.
fn header_object(headers: &HeaderMap) -> String {
    let mut object = Map::new();
    for (name, value) in headers {
        if matches!(name.as_str(), "authorization" | "apikey" | "cookie") {
            continue;
        }
        if let Ok(value) = value.to_str() {
            object.entry(name.as_str()).or_insert_with(|| Value::from(value));
        }
    }
    Value::Object(object).to_string()
}

fn cookie_object(headers: &[HeaderValue]) -> String {
    let mut object = Map::new();
    let cookies = headers.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    for cookie in cookies {
        if let Some((name, value)) = cookie.split_once('=') {
            object.entry(name.trim()).or_insert_with(|| Value::from(value.trim()));
        }
    }
    Value::Object(object).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SECRET: &str = "a-secret-of-at-least-32-characters!!";

    fn catalog() -> Catalog {
        let role = |name: &str| plinth_catalog::Role {
            name: name.into(),
            member_of: Vec::new(),
            superuser: false,
            bypass_row_security: false,
        };
        Catalog { roles: vec![role("anon"), role("authenticated")], ..Catalog::default() }
    }

    fn read(authorization: Option<&str>, apikey: Option<&str>) -> Result<Caller, ApiError> {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert("authorization", value.parse().unwrap());
        }
        if let Some(value) = apikey {
            headers.insert("apikey", value.parse().unwrap());
        }
        headers.insert("cookie", "a=b; c=d".parse().unwrap());
        Verifier::new(SECRET, "me", "anon", 10).caller(&catalog(), "GET", "/x", &headers, Session::utc())
    }

    fn signed(claims: Value) -> String {
        crate::keys::sign(SECRET, claims.as_object().unwrap()).unwrap()
    }

    fn with(claims: Value) -> Result<Caller, ApiError> {
        read(Some(&format!("Bearer {}", signed(claims))), None)
    }

    #[test]
    fn callers() {
        let anonymous = read(None, None).unwrap();
        assert_eq!((anonymous.role.as_str(), anonymous.authenticated), ("anon", false));
        assert_eq!(anonymous.claims, r#"{"role":"anon"}"#);
        assert_eq!(&*anonymous.cookies, r#"{"a":"b","c":"d"}"#);
        let sub = "0195F3A0-0000-7000-8000-000000000001";
        let user = with(json!({ "role": "authenticated", "sub": sub, "aud": ["me", "you"] })).unwrap();
        assert_eq!(user.uid.as_deref(), Some(sub.to_lowercase().as_str()));
        assert!(user.authenticated);
        let by_key = read(None, Some(&signed(json!({ "role": "authenticated" })))).unwrap();
        assert_eq!(by_key.role, "authenticated");
        assert!(!by_key.headers.contains("apikey"));
        assert_eq!(read(Some("Basic abc"), None).unwrap().role, "anon");
    }

    #[test]
    fn a_token_that_is_known_is_still_checked_against_the_clock() {
        let verifier = Verifier::new(SECRET, "", "anon", 10);
        let now = 1_800_000_000;
        let token = signed(json!({ "role": "authenticated", "nbf": now - 5, "exp": now + 5 }));
        let headers = HeaderMap::from_iter([(
            http::header::AUTHORIZATION,
            HeaderValue::from_str(&format!("Bearer {token}")).unwrap(),
        )]);
        let at = |seconds: i64, catalog: &Catalog| {
            let session = Session { now: seconds * 1_000_000, ..Session::utc() };
            verifier
                .caller(catalog, "GET", "/x", &headers, session)
                .map(|caller| caller.role)
                .map_err(|e| e.message)
        };
        for _ in 0..2 {
            assert_eq!(at(now, &catalog()), Ok("authenticated".to_owned()));
            assert_eq!(at(now + 36, &catalog()), Err("JWT expired".to_owned()));
            assert_eq!(at(now - 36, &catalog()), Err("JWT not yet valid".to_owned()));
            assert!(at(now, &Catalog::default()).unwrap_err().contains("does not exist"));
        }
    }

    #[test]
    fn refusals() {
        let now = jiff::Timestamp::now().as_second();
        let code = |result: Result<Caller, ApiError>| {
            let error = result.unwrap_err();
            assert_eq!(error.status, 401);
            assert!(error.authenticate.is_some());
            (error.code, error.message)
        };
        for (claims, expected, message) in [
            (json!({ "role": "nobody" }), "22023", "role \"nobody\" does not exist"),
            (json!({ "role": 1 }), "PGRST303", "The JWT 'role' claim must be a string"),
            (json!({ "exp": now - 31 }), "PGRST303", "JWT expired"),
            (json!({ "nbf": now + 60 }), "PGRST303", "JWT not yet valid"),
            (json!({ "iat": now + 60 }), "PGRST303", "JWT issued at future"),
            (json!({ "exp": "soon" }), "PGRST303", "The JWT 'exp' claim must be a number"),
            (json!({ "aud": "other" }), "PGRST303", "JWT not in audience"),
            (
                json!({ "aud": [1] }),
                "PGRST303",
                "The JWT 'aud' claim must be a string or an array of strings",
            ),
        ] {
            assert_eq!(code(with(claims)), (expected.to_owned(), message.to_owned()));
        }
        let bearer = |token: &str| code(read(Some(&format!("Bearer {token}")), None));
        assert_eq!(bearer("a.b").1, "Expected 3 parts in JWT; got 2");
        assert_eq!(bearer("").1, "Empty JWT is sent in Authorization header");
        assert_eq!(bearer("a.b.c").0, "PGRST301");
        assert_eq!(bearer(&"a".repeat(20_000)).1, "JWT is too long");
        let mut header = jsonwebtoken::Header::new(Algorithm::HS256);
        header.crit = Some(vec!["b64".into()]);
        let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
        let critical = jsonwebtoken::encode(&header, &json!({ "role": "authenticated" }), &key).unwrap();
        assert_eq!(bearer(&critical).1, "JWT couldn't be decoded");
        let other = crate::keys::sign("another-secret-of-at-least-32-chars!!", &Map::new()).unwrap();
        assert_eq!(bearer(&other).1, "JWT cryptographic operation failed");
        // {"alg":"none"}.{"role":"authenticated"}.
        assert_eq!(
            bearer("eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYXV0aGVudGljYXRlZCJ9.").1,
            "Wrong or unsupported encoding algorithm"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_token_panics(token in "[a-zA-Z0-9._-]{0,80}") {
            let _ = read(Some(&format!("Bearer {token}")), Some(&token));
        }
    }
}
