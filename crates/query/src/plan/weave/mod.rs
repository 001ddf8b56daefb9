//! Weaving: what the catalog says about a relation or function is copied into the plan, with the caller's policies, privilege
//! checks, view queries and function bodies in place. After it a plan names nothing that an engine would have to look up rights
//! for. Input are the catalog's own expressions; the request's are made by the other modules of planning.

mod functions;
mod policies;

pub(crate) use functions::returns_set;
pub(crate) use policies::Condition;

use std::collections::HashMap;

use plinth_catalog::expr::{Expr, ExprKind, FromItem, JoinKind, Query, QueryBody, Select, SourceId};
use plinth_catalog::{RelationId, RelationKind, Returns};

use super::access::{Access, denied};
use crate::ir::{self, Outcome, Visit};
use crate::plan::AppliedPolicy;
use crate::refusal::Refusal;

/// How deep views, policies and functions may be nested in each other.
const MAX_DEPTH: usize = 32;

/// How many views, policies and functions one plan may contain.
const MAX_WOVEN: usize = 2_000;

/// Whose rights hold for a part of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    /// The caller's
    Caller,
    /// A view's: relations are read as its owner, but the current user, whose rights functions run with, is still the caller
    View,
    /// The owner's, who may do everything: inside a security definer function
    Owner,
}

/// The weaving of one plan.
pub(crate) struct Weaver<'a> {
    /// The caller
    pub access: Access<'a>,
    /// The policies that took part
    pub applied: Vec<AppliedPolicy>,
    /// The last source given out. A plan numbers its sources by itself, so that the same request gives the same plan
    last: u32,
    depth: usize,
    woven: usize,
    /// The relations whose policies are being woven
    active: Vec<RelationId>,
}

impl<'a> Weaver<'a> {
    /// A weaver for one plan.
    pub fn new(access: Access<'a>) -> Weaver<'a> {
        Weaver { access, applied: Vec::new(), last: 15, depth: 0, woven: 0, active: Vec::new() }
    }

    /// A source that nothing else in this plan uses.
    pub fn fresh(&mut self) -> SourceId {
        self.last += 1;
        SourceId(self.last)
    }

    /// A relation as the caller may read it, its rows restricted by the policies. Privileges are not checked here.
    pub fn relation(
        &mut self,
        id: SourceId,
        relation: RelationId,
        rights: Rights,
    ) -> Result<FromItem, Refusal> {
        let catalog = self.access.catalog;
        if catalog.database.is_some() {
            // The database itself checks the caller's rights and runs its views.
            return Ok(FromItem::Relation { id, relation, security: None });
        }
        match &catalog.relation(relation).kind {
            RelationKind::Table(_) => {
                let security = match rights {
                    Rights::Caller => self.select_policies(catalog.relation(relation), id)?,
                    Rights::View | Rights::Owner => None,
                };
                Ok(FromItem::Relation { id, relation, security: security.map(Box::new) })
            }
            RelationKind::View(view) => {
                let rights = match (rights, view.security_invoker) {
                    (Rights::Owner, _) => Rights::Owner,
                    (Rights::Caller | Rights::View, true) => Rights::Caller,
                    (Rights::Caller | Rights::View, false) => Rights::View,
                };
                let mut query = view.query.clone().ok_or_else(|| internal("a view without a query"))?;
                self.enter()?;
                Body::new(self, rights, Vec::new()).query(&mut query)?;
                self.leave();
                Ok(FromItem::Query { id, query: Box::new(query), lateral: false })
            }
        }
    }

    /// The caller's relation under a new source.
    pub fn read(&mut self, relation: RelationId) -> Result<(SourceId, FromItem), Refusal> {
        let id = self.fresh();
        Ok((id, self.relation(id, relation, Rights::Caller)?))
    }

    /// An expression of the catalog over [`SourceId::ROW`], with the rights given; `row` is the source that stands for it here.
    pub fn row_expr(&mut self, expr: &Expr, row: SourceId, rights: Rights) -> Result<Expr, Refusal> {
        self.expr_over(expr, SourceId::ROW, row, rights)
    }

    /// An expression of the catalog over one source, which is called otherwise here.
    pub fn expr_over(
        &mut self,
        expr: &Expr,
        source: SourceId,
        here: SourceId,
        rights: Rights,
    ) -> Result<Expr, Refusal> {
        let mut expr = expr.clone();
        let mut body = Body::new(self, rights, Vec::new());
        body.renamed.insert(source, here);
        body.expr(&mut expr)?;
        Ok(expr)
    }

    /// A copy of a woven expression with sources of its own inside.
    pub fn copy(&mut self, expr: &Expr) -> Expr {
        let mut expr = expr.clone();
        // Renaming refuses nothing.
        let _ = Rename { weaver: self, renamed: HashMap::new() }.expr(&mut expr);
        expr
    }

    fn enter(&mut self) -> Outcome {
        self.depth += 1;
        self.woven += 1;
        if self.depth > MAX_DEPTH || self.woven > MAX_WOVEN {
            return Err(Refusal::Sql {
                code: "54001",
                message: "stack depth limit exceeded".into(),
                detail: Some(
                    "Views, policies and functions are nested too deeply in each other, or too many.".into(),
                ),
                hint: Some("Look for a function or policy that leads back to itself.".into()),
            });
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }
}

/// Gives the sources inside an expression new names.
struct Rename<'w, 'a> {
    weaver: &'w mut Weaver<'a>,
    renamed: HashMap<SourceId, SourceId>,
}

impl Visit for Rename<'_, '_> {
    fn define(&mut self, id: &mut SourceId) -> Outcome {
        let new = self.weaver.fresh();
        self.renamed.insert(*id, new);
        *id = new;
        Ok(())
    }

    fn refer(&mut self, id: &mut SourceId) -> Outcome {
        if let Some(new) = self.renamed.get(id) {
            *id = *new;
        }
        Ok(())
    }
}

/// One piece of the catalog on its way into the plan: a view's query, a policy's condition, or a function's body.
pub(crate) struct Body<'w, 'a> {
    weaver: &'w mut Weaver<'a>,
    rights: Rights,
    /// The piece's own sources, and what they are called in the plan
    renamed: HashMap<SourceId, SourceId>,
    /// The relations that the piece reads with the caller's rights: each column named must be granted
    checked: HashMap<SourceId, RelationId>,
    /// What the function's arguments are, woven already
    arguments: Vec<Expr>,
    /// The sources of the `from` that is being woven
    siblings: Vec<SourceId>,
    /// How many sources were added to the piece
    added: u32,
}

impl<'w, 'a> Body<'w, 'a> {
    /// A piece whose arguments are given.
    pub fn new(weaver: &'w mut Weaver<'a>, rights: Rights, arguments: Vec<Expr>) -> Body<'w, 'a> {
        Body {
            weaver,
            rights,
            renamed: HashMap::new(),
            checked: HashMap::new(),
            arguments,
            siblings: Vec::new(),
            added: 0,
        }
    }

    /// Lets the piece name the row of a written relation and the proposed row. What of them it reads must be granted.
    pub fn over_row(mut self, relation: RelationId) -> Body<'w, 'a> {
        for row in [SourceId::ROW, SourceId::EXCLUDED] {
            self.renamed.insert(row, row);
            if self.rights == Rights::Caller {
                self.checked.insert(row, relation);
            }
        }
        self
    }

    fn column_granted(&self, source: SourceId, column: usize) -> Outcome {
        let Some(relation) = self.checked.get(&source) else { return Ok(()) };
        let relation = self.weaver.access.catalog.relation(*relation);
        if self.weaver.access.privileges(relation).select.covers(column) {
            Ok(())
        } else {
            Err(denied(relation))
        }
    }

    fn argument(&mut self, position: usize) -> Result<Expr, Refusal> {
        match self.arguments.get(position) {
            Some(argument) => Ok(self.weaver.copy(&argument.clone())),
            None => Err(internal("an argument that the function does not have")),
        }
    }

    /// `select f(x) from t`, where `f` gives rows, is `select r.* from t cross join lateral f(x) as r`.
    fn lift_set_function(&mut self, select: &mut Select) -> Outcome {
        let catalog = self.weaver.access.catalog;
        let gives_rows = |expr: &Expr| match &expr.kind {
            ExprKind::UserCall { function, args: _ } => match &catalog.function(*function).returns {
                Returns::Scalar { set, .. } => *set,
                Returns::Void | Returns::Relation { .. } | Returns::Columns { .. } => false,
            },
            _ => false,
        };
        let mut places = select.projection.iter_mut().filter(|expr| gives_rows(expr));
        let Some(place) = places.next() else { return Ok(()) };
        if select.grouped || places.next().is_some() {
            return Err(set_function_not_here());
        }
        // The piece's own sources come from the other end of the number range.
        let id = SourceId(u32::MAX - self.added);
        self.added += 1;
        let ty = place.ty.clone();
        let call = std::mem::replace(place, Expr::column(id, 0, ty));
        let ExprKind::UserCall { function, args } = call.kind else { return Ok(()) };
        let rows = FromItem::Function { id, function, args };
        select.from = Some(match select.from.take() {
            None => rows,
            Some(from) => FromItem::Join {
                kind: JoinKind::Cross,
                left: Box::new(from),
                right: Box::new(rows),
                on: None,
            },
        });
        Ok(())
    }
}

impl Visit for Body<'_, '_> {
    fn expr(&mut self, expr: &mut Expr) -> Outcome {
        match &mut expr.kind {
            ExprKind::Argument(position) => {
                let position = *position;
                *expr = self.argument(position)?;
                Ok(())
            }
            ExprKind::Column { source, column } => {
                let column = *column;
                self.refer(source)?;
                self.column_granted(*source, column)
            }
            ExprKind::UserCall { function, args } => {
                let (function, mut args) = (*function, std::mem::take(args));
                args.iter_mut().try_for_each(|argument| self.expr(argument))?;
                *expr = self.weaver.scalar_function(function, args, self.rights)?;
                Ok(())
            }
            _ => ir::walk_expr(self, expr),
        }
    }

    fn query(&mut self, query: &mut Query) -> Outcome {
        if let QueryBody::Select(select) = &mut query.body {
            self.lift_set_function(select)?;
        }
        let outer = std::mem::take(&mut self.siblings);
        ir::walk_query(self, query)?;
        self.siblings = outer;
        Ok(())
    }

    fn from(&mut self, item: &mut FromItem) -> Outcome {
        match item {
            FromItem::Relation { id, relation, security: _ } => {
                let relation = *relation;
                self.define(id)?;
                if self.rights == Rights::Caller {
                    let read = self.weaver.access.catalog.relation(relation);
                    if !self.weaver.access.privileges(read).select.any() {
                        return Err(denied(read));
                    }
                    self.checked.insert(*id, relation);
                }
                *item = self.weaver.relation(*id, relation, self.rights)?;
                Ok(())
            }
            FromItem::Function { id, function, args } => {
                let (function, mut args) = (*function, std::mem::take(args));
                args.iter_mut().try_for_each(|argument| self.expr(argument))?;
                let lateral = args
                    .iter()
                    .any(|arg| ir::facts(arg).sources.iter().any(|source| self.siblings.contains(source)));
                self.define(id)?;
                *item = self.weaver.row_function(*id, function, args, self.rights, lateral)?;
                Ok(())
            }
            FromItem::Query { .. } | FromItem::Cte { .. } | FromItem::Set { .. } | FromItem::Join { .. } => {
                ir::walk_from(self, item)
            }
        }
    }

    fn define(&mut self, id: &mut SourceId) -> Outcome {
        let new = self.weaver.fresh();
        self.renamed.insert(*id, new);
        self.siblings.push(new);
        *id = new;
        Ok(())
    }

    fn refer(&mut self, id: &mut SourceId) -> Outcome {
        match self.renamed.get(id) {
            Some(new) => {
                *id = *new;
                Ok(())
            }
            None => Err(internal("a source that is not in scope")),
        }
    }
}

fn set_function_not_here() -> Refusal {
    Refusal::Sql {
        code: "0A000",
        message: "set-valued function called in context that cannot accept a set".into(),
        detail: None,
        hint: Some("Call it in from.".into()),
    }
}

/// The catalog contradicts itself: no request is at fault.
fn internal(what: &str) -> Refusal {
    Refusal::Sql { code: "XX000", message: format!("the schema refers to {what}"), detail: None, hint: None }
}
