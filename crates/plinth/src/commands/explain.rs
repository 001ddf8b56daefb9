//! `plinth explain`

use std::path::Path;

use http::{HeaderMap, Method};
use plinth_query::Caller;
use plinth_rest::{ApiError, Call, Incoming};
use serde_json::Value;

use super::Result;
use super::token::parse_claims;
use crate::project::Project;

/// Plans a request for a role and prints the plan, the SQL and the policies. Nothing is run.
pub fn run(dir: &Path, request: &str, role: &str, claims: &[String], body: &str) -> Result {
    let project = Project::open(dir)?;
    let catalog = project.catalog(&project.schema_files()?)?;
    let (method, target) = request.trim().split_once(' ').unwrap_or(("GET", request.trim()));
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| format!("no HTTP method: {method}"))?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = path.strip_prefix("/rest/v1").ok_or("the request's path begins with /rest/v1")?;
    let headers = HeaderMap::new();
    let secret = project.keys()?.jwt_secret;
    let incoming = Incoming { method: &method, path, query, headers: &headers, body: body.as_bytes() };
    let caller = caller(&project, &catalog, role, claims, &method, path)?;
    let call = plinth_rest::parse(&incoming, &project.config.rest(&secret)).map_err(|error| told(&error))?;
    let Call::Data { request, .. } = call else {
        return Err("only requests for data have a plan".into());
    };
    let anonymous = role == project.config.api.anon_role;
    let plan = plinth_query::plan(&catalog, &caller, &request)
        .map_err(|refusal| told(&ApiError::from_refusal(refusal, anonymous)))?;
    print!("{}", plinth_sqlite::explain(&catalog, &plan));
    Ok(())
}

fn caller(
    project: &Project,
    catalog: &plinth_catalog::Catalog,
    role: &str,
    claims: &[String],
    method: &Method,
    path: &str,
) -> Result<Caller> {
    if catalog.find_role(role).is_none() {
        return Err(format!("role \"{role}\" does not exist"));
    }
    let mut all = serde_json::Map::new();
    all.insert("role".into(), Value::from(role));
    all.extend(parse_claims(claims)?);
    let uid = all.get("sub").and_then(Value::as_str).map(str::to_lowercase);
    Ok(Caller {
        uid,
        claims: Value::Object(all).to_string(),
        authenticated: role != project.config.api.anon_role,
        method: method.to_string(),
        path: path.to_owned(),
        ..Caller::with_role(role)
    })
}

fn told(error: &ApiError) -> String {
    let hint = error.hint.as_ref().map(|hint| format!("\n{hint}")).unwrap_or_default();
    format!("{} {}: {}{hint}", error.status, error.code, error.message)
}
