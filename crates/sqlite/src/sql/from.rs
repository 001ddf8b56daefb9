//! Items of `from`: tables with their row security, subqueries, joins, and functions that give rows.

use plinth_catalog::expr::{Expr, FromItem, JoinKind, Query, SourceId};
use plinth_catalog::{RelationId, RelationKind, quote_ident};
use plinth_query::plan::WRITE_RESULT;

use super::call::function_name;
use super::{Param, Result, Source, Writer, internal, table_name, walk};

/// Where the conditions of row security go: to the next place outwards that removes a row before it is joined with anything.
/// `None`: there is none, the table becomes a subquery.
type Guards<'g> = Option<&'g mut Vec<String>>;

impl<'a> Writer<'a> {
    /// An item of `from`. `outer`: an outer join around may give nulls in its place.
    pub(super) fn item(&mut self, item: &FromItem, guards: Guards<'_>, outer: bool) -> Result<String> {
        self.nested(|w| w.item_inner(item, guards, outer))
    }

    fn item_inner(&mut self, item: &FromItem, guards: Guards<'_>, outer: bool) -> Result<String> {
        match item {
            FromItem::Relation { id, relation, security } => {
                self.relation(*id, *relation, security.as_deref(), guards, outer)
            }
            FromItem::Query { id, query, lateral } => self.subquery(*id, query, *lateral),
            FromItem::Cte { id, cte } => self.cte(*id, *cte),
            FromItem::Set { id, builtin, args, columns, with_ordinality } => {
                let name = format!("{}__rows", function_name(builtin));
                let call = self.registered(&name, builtin, args)?;
                let alias = self.name("t");
                let ordinality = with_ordinality.then_some(columns.len());
                let flat = columns.len() == 1;
                self.push(*id, Source::Rows { alias: alias.clone(), flat, ordinality });
                Ok(format!("json_each({call}) as {alias}"))
            }
            FromItem::Function { .. } => Err(internal("a function of the catalog was not inlined")),
            FromItem::Join { kind, left, right, on } => {
                self.join(*kind, left, right, on.as_ref(), guards, outer)
            }
        }
    }

    fn relation(
        &mut self,
        id: SourceId,
        relation: RelationId,
        security: Option<&Expr>,
        guards: Guards<'_>,
        outer: bool,
    ) -> Result<String> {
        let catalog = self.catalog;
        let definition = catalog
            .relations
            .get(relation.0 as usize)
            .ok_or_else(|| internal("the plan refers to a relation that does not exist"))?;
        let alias = self.name("t");
        let (text, source) = match &definition.kind {
            RelationKind::Table(_) => (
                format!("{} as {alias}", quote_ident(&table_name(definition))),
                Source::Table { alias: alias.clone(), relation, outer },
            ),
            RelationKind::View(view) => {
                let query =
                    view.query.as_ref().ok_or_else(|| internal("the view's query is another database's"))?;
                (format!("({}) as {alias}", self.query(query)?), Source::Columns { alias: alias.clone() })
            }
        };
        match (security, guards) {
            (None, _) => {
                self.push(id, source);
                Ok(text)
            }
            (Some(security), Some(guards)) => {
                self.push(id, source);
                guards.push(self.expr(security)?);
                Ok(text)
            }
            (Some(security), None) => {
                let condition = self.scoped(|w| {
                    w.push(id, source.clone());
                    w.expr(security)
                })?;
                // The subquery's columns keep the table's names and, written as they are, its collations.
                let source = match source {
                    Source::Table { relation, .. } => {
                        Source::Table { alias: alias.clone(), relation, outer: true }
                    }
                    source => source,
                };
                self.push(id, source);
                let barrier = if self.fallible_outside { " limit -1" } else { "" };
                Ok(format!("(select * from {text} where {condition}{barrier}) as {alias}"))
            }
        }
    }

    fn subquery(&mut self, id: SourceId, query: &Query, lateral: bool) -> Result<String> {
        let siblings: Vec<SourceId> =
            self.scope.get(self.from_start..).unwrap_or_default().iter().map(|(id, _)| *id).collect();
        if lateral && walk::refers(query, &siblings) {
            return self.lateral(id, query);
        }
        let barrier = walk::has_security(query) && (self.fallible_outside || walk::projects_fallible(query));
        let mut text = self.query(query)?;
        if barrier && query.limit.is_none() && query.offset.is_none() {
            // A limit keeps SQLite from moving conditions inwards, where they would see rows that row security hides.
            text = format!("select * from ({text}) limit -1");
        }
        let alias = self.name("t");
        self.push(id, Source::Columns { alias: alias.clone() });
        Ok(format!("({text}) as {alias}"))
    }

    /// A subquery that refers to what stands before it. SQLite allows that to the arguments of a table-valued function only, so its
    /// rows come as one value.
    fn lateral(&mut self, id: SourceId, query: &Query) -> Result<String> {
        let rows = self.query(query)?;
        let columns: Vec<String> = (0..query.columns.len()).map(|i| format!("c{i}")).collect();
        let columns = if columns.is_empty() { "1".to_owned() } else { columns.join(", ") };
        let alias = self.name("t");
        let flat = query.columns.len() == 1;
        self.push(id, Source::Rows { alias: alias.clone(), flat, ordinality: None });
        Ok(format!("json_each((select plinth_rows({columns}) from ({rows}))) as {alias}"))
    }

    fn cte(&mut self, id: SourceId, cte: SourceId) -> Result<String> {
        let alias = self.name("t");
        if let Some(name) = self.ctes.get(&cte) {
            let text = format!("{name} as {alias}");
            self.push(id, Source::Columns { alias });
            return Ok(text);
        }
        if cte == WRITE_RESULT {
            let rows = self.param(Param::WriteResult);
            let text = format!("json_each({rows}) as {alias}");
            self.push(id, Source::Rows { alias, flat: false, ordinality: None });
            return Ok(text);
        }
        Err(internal("the plan refers to a common table expression that is not in scope"))
    }

    fn join(
        &mut self,
        kind: JoinKind,
        left: &FromItem,
        right: &FromItem,
        on: Option<&Expr>,
        mut guards: Guards<'_>,
        outer: bool,
    ) -> Result<String> {
        // A row that security hides on the nullable side finds no partner: that is what a condition in `on` says. On the other side
        // the place is further out. A full join has no such place.
        let mut own = Vec::new();
        let further_out = guards.as_deref().map_or(0, Vec::len);
        let (left_text, right_text, word) = match kind {
            JoinKind::Inner | JoinKind::Cross => {
                let left = self.item(left, guards.as_deref_mut(), outer)?;
                (left, self.item(right, guards.as_deref_mut(), outer)?, "join")
            }
            JoinKind::Left => {
                let left = self.item(left, guards.as_deref_mut(), outer)?;
                (left, self.item(right, Some(&mut own), true)?, "left join")
            }
            JoinKind::Right => {
                let left = self.item(left, Some(&mut own), true)?;
                (left, self.item(right, guards.as_deref_mut(), outer)?, "right join")
            }
            JoinKind::Full => {
                let left = self.item(left, None, true)?;
                (left, self.item(right, None, true)?, "full join")
            }
        };
        if let Some(on) = on {
            let text = self.expr(on)?;
            // As in `where`: one that can fail must not tell of rows that are hidden, here or further out.
            let hiding = guards.as_deref().and_then(|guards| guards.get(further_out..)).unwrap_or_default();
            let guard: Vec<&str> = hiding.iter().chain(&own).map(String::as_str).collect();
            own.push(match !guard.is_empty() && walk::is_fallible(on) {
                true => format!("case when {} then {text} end", guard.join(" and ")),
                false => text,
            });
        }
        let right_text = match right {
            FromItem::Join { .. } => format!("({right_text})"),
            _ => right_text,
        };
        let condition = match (own.is_empty(), kind) {
            (true, JoinKind::Inner | JoinKind::Cross) => String::new(),
            // An outer join keeps its rows whether or not it has a condition.
            (true, _) => " on 1".to_owned(),
            (false, _) => format!(" on {}", own.join(" and ")),
        };
        Ok(format!("{left_text} {word} {right_text}{condition}"))
    }
}
