//! Queries. The columns of what is written here are always named `c0`, `c1`, …

use plinth_catalog::expr::{
    Cte, Distinct, Expr, ExprKind, FromItem, Query, QueryBody, Select, SetOp, SourceId,
};
use plinth_catalog::{Catalog, Relation};
use plinth_values::Type;

use super::expr::{direction, is_constant, small_number};
use super::literal::collation;
use super::{Result, Source, Sql, Writer, walk};

/// What decides which rows and groups a select has.
pub(super) struct Parts<'p> {
    /// The sources
    pub from: Option<&'p FromItem>,
    /// `where`
    pub filter: Option<&'p Expr>,
    /// `group by`
    pub group_by: &'p [Expr],
    /// `having`
    pub having: Option<&'p Expr>,
}

/// A query as a statement of its own.
pub(crate) fn query(catalog: &Catalog, query: &Query) -> Result<Sql> {
    let mut w = Writer::new(catalog);
    let text = w.query(query)?;
    Ok(w.finish(text))
}

impl Writer<'_> {
    /// A query.
    pub(crate) fn query(&mut self, query: &Query) -> Result<String> {
        self.nested(|w| w.scoped(|w| w.query_inner(query, false)))
    }

    /// With `sets`, the rows are compared as wholes: each column brings its type's collation.
    fn query_inner(&mut self, query: &Query, sets: bool) -> Result<String> {
        let with = self.with(query)?;
        let body = match &query.body {
            QueryBody::Select(select) => match &select.distinct {
                Distinct::On(keys) => self.distinct_on(query, select, keys)?,
                Distinct::All => self.select(query, select, true)?,
                Distinct::No => self.select(query, select, sets)?,
            },
            QueryBody::Values(rows) => {
                let values = self.values(rows, &query.columns, sets)?;
                format!("{values}{}", self.output_order(query)?)
            }
            QueryBody::SetOperation { op, all, left, right } => {
                let operation = self.set_operation(*op, *all, left, right, &query.columns, sets)?;
                let order = self.output_order(query)?;
                if order.is_empty() { operation } else { format!("select * from ({operation}){order}") }
            }
        };
        let page = self.page(query)?;
        Ok(format!("{with}{body}{page}"))
    }

    fn with(&mut self, query: &Query) -> Result<String> {
        let ctes: &[Cte] = &query.with;
        if ctes.is_empty() {
            return Ok(String::new());
        }
        let fallible = walk::is_fallible_query(query);
        let mut parts = Vec::with_capacity(ctes.len());
        for cte in ctes {
            let name = self.name("w");
            if cte.recursive {
                self.ctes.insert(cte.id, name.clone());
            }
            let query = self.nested(|w| w.scoped(|w| w.query_inner(&cte.query, false)))?;
            self.ctes.insert(cte.id, name.clone());
            let columns: Vec<String> = (0..cte.query.columns.len()).map(|i| format!("c{i}")).collect();
            // PostgreSQL evaluates it once where that makes a difference. Conditions that can fail must not move into it, where
            // they would see rows that row security hides.
            let once = walk::is_volatile(&cte.query) || fallible && walk::has_security(&cte.query);
            let once = if once { " as materialized" } else { " as" };
            parts.push(format!("{name}({}){once} ({query})", columns.join(", ")));
        }
        let word = if ctes.iter().any(|cte| cte.recursive) { "with recursive" } else { "with" };
        Ok(format!("{word} {} ", parts.join(", ")))
    }

    fn select(&mut self, query: &Query, select: &Select, sets: bool) -> Result<String> {
        let body = self.body(&parts(select))?;
        let list = self.select_list(&select.projection, sets)?;
        let distinct = if matches!(select.distinct, Distinct::All) { "distinct " } else { "" };
        let order = self.order_by(&query.order)?;
        if select.grouped && select.group_by.is_empty() && !select.projection.iter().any(has_aggregate) {
            // One group, though nothing of it is selected: SQLite groups only where an aggregate stands in the list.
            let columns = column_names(select.projection.len(), &[]);
            return Ok(format!("select {columns} from (select {list}, count(*) as n{body}{order})"));
        }
        Ok(format!("select {distinct}{list}{body}{order}"))
    }

    fn select_list(&mut self, projection: &[Expr], sets: bool) -> Result<String> {
        if projection.is_empty() {
            return Ok("1".to_owned());
        }
        let mut list = Vec::with_capacity(projection.len());
        for (i, expr) in projection.iter().enumerate() {
            let text = if sets { self.key(expr)? } else { self.expr(expr)? };
            list.push(format!("{text} as c{i}"));
        }
        Ok(list.join(", "))
    }

    /// ` from … where … group by … having …`. The sources stay in scope for what is selected.
    pub(super) fn body(&mut self, parts: &Parts<'_>) -> Result<String> {
        let conjuncts = conjuncts(parts.filter);
        self.from_start = self.scope.len();
        self.fallible_outside = conjuncts.iter().any(|expr| walk::is_fallible(expr))
            || parts.from.is_some_and(walk::joins_fallibly);
        let mut guards = Vec::new();
        let from = match parts.from {
            Some(item) => format!(" from {}", self.item(item, Some(&mut guards), false)?),
            None => String::new(),
        };
        let guard = guards.join(" and ");
        let mut conditions = guards;
        for conjunct in conjuncts {
            conditions.extend(self.search_candidates(conjunct)?);
            let text = self.expr(conjunct)?;
            // SQLite evaluates conditions in the order it likes. One that can fail must not tell of rows that security hides.
            conditions.push(match !guard.is_empty() && walk::is_fallible(conjunct) {
                true => format!("case when {guard} then {text} end"),
                false => text,
            });
        }
        let filter = match conditions.is_empty() {
            true => String::new(),
            false => format!(" where {}", conditions.join(" and ")),
        };
        let group = self.group_by(parts.group_by)?;
        let having = match parts.having {
            // SQLite makes a condition on nothing but the keys one of `where`; on an aggregate it stays where it is.
            Some(having) if walk::is_fallible(having) && !parts.group_by.is_empty() => {
                format!(" having case when count(*) > 0 then {} end", self.expr(having)?)
            }
            Some(having) => format!(" having {}", self.expr(having)?),
            None => String::new(),
        };
        Ok(format!("{from}{filter}{group}{having}"))
    }

    /// The condition on the rows of a written table: row security first, then what is asked for. What can fail for a row is evaluated
    /// only for rows that all else lets through, in order; SQLite would take the order it likes.
    pub(super) fn written_filter(&mut self, filter: &Expr) -> Result<String> {
        let (mut sure, mut fallible) = (Vec::new(), Vec::new());
        for conjunct in conjuncts(Some(filter)) {
            let text = self.expr(conjunct)?;
            if walk::is_fallible_for_row(conjunct) { fallible.push(text) } else { sure.push(text) }
        }
        if let Some(last) = fallible.pop() {
            let guard = Some(sure.join(" and ")).filter(|guard| !guard.is_empty());
            let guards = guard.into_iter().chain(fallible).rev();
            let chain = guards.fold(last, |then, when| format!("case when {when} then {then} end"));
            sure.push(chain);
        }
        Ok(if sure.is_empty() { "1".to_owned() } else { sure.join(" and ") })
    }

    /// ` group by …`. Constants make no groups, and SQLite would take a number for a position.
    pub(super) fn group_by(&mut self, keys: &[Expr]) -> Result<String> {
        if keys.is_empty() {
            return Ok(String::new());
        }
        let varying = keys.iter().filter(|key| !is_constant(key)).map(|key| self.key(key));
        let varying = varying.collect::<Result<Vec<_>>>()?;
        Ok(match varying.is_empty() {
            true => " group by null".to_owned(),
            false => format!(" group by {}", varying.join(", ")),
        })
    }

    /// `distinct on (keys)`: the first row, by the query's order, of each value of the keys.
    fn distinct_on(&mut self, query: &Query, select: &Select, keys: &[Expr]) -> Result<String> {
        let body = self.body(&parts(select))?;
        let mut list = self.select_list(&select.projection, false)?;
        let keys = keys.iter().map(|key| self.key(key)).collect::<Result<Vec<_>>>()?;
        let inner_order = self.order_by(&query.order)?;
        let mut outer_order = Vec::new();
        for (i, key) in query.order.iter().enumerate() {
            list.push_str(&format!(", {} as o{i}", self.expr(&key.expr)?));
            outer_order.push(format!("o{i}{}{}", collated(&key.expr.ty), direction(key, true)));
        }
        list.push_str(&format!(", row_number() over (partition by {}{inner_order}) as n", keys.join(", ")));
        let columns = column_names(select.projection.len(), &[]);
        let order = match outer_order.is_empty() {
            true => String::new(),
            false => format!(" order by {}", outer_order.join(", ")),
        };
        Ok(format!("select {columns} from (select {list}{body}) where n = 1{order}"))
    }

    fn values(&mut self, rows: &[Vec<Expr>], columns: &[(String, Type)], sets: bool) -> Result<String> {
        let mut tuples = Vec::with_capacity(rows.len());
        for row in rows {
            tuples.push(format!("({})", self.list(row)?));
        }
        let names: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(i, (_, ty))| {
                let collation = if sets { collated(ty) } else { String::new() };
                format!("column{}{collation} as c{i}", i + 1)
            })
            .collect();
        Ok(format!("select {} from (values {})", names.join(", "), tuples.join(", ")))
    }

    fn set_operation(
        &mut self,
        op: SetOp,
        all: bool,
        left: &Query,
        right: &Query,
        columns: &[(String, Type)],
        sets: bool,
    ) -> Result<String> {
        let word = match op {
            SetOp::Union => "union",
            SetOp::Intersect => "intersect",
            SetOp::Except => "except",
        };
        if all && op != SetOp::Union {
            // Equal rows are told apart by their number among their equals: then the sets are bags.
            let (left, right) = (self.numbered(left, columns)?, self.numbered(right, columns)?);
            let names = column_names(columns.len(), &[]);
            return Ok(format!("select {names} from ({left} {word} {right})"));
        }
        // The collations are those of the leftmost select, which may stand in an operation of its own.
        let left = self.operand(left, sets || !all, true)?;
        let right = self.operand(right, sets || !all, false)?;
        Ok(format!("{left} {word}{} {right}", if all { " all" } else { "" }))
    }

    fn numbered(&mut self, query: &Query, columns: &[(String, Type)]) -> Result<String> {
        let rows = self.operand(query, true, true)?;
        let names = column_names(columns.len(), columns);
        let keys: Vec<String> =
            columns.iter().enumerate().map(|(i, (_, ty))| format!("c{i}{}", collated(ty))).collect();
        Ok(format!("select {names}, row_number() over (partition by {}) as n from ({rows})", keys.join(", ")))
    }

    /// One side of a set operation. SQLite has no parentheses there, and reads from left to right; a recursive reference must not
    /// be hidden in a subquery.
    fn operand(&mut self, query: &Query, sets: bool, is_left: bool) -> Result<String> {
        let is_plain = query.with.is_empty()
            && query.order.is_empty()
            && query.limit.is_none()
            && query.offset.is_none()
            && match &query.body {
                QueryBody::Select(select) => !matches!(select.distinct, Distinct::On(_)),
                QueryBody::Values(_) => true,
                QueryBody::SetOperation { op, all, .. } => is_left && !(*all && *op != SetOp::Union),
            };
        let text = self.nested(|w| w.scoped(|w| w.query_inner(query, sets)))?;
        if is_plain {
            return Ok(text);
        }
        let columns: &[(String, Type)] = if sets { &query.columns } else { &[] };
        Ok(format!("select {} from ({text})", column_names(query.columns.len(), columns)))
    }

    /// The order of a query without sources of its own, by its output columns.
    fn output_order(&mut self, query: &Query) -> Result<String> {
        self.scoped(|w| {
            w.push(query.output, Source::Output);
            w.order_by(&query.order)
        })
    }

    /// ` limit … offset …`. Null is no limit, and a negative one is refused, where SQLite does otherwise.
    fn page(&mut self, query: &Query) -> Result<String> {
        let limit = match &query.limit {
            None if query.offset.is_none() => return Ok(String::new()),
            None => "-1".to_owned(),
            Some(limit) => match small_number(limit) {
                Some(limit) => limit.to_string(),
                None => format!("plinth_limit({})", self.expr(limit)?),
            },
        };
        let offset = match &query.offset {
            None => String::new(),
            Some(offset) => match small_number(offset) {
                Some(offset) => format!(" offset {offset}"),
                None => format!(" offset plinth_offset({})", self.expr(offset)?),
            },
        };
        Ok(format!(" limit {limit}{offset}"))
    }

    /// Whether a query plainly gives at most one row.
    pub(super) fn has_one_row(&self, query: &Query) -> bool {
        if query.limit.as_ref().and_then(|limit| small_number(limit)).is_some_and(|limit| limit <= 1) {
            return true;
        }
        match &query.body {
            QueryBody::Select(select) if select.grouped && select.group_by.is_empty() => true,
            QueryBody::Select(select) => match &select.from {
                None => true,
                Some(FromItem::Relation { id, relation, .. }) => {
                    let relation = self.catalog.relations.get(relation.0 as usize);
                    relation.is_some_and(|relation| is_by_key(relation, *id, select.filter.as_ref()))
                }
                Some(_) => false,
            },
            QueryBody::Values(rows) => rows.len() <= 1,
            QueryBody::SetOperation { .. } => false,
        }
    }
}

fn parts(select: &Select) -> Parts<'_> {
    Parts {
        from: select.from.as_ref(),
        filter: select.filter.as_ref(),
        group_by: &select.group_by,
        having: select.having.as_ref(),
    }
}

/// The conditions that a condition is the conjunction of.
fn conjuncts(filter: Option<&Expr>) -> Vec<&Expr> {
    fn split<'e>(expr: &'e Expr, into: &mut Vec<&'e Expr>) {
        match &expr.kind {
            ExprKind::And(all) => all.iter().for_each(|expr| split(expr, into)),
            _ if expr.is_true() => {}
            _ => into.push(expr),
        }
    }
    let mut all = Vec::new();
    if let Some(filter) = filter {
        split(filter, &mut all);
    }
    all
}

/// Whether an aggregate stands in an expression.
pub(super) fn has_aggregate(expr: &Expr) -> bool {
    let mut found = false;
    walk::expr(expr, &mut |e| found |= matches!(e.kind, ExprKind::Aggregate { .. }));
    found
}

/// Whether the condition fixes every column of a unique key.
fn is_by_key(relation: &Relation, id: SourceId, filter: Option<&Expr>) -> bool {
    let own = |expr: &Expr| match &expr.kind {
        ExprKind::Column { source, column } if *source == id => Some(*column),
        _ => None,
    };
    let mut fixed = Vec::new();
    for conjunct in conjuncts(filter) {
        if let ExprKind::Compare(plinth_catalog::expr::CompareOp::Eq, left, right) = &conjunct.kind {
            let refers = |expr: &Expr| {
                let mut found = false;
                walk::expr(expr, &mut |e| found |= own(e).is_some());
                found
            };
            match (own(left), own(right)) {
                (Some(column), None) if !refers(right) => fixed.push(column),
                (None, Some(column)) if !refers(left) => fixed.push(column),
                _ => {}
            }
        }
    }
    let Some(table) = relation.table() else { return false };
    let mut keys = table.primary_key.iter().chain(&table.uniques);
    keys.any(|key| key.columns.iter().all(|column| fixed.contains(column)))
}

/// `c0, c1, …`, with collations when types are given.
fn column_names(count: usize, types: &[(String, Type)]) -> String {
    let mut names = Vec::with_capacity(count.max(1));
    for i in 0..count {
        match types.get(i).map(|(_, ty)| collated(ty)) {
            Some(collation) if !collation.is_empty() => names.push(format!("c{i}{collation} as c{i}")),
            _ => names.push(format!("c{i}")),
        }
    }
    if names.is_empty() { "1".to_owned() } else { names.join(", ") }
}

pub(super) fn collated(ty: &Type) -> String {
    collation(ty).map(|name| format!(" collate {name}")).unwrap_or_default()
}
