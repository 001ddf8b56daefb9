//! Conditions on groups (`having`), and leaving out what is there already (`distinct`). What is grouped by what is decided where the
//! fields are.

use plinth_catalog::expr::{self, Expr, Select};

use super::filter::not;
use super::planner::{Planner, has_equality};
use super::select::{Part, Scope, no_equality, not_grouped};
use crate::plan::Field;
use crate::refusal::Refusal;
use crate::request::{Distinct, FieldPath, GroupValue, Having, Order};

impl<'a> Planner<'a> {
    /// The condition on a level's groups, whose values are these fields; `grouped` are the plain ones that the rows are grouped by.
    pub fn having(
        &mut self,
        scope: &Scope<'a, '_>,
        having: &[Having],
        fields: &[Field],
        grouped: &[FieldPath],
    ) -> Result<Option<Expr>, Refusal> {
        if having.is_empty() {
            return Ok(None);
        }
        self.group_conditions(scope, having, fields, grouped).map(|all| Some(Expr::and(all)))
    }

    /// Makes a query over a level's rows one over the groups and distinct rows that a request leaves of them.
    pub fn group(
        &mut self,
        scope: &Scope<'a, '_>,
        part: &Part<'_>,
        select: &mut Select,
    ) -> Result<(), Refusal> {
        if part.having.is_empty() && part.distinct.is_none() {
            return Ok(());
        }
        let grouped = self.grouping(scope, part)?.is_some();
        let fields = self.fields(scope, part.select, grouped)?;
        select.having = self.having(scope, part.having, &fields.fields, &fields.grouped)?;
        let on = self.distinct(scope, part, grouped, &fields.group_by)?;
        if !on.is_empty() {
            select.distinct = expr::Distinct::On(on);
        }
        (select.grouped, select.group_by) = (grouped, fields.group_by);
        Ok(())
    }

    fn group_conditions(
        &mut self,
        scope: &Scope<'a, '_>,
        having: &[Having],
        fields: &[Field],
        grouped: &[FieldPath],
    ) -> Result<Vec<Expr>, Refusal> {
        let mut all = Vec::new();
        for condition in having {
            let (negated, expr) = match condition {
                Having::Logic { negated, all, conditions } => {
                    let inner = self.group_conditions(scope, conditions, fields, grouped)?;
                    (*negated, if *all { Expr::and(inner) } else { Expr::or(inner) })
                }
                Having::Condition { negated, value, op } => {
                    let value = self.group_value(scope, value, fields, grouped)?;
                    (*negated, self.operation(value, op)?)
                }
            };
            all.push(if negated { not(expr) } else { expr });
        }
        Ok(all)
    }

    fn group_value(
        &mut self,
        scope: &Scope<'a, '_>,
        value: &GroupValue,
        fields: &[Field],
        grouped: &[FieldPath],
    ) -> Result<Expr, Refusal> {
        match value {
            GroupValue::Aggregate { field, cast, aggregate, aggregate_cast } => {
                let expr = match field {
                    Some(field) => Some(self.field(&scope.source, field)?),
                    None => None,
                };
                let expr = match (expr, cast) {
                    (Some(expr), Some(cast)) => Some(self.cast(expr, cast)?),
                    (expr, _) => expr,
                };
                self.aggregate(*aggregate, expr, aggregate_cast.as_deref())
            }
            GroupValue::Selected(field) => {
                let mut named = fields.iter().filter_map(|selected| match selected {
                    Field::Value { name, expr } if *name == field.column && field.path.is_empty() => {
                        Some(expr)
                    }
                    _ => None,
                });
                if let Some(expr) = named.next() {
                    return match named.next() {
                        None => Ok(expr.clone()),
                        Some(_) => Err(Refusal::Sql {
                            code: "42702",
                            message: format!("column reference \"{}\" is ambiguous", field.column),
                            detail: None,
                            hint: Some("Give the selected values names of their own.".into()),
                        }),
                    };
                }
                let expr = self.field(&scope.source, field)?;
                if !grouped.contains(field) {
                    return Err(not_grouped(scope.source.name, &field.column));
                }
                Ok(expr)
            }
        }
    }

    /// The fields in which rows that are kept differ; none for all rows, or where grouping sees to it.
    pub fn distinct(
        &mut self,
        scope: &Scope<'a, '_>,
        part: &Part<'_>,
        grouped: bool,
        group_by: &[Expr],
    ) -> Result<Vec<Expr>, Refusal> {
        let fields = match part.distinct {
            None => return Ok(Vec::new()),
            Some(Distinct::Rows) if group_by.is_empty() && part.select.is_empty() => {
                return Err(Refusal::NotImplemented {
                    detail: "distinct=* needs something that is selected.".into(),
                });
            }
            Some(Distinct::Rows) => return Ok(Vec::new()),
            Some(Distinct::On(fields)) => fields,
        };
        super::limits::check_width(&self.limits, fields.len())?;
        if grouped {
            return Err(Refusal::NotImplemented {
                detail: "distinct by fields is not implemented together with aggregates.".into(),
            });
        }
        if part.page.is_some() {
            return Err(Refusal::NotImplemented {
                detail: "distinct by fields is not implemented together with cursors.".into(),
            });
        }
        check_order(fields, part.order)?;
        fields
            .iter()
            .map(|field| {
                let expr = self.field(&scope.source, field)?;
                if has_equality(&expr.ty) { Ok(expr) } else { Err(no_equality(&expr.ty)) }
            })
            .collect()
    }
}

/// As in PostgreSQL, the order begins with the fields: what comes after them decides which row is the first.
fn check_order(fields: &[FieldPath], order: &[Order]) -> Result<(), Refusal> {
    let mut missing: Vec<&FieldPath> = fields.iter().collect();
    for key in order {
        if missing.is_empty() {
            break;
        }
        if key.relation.is_some() || !fields.contains(&key.field) {
            return Err(Refusal::Sql {
                code: "42P10",
                message: "SELECT DISTINCT ON expressions must match initial ORDER BY expressions".into(),
                detail: None,
                hint: None,
            });
        }
        missing.retain(|field| **field != key.field);
    }
    Ok(())
}
