//! `create policy`.

use std::collections::HashMap;

use plinth_values::{Modifier, Type};

use super::dependencies::reads_broken_view;
use super::reader::{Reader, at};
use super::syntax::{CreatePolicy, Expression, Place, Statement};
use crate::expr::Expr;
use crate::{Diagnostic, Policy, RelationId};

pub(super) fn build(reader: &mut Reader<'_>, statements: &[Statement]) {
    let mut places: HashMap<(RelationId, &str), Place> = HashMap::new();
    for statement in statements {
        let Statement::Policy(definition) = statement else { continue };
        let policy = policy(reader, definition, &mut places);
        if let Some((table, Some(policy))) = reader.keep(policy)
            && let Some(table) = reader.table_mut(table)
        {
            table.policies.push(policy);
        }
    }
}

/// The table and its policy; no policy when it reads a view that has been complained about.
fn policy<'s>(
    reader: &Reader<'_>,
    definition: &'s CreatePolicy,
    places: &mut HashMap<(RelationId, &'s str), Place>,
) -> Result<(RelationId, Option<Policy>), Diagnostic> {
    let table = reader.table_id(&definition.table)?;
    let name = &definition.name;
    if let Some(first) = places.insert((table, &name.text), name.place) {
        let message = format!("policy \"{}\" for table \"{}\" already exists", name.text, definition.table);
        return Err(reader.duplicate(name.place, message, first));
    }
    for role in &definition.roles {
        reader.check_role(role)?;
    }
    let mut roles: Vec<String> = definition.roles.iter().map(|role| role.text.clone()).collect();
    if roles.is_empty() || roles.iter().any(|role| role == "public") {
        roles = vec!["public".to_owned()];
    }
    let expressions = || definition.using.iter().chain(&definition.check);
    if expressions().any(|expression| reads_broken_view(reader, &expression.ast)) {
        return Ok((table, None));
    }
    let condition = |expression: &Option<Expression>| -> Result<Option<Expr>, Diagnostic> {
        let Some(expression) = expression else { return Ok(None) };
        let relation = reader.catalog.relation(table);
        let want = Some((&Type::Bool, Modifier::None));
        let resolver = reader.resolver(expression.place);
        let context = "policy expression";
        let resolved =
            resolver.row_expr(&relation.name.name, &relation.columns, &expression.ast, want, context);
        at(reader, expression.place, resolved).map(Some)
    };
    let policy = Policy {
        name: name.text.clone(),
        permissive: definition.permissive,
        command: definition.command,
        roles,
        using: condition(&definition.using)?,
        check: condition(&definition.check)?,
    };
    Ok((table, Some(policy)))
}
