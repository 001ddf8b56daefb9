//! Walking over expressions and queries. Every form is matched by name, so a new form cannot be overlooked: what planning must
//! find (sources, function calls, arguments) is found wherever it stands. Not responsible for what is done there. For looking without
//! changing there is [`plinth_catalog::walk`].

use plinth_catalog::expr::{
    Distinct, Expr, ExprKind, Frame, FrameBound, FromItem, Native, OrderBy, Over, Quantifiable, Query,
    QueryBody, Select, SourceId,
};
use plinth_catalog::walk::{self, Visitor};
use plinth_values::builtin::Volatility;

use crate::refusal::Refusal;

/// The outcome of a visit.
pub(crate) type Outcome = Result<(), Refusal>;

/// A visitor that may change what it sees. Its methods decide when to go on inwards, by calling the `walk_…` function. Sources are
/// seen where they are defined before they are seen where they are used.
pub(crate) trait Visit {
    /// An expression.
    fn expr(&mut self, expr: &mut Expr) -> Outcome {
        walk_expr(self, expr)
    }

    /// A query.
    fn query(&mut self, query: &mut Query) -> Outcome {
        walk_query(self, query)
    }

    /// An item of `from`.
    fn from(&mut self, item: &mut FromItem) -> Outcome {
        walk_from(self, item)
    }

    /// The place where a source is defined.
    fn define(&mut self, _id: &mut SourceId) -> Outcome {
        Ok(())
    }

    /// A place where a source is named.
    fn refer(&mut self, _id: &mut SourceId) -> Outcome {
        Ok(())
    }
}

/// Visits what an expression is made of.
pub(crate) fn walk_expr<V: Visit + ?Sized>(visitor: &mut V, expr: &mut Expr) -> Outcome {
    match &mut expr.kind {
        ExprKind::Literal(_) | ExprKind::Argument(_) | ExprKind::Bind(_) | ExprKind::Setting(_) => Ok(()),
        ExprKind::Column { source, column: _ } => visitor.refer(source),
        ExprKind::And(all) | ExprKind::Or(all) => walk_exprs(visitor, all),
        ExprKind::Not(inner) => visitor.expr(inner),
        ExprKind::Compare(_, left, right) | ExprKind::NullIf(left, right) => {
            visitor.expr(left)?;
            visitor.expr(right)
        }
        ExprKind::IsDistinct { left, right, negated: _ } => {
            visitor.expr(left)?;
            visitor.expr(right)
        }
        ExprKind::IsNull { expr, negated: _ } => visitor.expr(expr),
        ExprKind::IsBool { expr, value: _, negated: _ } => visitor.expr(expr),
        ExprKind::Call { builtin: _, args } => walk_exprs(visitor, args),
        ExprKind::UserCall { function: _, args } => walk_exprs(visitor, args),
        ExprKind::Case { whens, otherwise } => {
            for (when, then) in whens {
                visitor.expr(when)?;
                visitor.expr(then)?;
            }
            match otherwise {
                Some(otherwise) => visitor.expr(otherwise),
                None => Ok(()),
            }
        }
        ExprKind::Coalesce(all) | ExprKind::Greatest(all) | ExprKind::Least(all) | ExprKind::Array(all) => {
            walk_exprs(visitor, all)
        }
        ExprKind::Cast { expr, modifier: _, explicit: _ } => visitor.expr(expr),
        ExprKind::InList { expr, list, negated: _ } => {
            visitor.expr(expr)?;
            walk_exprs(visitor, list)
        }
        ExprKind::InQuery { exprs, query, negated: _ } => {
            walk_exprs(visitor, exprs)?;
            visitor.query(query)
        }
        ExprKind::Exists { query, negated: _ } => visitor.query(query),
        ExprKind::Scalar(query) | ExprKind::ArrayQuery(query) => visitor.query(query),
        ExprKind::Quantified { op, all: _, left, array } => {
            match op {
                Quantifiable::Compare(_) | Quantifiable::Operator(_) | Quantifiable::Native(_) => {}
            }
            visitor.expr(left)?;
            visitor.expr(array)
        }
        ExprKind::QuantifiedQuery { op: _, all: _, left, query } => {
            visitor.expr(left)?;
            visitor.query(query)
        }
        ExprKind::Index { array, index } => {
            visitor.expr(array)?;
            visitor.expr(index)
        }
        ExprKind::Aggregate { builtin: _, args, distinct: _, order, filter } => {
            walk_exprs(visitor, args)?;
            walk_order(visitor, order)?;
            walk_boxed(visitor, filter)
        }
        ExprKind::Window { builtin: _, args, filter, over } => {
            walk_exprs(visitor, args)?;
            walk_boxed(visitor, filter)?;
            walk_over(visitor, over)
        }
        ExprKind::Native(native) => {
            if let Native::Row(source) = native.as_mut() {
                visitor.refer(source)?;
            }
            native.parts_mut().into_iter().try_for_each(|part| visitor.expr(part))
        }
    }
}

fn walk_exprs<V: Visit + ?Sized>(visitor: &mut V, exprs: &mut [Expr]) -> Outcome {
    exprs.iter_mut().try_for_each(|expr| visitor.expr(expr))
}

fn walk_boxed<V: Visit + ?Sized>(visitor: &mut V, expr: &mut Option<Box<Expr>>) -> Outcome {
    match expr {
        Some(expr) => visitor.expr(expr),
        None => Ok(()),
    }
}

fn walk_optional<V: Visit + ?Sized>(visitor: &mut V, expr: &mut Option<Expr>) -> Outcome {
    match expr {
        Some(expr) => visitor.expr(expr),
        None => Ok(()),
    }
}

fn walk_order<V: Visit + ?Sized>(visitor: &mut V, order: &mut [OrderBy]) -> Outcome {
    order.iter_mut().try_for_each(|OrderBy { expr, descending: _, nulls_first: _ }| visitor.expr(expr))
}

fn walk_over<V: Visit + ?Sized>(visitor: &mut V, over: &mut Over) -> Outcome {
    let Over { partition_by, order, frame } = over;
    walk_exprs(visitor, partition_by)?;
    walk_order(visitor, order)?;
    match frame {
        Some(Frame { units: _, start, end }) => {
            walk_bound(visitor, start)?;
            walk_bound(visitor, end)
        }
        None => Ok(()),
    }
}

fn walk_bound<V: Visit + ?Sized>(visitor: &mut V, bound: &mut FrameBound) -> Outcome {
    match bound {
        FrameBound::UnboundedPreceding | FrameBound::CurrentRow | FrameBound::UnboundedFollowing => Ok(()),
        FrameBound::Preceding(expr) | FrameBound::Following(expr) => visitor.expr(expr),
    }
}

/// Visits what a query is made of.
pub(crate) fn walk_query<V: Visit + ?Sized>(visitor: &mut V, query: &mut Query) -> Outcome {
    let Query { with, body, order, limit, offset, columns: _, output } = query;
    for cte in with {
        // A recursive one names itself inside, so its definition comes first.
        visitor.define(&mut cte.id)?;
        visitor.query(&mut cte.query)?;
    }
    visitor.define(output)?;
    match body {
        QueryBody::Select(select) => walk_select(visitor, select)?,
        QueryBody::Values(rows) => rows.iter_mut().try_for_each(|row| walk_exprs(visitor, row))?,
        QueryBody::SetOperation { op: _, all: _, left, right } => {
            visitor.query(left)?;
            visitor.query(right)?;
        }
    }
    walk_order(visitor, order)?;
    walk_boxed(visitor, limit)?;
    walk_boxed(visitor, offset)
}

fn walk_select<V: Visit + ?Sized>(visitor: &mut V, select: &mut Select) -> Outcome {
    let Select { distinct, projection, from, filter, group_by, grouped: _, having } = select;
    if let Some(from) = from {
        visitor.from(from)?;
    }
    walk_exprs(visitor, projection)?;
    walk_optional(visitor, filter)?;
    walk_exprs(visitor, group_by)?;
    walk_optional(visitor, having)?;
    match distinct {
        Distinct::No | Distinct::All => Ok(()),
        Distinct::On(exprs) => walk_exprs(visitor, exprs),
    }
}

/// Visits what an item of `from` is made of.
pub(crate) fn walk_from<V: Visit + ?Sized>(visitor: &mut V, item: &mut FromItem) -> Outcome {
    match item {
        FromItem::Relation { id, relation: _, security } => {
            visitor.define(id)?;
            walk_boxed(visitor, security)
        }
        FromItem::Query { id, query, lateral: _ } => {
            visitor.query(query)?;
            visitor.define(id)
        }
        FromItem::Cte { id, cte } => {
            visitor.refer(cte)?;
            visitor.define(id)
        }
        FromItem::Set { id, builtin: _, args, columns: _, with_ordinality: _ } => {
            walk_exprs(visitor, args)?;
            visitor.define(id)
        }
        FromItem::Function { id, function: _, args } => {
            walk_exprs(visitor, args)?;
            visitor.define(id)
        }
        FromItem::Join { kind: _, left, right, on } => {
            visitor.from(left)?;
            visitor.from(right)?;
            walk_optional(visitor, on)
        }
    }
}

/// What a look at an expression or query finds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Whether there is a query inside
    pub queries: bool,
    /// Whether functions of the catalog are called
    pub functions: bool,
    /// Whether something may differ at each evaluation
    pub volatile: bool,
    /// The sources whose columns are named
    pub sources: Vec<SourceId>,
    /// The function arguments that are named, once per place
    pub arguments: Vec<usize>,
}

impl Visitor for Facts {
    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Call { builtin, .. } => self.volatile |= builtin.volatility == Volatility::Volatile,
            ExprKind::UserCall { .. } => {
                self.functions = true;
                // What the function does is not known here.
                self.volatile = true;
            }
            ExprKind::Argument(n) => self.arguments.push(*n),
            ExprKind::Column { source, .. } => self.sources.push(*source),
            ExprKind::Native(native) => {
                // What the database does there is not known here.
                self.volatile = true;
                if let Native::Row(source) = native.as_ref() {
                    self.sources.push(*source);
                }
            }
            _ => {}
        }
        walk::walk_expr(self, expr);
    }

    fn query(&mut self, query: &Query) {
        self.queries = true;
        walk::walk_query(self, query);
    }
}

/// The facts of an expression.
pub(crate) fn facts(expr: &Expr) -> Facts {
    let mut facts = Facts::default();
    facts.expr(expr);
    facts
}

/// The facts of a query.
pub(crate) fn query_facts(query: &Query) -> Facts {
    let mut facts = Facts::default();
    facts.query(query);
    facts
}

/// `select <projection> from <from> where <filter>` without anything else. Its output source is never named.
pub(crate) fn select(
    output: SourceId,
    projection: Vec<(Expr, String)>,
    from: Option<FromItem>,
    filter: Option<Expr>,
) -> Query {
    let (projection, names): (Vec<Expr>, Vec<String>) = projection.into_iter().unzip();
    let columns = names.into_iter().zip(&projection).map(|(name, expr)| (name, expr.ty.clone())).collect();
    Query {
        with: Vec::new(),
        body: QueryBody::Select(Box::new(Select {
            distinct: Distinct::No,
            projection,
            from,
            filter,
            group_by: Vec::new(),
            grouped: false,
            having: None,
        })),
        order: Vec::new(),
        limit: None,
        offset: None,
        columns,
        output,
    }
}
