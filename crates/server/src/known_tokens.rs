//! Tokens whose signature was verified already: by their hash, so that no token is kept.
//!
//! What a token says never changes; whether it holds at the time, and whether its role exists, is looked at by each request.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// Whom a verified token names.
#[derive(Debug)]
pub(crate) struct Identity {
    /// The claims, for their times
    pub claims: Map<String, Value>,
    /// The claims as compact JSON text, the role included
    pub text: String,
    /// The role
    pub role: String,
    /// Whether the token itself names the role
    pub named: bool,
    /// The claim `sub`, when it is a uuid
    pub uid: Option<String>,
}

impl Identity {
    /// From the claims of a token and the role that they come to.
    pub fn of(claims: Map<String, Value>, role: String, named: bool) -> Identity {
        let uid = claims
            .get("sub")
            .and_then(Value::as_str)
            .and_then(|sub| uuid::Uuid::try_parse(sub).ok())
            .map(|uuid| uuid.hyphenated().to_string());
        let mut told = claims.clone();
        told.entry("role").or_insert_with(|| Value::String(role.clone()));
        Identity { claims, text: Value::Object(told).to_string(), role, named, uid }
    }
}

type Hash = [u8; 32];

/// The tokens. When they are too many, all are forgotten.
#[derive(Debug)]
pub(crate) struct KnownTokens {
    most: usize,
    known: RwLock<HashMap<Hash, Arc<Identity>>>,
}

impl KnownTokens {
    /// At most so many.
    pub fn new(most: usize) -> KnownTokens {
        KnownTokens { most, known: RwLock::default() }
    }

    /// Whom a token names, if it is known.
    pub fn find(&self, token: &str) -> Option<Arc<Identity>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&hash(token)).cloned()
    }

    /// Remembers a token. It must have been verified.
    pub fn keep(&self, token: &str, identity: Arc<Identity>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= self.most {
            known.clear();
        }
        if self.most > 0 {
            known.insert(hash(token), identity);
        }
    }
}

fn hash(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(role: &str) -> Arc<Identity> {
        Arc::new(Identity::of(Map::new(), role.to_owned(), true))
    }

    #[test]
    fn tokens_are_found_until_they_are_too_many() {
        let tokens = KnownTokens::new(2);
        assert!(tokens.find("a").is_none());
        tokens.keep("a", identity("one"));
        tokens.keep("b", identity("two"));
        assert_eq!(tokens.find("a").map(|found| found.role.clone()), Some("one".to_owned()));
        assert!(tokens.find("A").is_none());
        tokens.keep("c", identity("three"));
        assert!(tokens.find("a").is_none() && tokens.find("c").is_some());
        let none = KnownTokens::new(0);
        none.keep("a", identity("one"));
        assert!(none.find("a").is_none());
    }
}
