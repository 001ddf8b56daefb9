//! `plinth token`

use std::path::Path;

use serde_json::{Map, Value, json};

use super::Result;
use crate::project::Project;

/// Prints a token with the role and claims.
pub fn run(dir: &Path, role: &str, claims: &[String], expires_in: i64) -> Result {
    let keys = Project::open(dir)?.keys()?;
    let now = jiff::Timestamp::now().as_second();
    let mut all = Map::new();
    all.insert("role".into(), json!(role));
    all.insert("iat".into(), json!(now));
    all.insert("exp".into(), json!(now.saturating_add(expires_in)));
    all.extend(parse_claims(claims)?);
    let token = plinth_server::keys::sign(&keys.jwt_secret, &all).map_err(|error| error.to_string())?;
    println!("{token}");
    Ok(())
}

/// `name=value` pairs: the value is JSON where it reads as JSON, else text.
pub fn parse_claims(claims: &[String]) -> Result<Map<String, Value>> {
    claims
        .iter()
        .map(|claim| {
            let (name, value) =
                claim.split_once('=').ok_or_else(|| format!("--claim {claim}: expected NAME=VALUE"))?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            Ok((name.to_owned(), value))
        })
        .collect()
}
