//! Where planning starts: from the kind of request to the module that plans it.

use std::sync::Arc;

use plinth_catalog::{Catalog, Function, Relation};

use super::access::Access;
use super::limits;
use super::planner::{Origin, Planner};
use super::select::Part;
use crate::caller::Caller;
use crate::plan::{Compiled, Node, Plan, PlannedAction};
use crate::refusal::Refusal;
use crate::request::{Action, Request, Target};

/// Plans a request.
pub(crate) fn plan(catalog: &Catalog, caller: &Caller, request: &Request) -> Result<Plan, Refusal> {
    plan_with_origins(catalog, caller, request).map(|(plan, _)| plan)
}

/// Plans a request; with the plan comes, for each of its values, which text of the request it was read from.
pub(crate) fn plan_with_origins(
    catalog: &Catalog,
    caller: &Caller,
    request: &Request,
) -> Result<(Plan, Vec<Option<Origin>>), Refusal> {
    limits::check(request)?;
    let mut planner = Planner::new(catalog, caller, request);
    let action = match &request.target {
        Target::Relation { schema, name } => {
            let access: &Access<'_> = &planner.weaver.access;
            let relation = access.relation(schema, name)?;
            planner.relation_action(relation, request)?
        }
        Target::Function { schema: _, name } => match &request.action {
            Action::Call { arguments, read_only, max_affected } => PlannedAction::Call(
                planner.call_function(name, request, arguments, *read_only, *max_affected)?,
            ),
            Action::Read | Action::Insert(_) | Action::Update { .. } | Action::Delete { .. } => {
                return Err(Refusal::NotImplemented { detail: "A function can only be called.".into() });
            }
        },
    };
    let Planner { values, origins, weaver, version, .. } = planner;
    limits::check_values(values.len())?;
    let plan = Plan {
        action: Arc::new(action),
        values,
        count: request.count,
        version,
        applied: weaver.applied.into(),
        compiled: Compiled::default(),
    };
    Ok((plan, origins))
}

/// Looks a target up for a caller.
pub(crate) fn find(
    catalog: &Catalog,
    caller: &Caller,
    target: &Target,
    hide_ungranted: bool,
) -> Result<(), Refusal> {
    let access = Access::new(catalog, caller, hide_ungranted);
    match target {
        Target::Relation { schema, name } => access.relation(schema, name).map(|_| ()),
        Target::Function { schema, name } => {
            let there = |function: &Function| !access.hide_ungranted || access.may_execute(function);
            if catalog.find_functions(schema, name).any(there) {
                return Ok(());
            }
            Err(Refusal::NoSuchFunction {
                schema: schema.clone(),
                name: name.clone(),
                arguments: Vec::new(),
                suggestion: None,
                single_unnamed: None,
            })
        }
    }
}

impl<'a> Planner<'a> {
    fn relation_action(
        &mut self,
        relation: &'a Relation,
        request: &Request,
    ) -> Result<PlannedAction, Refusal> {
        Ok(match &request.action {
            Action::Read => PlannedAction::Read(self.read_node(relation, request)?),
            Action::Insert(insert) if insert.nested.is_empty() => {
                PlannedAction::Insert(self.insert(relation, request, insert)?)
            }
            Action::Insert(insert) => PlannedAction::InsertTree(self.insert_tree(relation, request, insert)?),
            Action::Update { body, columns, returning, max_affected } => PlannedAction::Update(self.update(
                relation,
                request,
                body,
                columns.as_deref(),
                *returning,
                *max_affected,
            )?),
            Action::Delete { returning, max_affected } => {
                PlannedAction::Delete(self.delete(relation, request, *returning, *max_affected)?)
            }
            Action::Call { .. } => {
                return Err(Refusal::NotImplemented { detail: "A relation cannot be called.".into() });
            }
        })
    }

    fn read_node(&mut self, relation: &'a Relation, request: &Request) -> Result<Node, Refusal> {
        // The rights come first: they decide whether there is anything to weave.
        let id = self.weaver.fresh();
        let source = self.source(id, relation)?;
        let from = self.weaver.relation(id, relation.id, super::weave::Rights::Caller)?;
        let scope = self.scope(source, &request.select)?;
        let part = Part { limit: self.capped(request.limit), ..Part::of_request(request) };
        let node = self.node(&scope, from, Vec::new(), &part)?;
        Ok(self.with_version(request, &scope, node))
    }
}
