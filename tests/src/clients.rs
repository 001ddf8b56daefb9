//! What a client's tests are told of the server they drive, in their environment. The tokens are of the hiring example's people.

use serde_json::json;

use crate::server::Server;

/// Address, keys and tokens.
pub fn environment(server: &Server) -> [(&'static str, String); 5] {
    let token = |sub: &str| {
        let claims = json!({ "role": "authenticated", "sub": sub });
        server.token(claims.as_object().expect("claims are an object"))
    };
    [
        ("PLINTH_URL", format!("http://{}", server.address)),
        ("PLINTH_ANON_KEY", server.anon_key.clone()),
        ("PLINTH_SERVICE_KEY", server.service_key.clone()),
        ("PLINTH_CANDIDATE_TOKEN", token("11111111-1111-4111-8111-111111111111")),
        ("PLINTH_RECRUITER_TOKEN", token("22222222-2222-4222-8222-222222222222")),
    ]
}
