//! The project's secret and its two API keys, kept in `.plinth/keys.json` (owner-readable, out of Git).

use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The secret and the keys signed with it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Signs every token of the project (HS256)
    pub jwt_secret: String,
    /// The key for browsers: a token of the role `anon`
    pub anon_key: String,
    /// The key for trusted servers: a token of the role `service_role`, which row security does not hold for
    pub service_role_key: String,
}

/// The secret is not shown.
impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// What is wrong with the keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Which file
        path: PathBuf,
        /// Why
        source: std::io::Error,
    },
    /// The file's content is not what was written
    #[error("{path}: this is no keys file ({reason}); restore it, or remove it to make new keys", path = path.display())]
    Content {
        /// Which file
        path: PathBuf,
        /// Why
        reason: String,
    },
    /// A token could not be signed
    #[error("a token could not be signed: {0}")]
    Signing(#[from] jsonwebtoken::errors::Error),
}

/// The keys of a project: those of the file, made at the first call. A secret from the configuration replaces the file's.
pub fn load_or_create(project: &Path, configured_secret: &str) -> Result<Keys, KeyError> {
    if !configured_secret.is_empty() {
        return with_secret(configured_secret.to_owned());
    }
    let path = project.join(".plinth").join("keys.json");
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            serde_json::from_str(&text).map_err(|error| KeyError::Content { path, reason: error.to_string() })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let keys = with_secret(random_secret())?;
            write(&path, &keys).map_err(|source| KeyError::File { path, source })?;
            Ok(keys)
        }
        Err(source) => Err(KeyError::File { path, source }),
    }
}

/// 48 bytes from the operating system's generator.
fn random_secret() -> String {
    let mut bytes = [0_u8; 48];
    rand::fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn with_secret(jwt_secret: String) -> Result<Keys, KeyError> {
    let issued = jiff::Timestamp::now().as_second();
    // Ten years: a key that is in shipped front ends changes with the secret, not with time.
    let expires = issued + 10 * 365 * 24 * 3600;
    let key = |role: &str| {
        let mut claims = Map::new();
        claims.insert("iss".into(), json!("plinth"));
        claims.insert("role".into(), json!(role));
        claims.insert("iat".into(), json!(issued));
        claims.insert("exp".into(), json!(expires));
        sign(&jwt_secret, &claims)
    };
    Ok(Keys { anon_key: key("anon")?, service_role_key: key("service_role")?, jwt_secret })
}

/// Signs claims as an HS256 token.
pub fn sign(secret: &str, claims: &Map<String, Value>) -> Result<String, KeyError> {
    let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
    Ok(jsonwebtoken::encode(&header, claims, &key)?)
}

fn write(path: &Path, keys: &Keys) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(serde_json::to_string_pretty(keys)?.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_kept_private() {
        let project = tempfile::tempdir().unwrap();
        let keys = load_or_create(project.path(), "").unwrap();
        assert_eq!(load_or_create(project.path(), "").unwrap(), keys);
        assert!(!format!("{keys:?}").contains(&keys.jwt_secret));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode =
                std::fs::metadata(project.path().join(".plinth/keys.json")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_broken_file_is_named() {
        let project = tempfile::tempdir().unwrap();
        std::fs::create_dir(project.path().join(".plinth")).unwrap();
        std::fs::write(project.path().join(".plinth/keys.json"), "{").unwrap();
        let error = load_or_create(project.path(), "").unwrap_err().to_string();
        assert!(error.contains("keys.json"), "{error}");
    }
}
