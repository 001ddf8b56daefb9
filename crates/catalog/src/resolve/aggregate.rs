//! Aggregates and window functions: their arguments, `distinct`, `order by`, `filter`, windows and frames, and where they may
//! stand. Whether the columns beside them are grouped is checked in `grouping`.

use plinth_values::builtin::{self, Kind, Resolved};
use plinth_values::cast::Context;
use plinth_values::{Modifier, Type};
use sqlparser::ast;

use super::diagnose::Place;
use super::function::{Call, WrittenValue};
use super::grouping::same;
use super::scope::{Clause, Scope, fold};
use super::{Result, Work};
use crate::expr::{Expr, ExprKind, Frame, FrameBound, FrameUnits, OrderBy, Over, SourceId};
use crate::walk::{self, Visitor};

/// Inside the arguments of an aggregate.
const IN_AGGREGATE: Clause =
    Clause { name: "aggregate", aggregates: false, windows: false, subqueries: true };

impl Work<'_> {
    /// An aggregate over the groups of the query.
    pub(super) fn aggregate(&self, scope: &Scope<'_>, ast: &ast::Expr, call: &Call<'_>) -> Result<Expr> {
        let clause = scope.clause.get();
        if !clause.aggregates {
            return Err(match clause.name {
                "aggregate" => self.refuse(ast, "aggregate function calls cannot be nested"),
                _ => self.refuse(ast, format!("aggregate functions are not allowed in {}", clause.plural())),
            });
        }
        let (found, args, order, filter) = scope.within(IN_AGGREGATE, || -> Result<_> {
            let (found, args) = self.aggregate_arguments(scope, ast, call, &[Kind::Aggregate])?;
            let order = self.order_keys(scope, call.order)?;
            let filter = self.filter(scope, call)?;
            Ok((found, args, order, filter))
        })?;
        if call.distinct {
            if args.is_empty() {
                return Err(self.refuse(ast, "DISTINCT needs an argument"));
            }
            self.distinct_arguments(ast, &args, &order)?;
        }
        self.require_local(scope, ast, &args, &order, filter.as_deref())?;
        let kind =
            ExprKind::Aggregate { builtin: found.builtin, args, distinct: call.distinct, order, filter };
        Ok(Expr { kind, ty: found.returns })
    }

    /// An aggregate or window function over a window.
    pub(super) fn window(&self, scope: &Scope<'_>, ast: &ast::Expr, call: &Call<'_>) -> Result<Expr> {
        let clause = scope.clause.get();
        if !clause.windows {
            return Err(match clause.name {
                "window" => self.refuse(ast, "window function calls cannot be nested"),
                "aggregate" => {
                    self.refuse(ast, "aggregate function calls cannot contain window function calls")
                }
                _ => self.refuse(ast, format!("window functions are not allowed in {}", clause.plural())),
            });
        }
        if call.distinct {
            return Err(self.refuse(ast, "DISTINCT is not implemented for window functions"));
        }
        if !call.order.is_empty() {
            return Err(self.refuse(ast, "aggregate ORDER BY is not implemented for window functions"));
        }
        let within = Clause { name: "window", windows: false, ..clause };
        scope.within(within, || {
            let (found, args) =
                self.aggregate_arguments(scope, ast, call, &[Kind::Window, Kind::Aggregate])?;
            let filter = self.filter(scope, call)?;
            if filter.is_some() && found.builtin.kind == Kind::Window {
                return Err(self.refuse(ast, "FILTER is not implemented for non-aggregate window functions"));
            }
            let over = match call.over {
                Some(ast::WindowType::WindowSpec(spec)) => self.over(scope, ast, spec, 0)?,
                Some(ast::WindowType::NamedWindow(name)) => self.named_window(scope, ast, name, 0)?,
                None => Over::default(),
            };
            let kind = ExprKind::Window { builtin: found.builtin, args, filter, over: Box::new(over) };
            Ok(Expr { kind, ty: found.returns })
        })
    }

    fn aggregate_arguments(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        call: &Call<'_>,
        kinds: &[Kind],
    ) -> Result<(Resolved, Vec<Expr>)> {
        let mut args = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            if arg.name.is_some() {
                return Err(self.refuse(ast, "arguments of aggregates have no names"));
            }
            if let Some(table) = self.row_argument(scope, ast, arg)? {
                match call.name.as_str() {
                    "json_agg" => args.push(self.row_object(ast, table, "json_build_object")?),
                    "jsonb_agg" => args.push(self.row_object(ast, table, "jsonb_build_object")?),
                    // A row counts when it is there, whatever is in it.
                    "count" if table.nullable => args.push(self.presence(ast, table)?),
                    "count" => {}
                    name => return Err(self.refuse(ast, format!("{name} of a whole row is not supported"))),
                }
            } else if let WrittenValue::Expr(expr) = arg.value {
                args.push(self.expr(scope, expr)?);
            }
        }
        let types: Vec<Type> = args.iter().map(|arg| arg.ty.clone()).collect();
        if call.args.is_empty() && !call.star && call.name == "count" {
            let message = "count(*) must be used to call a parameterless aggregate function";
            return Err(self.refuse(ast, message));
        }
        let found =
            builtin::resolve(&call.name, kinds, &types).map_err(|_| self.no_function(ast, call, &types))?;
        let args = self.coerce_all(ast, args, &found.args)?;
        Ok((found, args))
    }

    fn filter(&self, scope: &Scope<'_>, call: &Call<'_>) -> Result<Option<Box<Expr>>> {
        let Some(filter) = call.filter else { return Ok(None) };
        scope.within(Clause::plain("FILTER"), || {
            let expr = self.expr(scope, filter)?;
            Ok(Some(Box::new(self.condition(filter, expr, "FILTER")?)))
        })
    }

    fn distinct_arguments(&self, at: &impl Place, args: &[Expr], order: &[OrderBy]) -> Result<()> {
        for arg in args {
            if !super::compare::is_comparable(&arg.ty) {
                return Err(
                    self.refuse(at, format!("could not identify an equality operator for type {}", arg.ty))
                );
            }
        }
        match order.iter().all(|key| args.iter().any(|arg| same(arg, &key.expr))) {
            true => Ok(()),
            false => {
                let message =
                    "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list";
                Err(self.refuse(at, message))
            }
        }
    }

    /// An aggregate whose columns all belong to a query around this one is, in SQL, an aggregate of that query.
    fn require_local(
        &self,
        scope: &Scope<'_>,
        at: &impl Place,
        args: &[Expr],
        order: &[OrderBy],
        filter: Option<&Expr>,
    ) -> Result<()> {
        let mut sources = Sources(Vec::new());
        args.iter()
            .chain(order.iter().map(|key| &key.expr))
            .chain(filter)
            .for_each(|expr| sources.expr(expr));
        let is_outer = |source| scope.chain().skip(1).any(|level| level.is_local(source));
        let local = sources.0.iter().any(|source| scope.is_local(*source));
        if !local && sources.0.iter().any(|source| is_outer(*source)) {
            let hint = "compute it in the outer query, for example in a with clause";
            return Err(self.unsupported(at, "an aggregate of only the outer query's columns", hint));
        }
        Ok(())
    }

    /// The keys of an `order by` that names expressions only.
    pub(super) fn order_keys(&self, scope: &Scope<'_>, order: &[ast::OrderByExpr]) -> Result<Vec<OrderBy>> {
        let keys = order.iter().map(|key| {
            let expr = self.expr(scope, &key.expr)?;
            let expr = self.known(expr)?;
            self.order_key(key, expr)
        });
        keys.collect()
    }

    /// One key of an order, over an expression that is resolved already.
    pub(super) fn order_key(&self, key: &ast::OrderByExpr, expr: Expr) -> Result<OrderBy> {
        if key.with_fill.is_some() {
            return Err(self.unsupported(key, "with fill", "leave it out"));
        }
        if !super::compare::is_comparable(&expr.ty) {
            return Err(
                self.refuse(key, format!("could not identify an ordering operator for type {}", expr.ty))
            );
        }
        let descending = match &key.options.sort {
            None | Some(ast::OrderBySort::Asc) => false,
            Some(ast::OrderBySort::Desc) => true,
            Some(ast::OrderBySort::Using(_)) => {
                return Err(self.unsupported(key, "order by using", "write asc or desc"));
            }
        };
        Ok(OrderBy { expr, descending, nulls_first: key.options.nulls_first.unwrap_or(descending) })
    }

    fn named_window(
        &self,
        scope: &Scope<'_>,
        at: &ast::Expr,
        name: &ast::Ident,
        depth: usize,
    ) -> Result<Over> {
        let wanted = fold(name);
        let found = scope.windows.iter().find(|definition| fold(&definition.0) == wanted);
        let Some(definition) = found.filter(|_| depth <= scope.windows.len()) else {
            return Err(self.refuse(name, format!("window \"{wanted}\" does not exist")));
        };
        match &definition.1 {
            ast::NamedWindowExpr::NamedWindow(other) => self.named_window(scope, at, other, depth + 1),
            ast::NamedWindowExpr::WindowSpec(spec) => self.over(scope, at, spec, depth + 1),
        }
    }

    fn over(&self, scope: &Scope<'_>, at: &ast::Expr, spec: &ast::WindowSpec, depth: usize) -> Result<Over> {
        let mut over = match &spec.window_name {
            Some(name) => {
                let base = self.named_window(scope, at, name, depth)?;
                if !spec.partition_by.is_empty() {
                    let message = format!("cannot override PARTITION BY clause of window \"{}\"", fold(name));
                    return Err(self.refuse(name, message));
                }
                if !base.order.is_empty() && !spec.order_by.is_empty() {
                    let message = format!("cannot override ORDER BY clause of window \"{}\"", fold(name));
                    return Err(self.refuse(name, message));
                }
                if base.frame.is_some() {
                    let message =
                        format!("cannot copy window \"{}\" because it has a frame clause", fold(name));
                    return Err(self.refuse(name, message));
                }
                base
            }
            None => Over::default(),
        };
        for key in &spec.partition_by {
            let expr = self.expr(scope, key)?;
            let expr = self.known(expr)?;
            if !super::compare::is_comparable(&expr.ty) {
                return Err(
                    self.refuse(key, format!("could not identify an equality operator for type {}", expr.ty))
                );
            }
            over.partition_by.push(expr);
        }
        over.order.extend(self.order_keys(scope, &spec.order_by)?);
        over.frame = match &spec.window_frame {
            Some(frame) => Some(self.frame(scope, at, frame, &over.order)?),
            None => None,
        };
        Ok(over)
    }

    fn frame(
        &self,
        scope: &Scope<'_>,
        at: &ast::Expr,
        frame: &ast::WindowFrame,
        order: &[OrderBy],
    ) -> Result<Frame> {
        let units = match frame.units {
            ast::WindowFrameUnits::Rows => FrameUnits::Rows,
            ast::WindowFrameUnits::Range => FrameUnits::Range,
            ast::WindowFrameUnits::Groups => FrameUnits::Groups,
        };
        if units == FrameUnits::Groups && order.is_empty() {
            return Err(self.refuse(at, "GROUPS mode requires an ORDER BY clause"));
        }
        let start = self.frame_bound(scope, at, &frame.start_bound, units, order)?;
        let end = match &frame.end_bound {
            Some(bound) => self.frame_bound(scope, at, bound, units, order)?,
            None => FrameBound::CurrentRow,
        };
        let rank = |bound: &FrameBound| match bound {
            FrameBound::UnboundedPreceding => 0,
            FrameBound::Preceding(_) => 1,
            FrameBound::CurrentRow => 2,
            FrameBound::Following(_) => 3,
            FrameBound::UnboundedFollowing => 4,
        };
        match (&start, &end) {
            (FrameBound::UnboundedFollowing, _) => {
                Err(self.refuse(at, "frame start cannot be UNBOUNDED FOLLOWING"))
            }
            (_, FrameBound::UnboundedPreceding) => {
                Err(self.refuse(at, "frame end cannot be UNBOUNDED PRECEDING"))
            }
            (FrameBound::CurrentRow, FrameBound::Preceding(_)) => {
                Err(self.refuse(at, "frame starting from current row cannot have preceding rows"))
            }
            (start, end) if rank(start) > rank(end) => {
                Err(self.refuse(at, "frame starting from following row cannot end before it"))
            }
            _ => Ok(Frame { units, start, end }),
        }
    }

    fn frame_bound(
        &self,
        scope: &Scope<'_>,
        at: &ast::Expr,
        bound: &ast::WindowFrameBound,
        units: FrameUnits,
        order: &[OrderBy],
    ) -> Result<FrameBound> {
        let offset = |expr: &ast::Expr| -> Result<Box<Expr>> {
            let ty = match (units, order) {
                (FrameUnits::Rows | FrameUnits::Groups, _) => Type::Int8,
                (FrameUnits::Range, [key]) if key.expr.ty.is_number() => key.expr.ty.clone(),
                (FrameUnits::Range, [_]) => {
                    let what = "range with an offset over anything but a number";
                    return Err(self.unsupported(at, what, "use rows or groups"));
                }
                (FrameUnits::Range, _) => {
                    let message =
                        "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column";
                    return Err(self.refuse(at, message));
                }
            };
            let resolved = self.expr(scope, expr)?;
            let resolved = self.coerce(expr, resolved, &ty, Context::Assignment)?;
            self.cast(expr, resolved, &ty, Modifier::None, false).map(Box::new)
        };
        Ok(match bound {
            ast::WindowFrameBound::CurrentRow => FrameBound::CurrentRow,
            ast::WindowFrameBound::Preceding(None) => FrameBound::UnboundedPreceding,
            ast::WindowFrameBound::Preceding(Some(expr)) => FrameBound::Preceding(offset(expr)?),
            ast::WindowFrameBound::Following(None) => FrameBound::UnboundedFollowing,
            ast::WindowFrameBound::Following(Some(expr)) => FrameBound::Following(offset(expr)?),
        })
    }
}

/// Collects the sources that columns come from.
struct Sources(Vec<SourceId>);

impl Visitor for Sources {
    fn expr(&mut self, expr: &Expr) {
        if let ExprKind::Column { source, .. } = &expr.kind {
            self.0.push(*source);
        }
        walk::walk_expr(self, expr);
    }
}
