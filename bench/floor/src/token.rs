//! Who asks: a token's signature is checked once for each thread, then the token is known.

use std::cell::RefCell;
use std::collections::HashMap;

use hyper::header::HeaderValue;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use crate::Failure;

/// The clock is looked at by each use; the signature is not.
#[derive(Clone, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
}

/// Checks tokens.
pub struct Verifier {
    key: DecodingKey,
}

thread_local! {
    static KNOWN: RefCell<HashMap<String, Claims>> = RefCell::default();
}

const MOST_KNOWN: usize = 1000;

impl Verifier {
    /// A verifier of HS256.
    pub fn new(secret: &str) -> Verifier {
        Verifier { key: DecodingKey::from_secret(secret.as_bytes()) }
    }

    /// The user whom a request's token names.
    pub fn user(&self, header: Option<&HeaderValue>) -> Result<String, Failure> {
        let token =
            header.and_then(|value| value.to_str().ok()).and_then(|text| text.strip_prefix("Bearer "));
        let token = token.ok_or("no token")?;
        let known = KNOWN.with_borrow(|known| known.get(token).cloned());
        let claims = match known {
            Some(claims) => claims,
            None => {
                let checked =
                    jsonwebtoken::decode::<Claims>(token, &self.key, &Validation::new(Algorithm::HS256))?;
                KNOWN.with_borrow_mut(|known| {
                    if known.len() >= MOST_KNOWN {
                        known.clear();
                    }
                    known.insert(token.to_owned(), checked.claims.clone());
                });
                checked.claims
            }
        };
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
        if claims.exp < now { Err("the token has expired".into()) } else { Ok(claims.sub) }
    }
}
