//! Introspection: the catalog of a PostgreSQL database, as the database describes itself. One query asks for everything, so that the
//! answers fit together; the rest is a pure function of its answers.

mod functions;
mod read;
mod relations;
mod rows;
mod settings;
mod types;
mod views;

use std::collections::HashMap;

use plinth_catalog::{Catalog, Database, Role, Schema, relationships};

pub(crate) use read::read;

use self::rows::Answers;

use self::relations::Numbered;
use self::rows::Oid;
use self::types::Types;

/// The parts of the question, by the names of [`Answers`].
const PARTS: [(&str, &str); 10] = [
    ("schemas", include_str!("sql/schemas.sql")),
    ("roles", include_str!("sql/roles.sql")),
    ("types", include_str!("sql/types.sql")),
    ("relations", include_str!("sql/relations.sql")),
    ("keys", include_str!("sql/keys.sql")),
    ("views", include_str!("sql/views.sql")),
    ("functions", include_str!("sql/functions.sql")),
    ("time_zones", include_str!("sql/time_zones.sql")),
    ("role_settings", include_str!("sql/role_settings.sql")),
    ("statement_timeout", include_str!("sql/statement_timeout.sql")),
];

/// What must be said before [`question`]: names are then written so that they mean the same under every search path.
const PREPARATION: &str = "select pg_catalog.set_config('search_path', '', true)";

/// The one query; its only row has one column, text that [`answers`] reads. `version`: `server_version_num`.
fn question(version: u32) -> String {
    // Since version 15 single parameters can be granted.
    let may_set = match version {
        ..150_000 => "false",
        _ => "has_parameter_privilege(p.name, 'set')",
    };
    let parts: Vec<String> = PARTS.iter().map(|(name, sql)| format!("'{name}', (\n{sql})")).collect();
    let parts = parts.join(", ").replace("{may_set}", may_set);
    format!(
        "select json_build_object({parts}, 'version', current_setting('server_version_num')::int, \
        'time_zone', current_setting('TimeZone'))::text"
    )
}

/// Reads what the database answered.
fn answers(text: &str) -> Result<Answers, serde_json::Error> {
    serde_json::from_str(text)
}

/// The catalog that the answers describe.
fn catalog(answers: &Answers) -> Catalog {
    let roles: HashMap<Oid, &str> = answers.roles.iter().map(|role| (role.oid, role.name.as_str())).collect();
    let types = Types::new(&answers.types);
    let numbered = Numbered::new(&answers.relations);
    let shown = views::shown(&answers.views);
    let relations = relations::relations(&numbered, &types, &answers.keys, &shown, &roles);
    let functions = functions::functions(&answers.functions, &numbered, &types, &roles);
    Catalog {
        schemas: answers
            .schemas
            .iter()
            .map(|schema| Schema { name: schema.name.clone(), comment: schema.comment.clone() })
            .collect(),
        roles: answers
            .roles
            .iter()
            .map(|role| Role {
                name: role.name.clone(),
                member_of: role.member_of.clone().unwrap_or_default(),
                superuser: role.superuser,
                bypass_row_security: role.bypass || role.superuser,
            })
            .collect(),
        enums: types.enums(),
        domains: types.domains(),
        relation_by_name: relations.iter().map(|relation| (relation.name.clone(), relation.id)).collect(),
        relationships: relationships(&relations),
        relations,
        functions,
        database: Some(Box::new(Database {
            version: answers.version,
            time_zones: answers.time_zones.iter().cloned().collect(),
            types: types.castable(),
            time_zone: settings::time_zone(&answers.time_zone),
            role_settings: settings::role_settings(answers),
        })),
    }
}
