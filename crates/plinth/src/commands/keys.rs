//! `plinth keys`

use std::path::Path;

use super::Result;
use crate::project::Project;

/// Prints the project's keys.
pub fn run(dir: &Path, json: bool) -> Result {
    let keys = Project::open(dir)?.keys()?;
    if json {
        let text = serde_json::to_string_pretty(&keys).map_err(|error| error.to_string())?;
        println!("{text}");
    } else {
        println!("anon          {}", keys.anon_key);
        println!("service_role  {}", keys.service_role_key);
    }
    Ok(())
}
