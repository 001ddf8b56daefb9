//! Row security: which of a table's policies hold for the caller, and how they are combined (PostgreSQL's manual, "Row Security
//! Policies" and the notes of `create policy`). Their conditions come from the catalog.

use plinth_catalog::expr::{Expr, SourceId};
use plinth_catalog::{Policy, PolicyCommand, Relation};

use super::{Rights, Weaver};
use crate::ir;
use crate::plan::{AppliedPolicy, RowCheck};
use crate::refusal::Refusal;

/// Which of a policy's conditions is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// `using`
    Using,
    /// `with check`, or `using` where there is none
    Check,
}

/// The conditions of the policies that hold for one command.
struct Conditions {
    /// Any of them must hold
    permissive: Vec<Expr>,
    /// All of them must hold, each with its policy's name
    restrictive: Vec<(Expr, String)>,
}

impl<'a> Weaver<'a> {
    /// The rows that the caller may see; `None` without a restriction.
    pub fn select_policies(
        &mut self,
        relation: &'a Relation,
        row: SourceId,
    ) -> Result<Option<Expr>, Refusal> {
        self.visible_rows(relation, PolicyCommand::Select, row)
    }

    /// The rows that a command finds; `None` without a restriction.
    pub fn visible_rows(
        &mut self,
        relation: &'a Relation,
        command: PolicyCommand,
        row: SourceId,
    ) -> Result<Option<Expr>, Refusal> {
        let role = role_name(command, Condition::Using, false);
        let Some(conditions) = self.conditions(relation, command, Condition::Using, row, role)? else {
            return Ok(None);
        };
        let all = any_of(conditions.permissive)
            .into_iter()
            .chain(conditions.restrictive.into_iter().map(|(condition, _)| condition))
            .filter(|condition| !condition.is_true());
        let all = Expr::and(all);
        Ok(if all.is_true() { None } else { Some(all) })
    }

    /// What a written row must pass, over [`SourceId::ROW`].
    pub fn row_checks(
        &mut self,
        relation: &'a Relation,
        command: PolicyCommand,
        condition: Condition,
    ) -> Result<Vec<RowCheck>, Refusal> {
        let role = role_name(command, condition, true);
        let Some(conditions) = self.conditions(relation, command, condition, SourceId::ROW, role)? else {
            return Ok(Vec::new());
        };
        let permissive = any_of(conditions.permissive).map(|condition| RowCheck { condition, policy: None });
        let restrictive = conditions
            .restrictive
            .into_iter()
            .map(|(condition, policy)| RowCheck { condition, policy: Some(policy) });
        Ok(permissive.into_iter().chain(restrictive).filter(|check| !check.condition.is_true()).collect())
    }

    /// The woven conditions for a command, `None` when row security does not apply.
    fn conditions(
        &mut self,
        relation: &'a Relation,
        command: PolicyCommand,
        condition: Condition,
        row: SourceId,
        role: &'static str,
    ) -> Result<Option<Conditions>, Refusal> {
        let Some(applicable) = self.applicable(relation, command, condition) else { return Ok(None) };
        // As in PostgreSQL, only a policy that reads tables can lead back to its own table.
        let reads = applicable.iter().any(|(_, expr)| ir::facts(expr).queries);
        if reads && self.active.contains(&relation.id) {
            return Err(Refusal::Sql {
                code: "42P17",
                message: format!(
                    "infinite recursion detected in policy for relation \"{}\"",
                    relation.name.name
                ),
                detail: None,
                hint: None,
            });
        }
        if reads {
            self.active.push(relation.id);
        }
        self.enter()?;
        let mut conditions = Conditions { permissive: Vec::new(), restrictive: Vec::new() };
        for (policy, expr) in &applicable {
            let woven = self.row_expr(expr, row, Rights::Caller)?;
            match policy.permissive {
                true => conditions.permissive.push(woven),
                false => conditions.restrictive.push((woven, policy.name.clone())),
            }
            self.note(relation, Some(&policy.name), role);
        }
        self.leave();
        if reads {
            self.active.pop();
        }
        if conditions.permissive.is_empty() {
            // Restrictive policies only narrow what a permissive one allows: without any, nothing is.
            conditions.restrictive.clear();
            self.note(relation, None, role);
        }
        Ok(Some(conditions))
    }

    /// The policies that hold for the caller and a command, with the condition asked for; `None` when row security does not apply.
    fn applicable(
        &self,
        relation: &'a Relation,
        command: PolicyCommand,
        condition: Condition,
    ) -> Option<Vec<(&'a Policy, &'a Expr)>> {
        let table = relation.table()?;
        // A database applies its policies itself.
        if self.access.catalog.database.is_some() || !table.row_security || self.access.bypass_row_security {
            return None;
        }
        let for_caller = |policy: &&'a Policy| {
            (policy.command == PolicyCommand::All || policy.command == command)
                && policy.roles.iter().any(|role| self.access.roles.contains(&role.as_str()))
        };
        let with_condition = |policy: &'a Policy| {
            let expr = match condition {
                Condition::Using => policy.using.as_ref(),
                Condition::Check => policy.check.as_ref().or(policy.using.as_ref()),
            };
            expr.map(|expr| (policy, expr))
        };
        Some(table.policies.iter().filter(for_caller).filter_map(with_condition).collect())
    }

    /// Whether a command's condition is made of the very expressions that restrict a select, so that asking for both adds nothing.
    pub fn same_as_select(
        &self,
        relation: &'a Relation,
        command: PolicyCommand,
        condition: Condition,
    ) -> bool {
        let select = self.applicable(relation, PolicyCommand::Select, Condition::Using);
        match (self.applicable(relation, command, condition), select) {
            (Some(one), Some(other)) => {
                one.len() == other.len()
                    && one.iter().zip(&other).all(|((_, one), (_, other))| std::ptr::eq(*one, *other))
            }
            (None, None) => true,
            _ => false,
        }
    }

    fn note(&mut self, relation: &Relation, policy: Option<&str>, role: &'static str) {
        let applied =
            AppliedPolicy { relation: relation.name.to_string(), policy: policy.map(str::to_owned), role };
        if !self.applied.contains(&applied) {
            self.applied.push(applied);
        }
    }
}

/// The disjunction; false without any; `None` when one is simply true.
fn any_of(conditions: Vec<Expr>) -> Option<Expr> {
    if conditions.iter().any(Expr::is_true) { None } else { Some(Expr::or(conditions)) }
}

fn role_name(command: PolicyCommand, condition: Condition, written: bool) -> &'static str {
    match (command, condition, written) {
        (PolicyCommand::Select, Condition::Using, false) => "select using",
        (PolicyCommand::Select, _, _) => "select using on the new row",
        (PolicyCommand::Insert, _, _) => "insert check",
        (PolicyCommand::Update, Condition::Using, _) => "update using",
        (PolicyCommand::Update, Condition::Check, _) => "update check",
        (PolicyCommand::Delete, _, _) => "delete using",
        (PolicyCommand::All, _, _) => "all",
    }
}
