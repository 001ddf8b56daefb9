//! Aggregates and window functions: SQLite's own where they compute the same, otherwise the registered ones.

use plinth_catalog::expr::{Expr, ExprKind, Frame, FrameBound, FrameUnits, OrderBy, Over};
use plinth_values::builtin::{Builtin, Kind};
use plinth_values::{Modifier, Type};

use super::call::function_name;
use super::literal::{declared_type, string};
use super::{Result, Source, Writer, not_supported};
use crate::functions::type_tags;

impl Writer<'_> {
    /// An aggregate over the query's groups.
    pub(super) fn aggregate(
        &mut self,
        builtin: &'static Builtin,
        args: &[Expr],
        distinct: bool,
        order: &[OrderBy],
        filter: Option<&Expr>,
    ) -> Result<String> {
        let filter = self.filter_clause(filter)?;
        if let Some(name) = self.native(builtin, args) {
            // Neither the order nor, except for a count and a sum, the repetition of values matters to these.
            let distinct = distinct && matches!(name, "count" | "sum");
            let list = self.native_args(args, distinct)?;
            return Ok(format!("{name}({list}){filter}"));
        }
        let keys = self.order_keys(order)?;
        let suffix = match (distinct, keys.is_empty()) {
            (false, _) => "",
            (true, true) => "__distinct",
            (true, false) => "__distinct_ordered",
        };
        let order = if keys.is_empty() { String::new() } else { format!(" order by {}", keys.join(", ")) };
        let list = self.tagged_args(args)?;
        Ok(format!("{}{suffix}({list}{order}){filter}", function_name(builtin)))
    }

    /// An aggregate or window function over a window.
    pub(super) fn window(
        &mut self,
        builtin: &'static Builtin,
        args: &[Expr],
        filter: Option<&Expr>,
        over: &Over,
    ) -> Result<String> {
        let filter = self.filter_clause(filter)?;
        let call = if builtin.kind == Kind::Window {
            format!("{}({})", builtin.name, self.list(args)?)
        } else if let Some(name) = self.native(builtin, args) {
            format!("{name}({})", self.native_args(args, false)?)
        } else {
            format!("{}__window({})", function_name(builtin), self.tagged_args(args)?)
        };
        Ok(format!("{call}{filter} over ({})", self.over(over)?))
    }

    fn filter_clause(&mut self, filter: Option<&Expr>) -> Result<String> {
        match filter {
            Some(filter) => Ok(format!(" filter (where {})", self.expr(filter)?)),
            None => Ok(String::new()),
        }
    }

    /// SQLite's aggregates compare by the collation of their argument.
    fn native_args(&mut self, args: &[Expr], distinct: bool) -> Result<String> {
        match args {
            [] => Ok("*".to_owned()),
            args => {
                let keys = args.iter().map(|arg| self.key(arg)).collect::<Result<Vec<_>>>()?;
                Ok(format!("{}{}", if distinct { "distinct " } else { "" }, keys.join(", ")))
            }
        }
    }

    fn tagged_args(&mut self, args: &[Expr]) -> Result<String> {
        let types: Vec<&Type> = args.iter().map(|arg| &arg.ty).collect();
        let tag = string(&type_tags(&types))?;
        Ok(format!("{tag}, {}", self.list(args)?))
    }

    fn over(&mut self, over: &Over) -> Result<String> {
        let mut parts = Vec::new();
        if !over.partition_by.is_empty() {
            let keys = over.partition_by.iter().map(|key| self.key(key)).collect::<Result<Vec<_>>>()?;
            parts.push(format!("partition by {}", keys.join(", ")));
        }
        let order = self.order_keys(&over.order)?;
        if !order.is_empty() {
            parts.push(format!("order by {}", order.join(", ")));
        }
        if let Some(frame) = &over.frame {
            parts.push(self.frame(frame, &over.order)?);
        }
        Ok(parts.join(" "))
    }

    fn frame(&mut self, frame: &Frame, order: &[OrderBy]) -> Result<String> {
        let units = match frame.units {
            FrameUnits::Rows => "rows",
            FrameUnits::Range => "range",
            FrameUnits::Groups => "groups",
        };
        let has_offset = [&frame.start, &frame.end]
            .iter()
            .any(|bound| matches!(bound, FrameBound::Preceding(_) | FrameBound::Following(_)));
        let by_number = order.first().is_some_and(|key| {
            matches!(key.expr.ty, Type::Int2 | Type::Int4 | Type::Int8 | Type::Float4 | Type::Float8)
        });
        if frame.units == FrameUnits::Range && has_offset && !by_number {
            return Err(not_supported("RANGE with an offset is supported over integers and floats only"));
        }
        Ok(format!("{units} between {} and {}", self.bound(&frame.start)?, self.bound(&frame.end)?))
    }

    fn bound(&mut self, bound: &FrameBound) -> Result<String> {
        Ok(match bound {
            FrameBound::UnboundedPreceding => "unbounded preceding".to_owned(),
            FrameBound::Preceding(offset) => format!("{} preceding", self.expr(offset)?),
            FrameBound::CurrentRow => "current row".to_owned(),
            FrameBound::Following(offset) => format!("{} following", self.expr(offset)?),
            FrameBound::UnboundedFollowing => "unbounded following".to_owned(),
        })
    }

    /// SQLite's own aggregate that computes the same for these arguments.
    fn native(&self, builtin: &Builtin, args: &[Expr]) -> Option<&'static str> {
        match (builtin.name, args) {
            ("count", [] | [_]) => Some("count"),
            ("min", [arg]) if self.has_one_form(arg) => Some("min"),
            ("max", [arg]) if self.has_one_form(arg) => Some("max"),
            ("bool_and" | "every", [_]) => Some("min"),
            ("bool_or", [_]) => Some("max"),
            // The sum of smallints and integers is a bigint, and so is SQLite's.
            ("sum", [arg]) if matches!(arg.ty, Type::Int2 | Type::Int4) => Some("sum"),
            _ => None,
        }
    }

    /// Whether equal values are written alike. Of 1.5 and 1.50, PostgreSQL's `min` and `max` give the last, SQLite's the first.
    fn has_one_form(&self, expr: &Expr) -> bool {
        match &expr.ty {
            Type::Numeric => match &expr.kind {
                ExprKind::Column { source, column } => match self.source(*source) {
                    Some(Source::Table { relation, .. }) => self
                        .relation_column(*relation, *column)
                        .is_ok_and(|column| matches!(column.modifier, Modifier::Numeric { .. })),
                    _ => false,
                },
                _ => false,
            },
            Type::Interval | Type::Jsonb | Type::Range(_) | Type::Array(_) => false,
            ty => declared_type(ty).is_some(),
        }
    }
}
