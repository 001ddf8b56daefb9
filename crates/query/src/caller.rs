//! Who asks.

use plinth_catalog::expr::Setting;
use plinth_values::{Session, Value};

use crate::deferred::Deferred;

/// The one a request runs as: the role whose grants and policies hold, and what policies may read of the request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The role; it exists in the catalog (checked where the token is read)
    pub role: String,
    /// Whether the role came from a token (a refusal for want of rights is 403 then, 401 otherwise)
    pub authenticated: bool,
    /// The token's claims as compact JSON text, `role` included; `{"role":"anon"}` without a token
    pub claims: String,
    /// The claim `sub`, when it is a uuid (36 lower-case characters)
    pub uid: Option<String>,
    /// `request.method`
    pub method: String,
    /// `request.path`
    pub path: String,
    /// `request.headers`, a JSON object
    pub headers: Deferred,
    /// `request.cookies`, a JSON object
    pub cookies: Deferred,
    /// Time zone and time of the request
    pub session: Session,
}

impl Caller {
    /// A caller with a role and nothing else: the command line's, and tests'.
    pub fn with_role(role: impl Into<String>) -> Caller {
        let role = role.into();
        Caller {
            claims: serde_json::json!({ "role": role }).to_string(),
            role,
            authenticated: false,
            uid: None,
            method: "GET".into(),
            path: String::new(),
            headers: "{}".into(),
            cookies: "{}".into(),
            session: Session::utc(),
        }
    }

    /// The value, in storage form, that an engine binds for a setting.
    pub fn setting(&self, setting: Setting) -> Value {
        let text: &str = match setting {
            Setting::Uid => return self.uid.clone().map_or(Value::Null, Value::Text),
            Setting::Role => &self.role,
            // A jsonb value has one form: keys in its order, blanks in its places.
            Setting::Jwt => {
                return plinth_values::json::canonical(&self.claims).map_or(Value::Null, Value::Text);
            }
            Setting::Claims => &self.claims,
            Setting::Method => &self.method,
            Setting::Path => &self.path,
            Setting::Headers => &self.headers,
            Setting::Cookies => &self.cookies,
        };
        Value::Text(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_come_as_text_and_as_jsonb() {
        let caller = Caller { claims: r#"{"role":"a","b":1,"b":2}"#.into(), ..Caller::with_role("a") };
        assert_eq!(caller.setting(Setting::Claims), Value::Text(r#"{"role":"a","b":1,"b":2}"#.into()));
        assert_eq!(caller.setting(Setting::Jwt), Value::Text(r#"{"b": 2, "role": "a"}"#.into()));
        assert_eq!(caller.setting(Setting::Uid), Value::Null);
    }
}
