//! Queries, their sources, and the statements of functions as text.

use super::Printer;
use crate::expr::{Distinct, Expr, FromItem, JoinKind, Query, QueryBody, Select, SetOp, SourceId};
use crate::{Relation, Returns, Statement};

impl Printer<'_> {
    /// Makes a source known under a name of its own.
    pub(super) fn declare(&mut self, source: SourceId, name: &str, columns: Vec<String>) -> String {
        let count = self.names.entry(name.to_owned()).or_insert(0);
        *count = count.saturating_add(1);
        let own = if *count == 1 { name.to_owned() } else { format!("{name}_{count}") };
        self.sources.insert(source, (own.clone(), columns));
        own
    }

    pub(super) fn nested(&mut self, query: &Query) {
        self.push("(");
        self.query(query);
        self.push(")");
    }

    pub(super) fn query(&mut self, query: &Query) {
        for (index, cte) in query.with.iter().enumerate() {
            self.push(match (index, cte.recursive) {
                (0, true) => "with recursive ",
                (0, false) => "with ",
                _ => ", ",
            });
            let columns = cte.query.columns.iter().map(|(name, _)| name.clone()).collect();
            self.sources.insert(cte.id, (cte.name.clone(), columns));
            self.push(&cte.name);
            self.push(" as ");
            self.nested(&cte.query);
        }
        if !query.with.is_empty() {
            self.push(" ");
        }
        match &query.body {
            QueryBody::Select(select) => self.select(select, query),
            QueryBody::Values(rows) => {
                self.push("values ");
                self.separated(", ", rows, |p, row| {
                    p.push("(");
                    p.list(row);
                    p.push(")");
                });
            }
            QueryBody::SetOperation { op, all, left, right } => {
                self.operand(left);
                self.push(match op {
                    SetOp::Union => " union ",
                    SetOp::Intersect => " intersect ",
                    SetOp::Except => " except ",
                });
                if *all {
                    self.push("all ");
                }
                self.operand(right);
            }
        }
        let columns = query.columns.iter().map(|(name, _)| name.clone()).collect();
        self.sources.insert(query.output, (String::new(), columns));
        self.order(&query.order);
        for (word, count) in [(" limit ", &query.limit), (" offset ", &query.offset)] {
            if let Some(count) = count {
                self.push(word);
                self.expr(count, 0);
            }
        }
    }

    pub(super) fn statement(&mut self, statement: &Statement, row: Option<&Relation>) {
        let table = row.map_or("", |relation| relation.name.name.as_str());
        let column =
            |index: usize| row.and_then(|r| r.columns.get(index)).map_or("", |column| column.name.as_str());
        let names =
            |columns: &[usize]| columns.iter().map(|index| column(*index)).collect::<Vec<_>>().join(", ");
        let returning = match statement {
            Statement::Query(query) => return self.query(query),
            Statement::Insert(insert) => {
                self.push(&format!("insert into {table} ({}) ", names(&insert.columns)));
                self.query(&insert.query);
                if let Some(conflict) = &insert.on_conflict {
                    self.push(" on conflict");
                    if !conflict.target.is_empty() {
                        self.push(&format!(" ({})", names(&conflict.target)));
                    }
                    match &conflict.update {
                        None => self.push(" do nothing"),
                        Some(set) => {
                            self.push(" do update");
                            self.assignments(set, column);
                        }
                    }
                    self.filter(conflict.filter.as_ref());
                }
                &insert.returning
            }
            Statement::Update(update) => {
                self.push(&format!("update {table}"));
                self.assignments(&update.set, column);
                self.filter(update.filter.as_ref());
                &update.returning
            }
            Statement::Delete(delete) => {
                self.push(&format!("delete from {table}"));
                self.filter(delete.filter.as_ref());
                &delete.returning
            }
        };
        if !returning.is_empty() {
            self.push(" returning ");
            self.separated(", ", returning, |p, (expr, name)| {
                p.expr(expr, 0);
                p.push(&format!(" as {name}"));
            });
        }
    }

    fn assignments<'r>(&mut self, set: &[(usize, Expr)], column: impl Fn(usize) -> &'r str) {
        self.push(" set ");
        self.separated(", ", set, |p, (index, expr)| {
            p.push(&format!("{} = ", column(*index)));
            p.expr(expr, 0);
        });
    }

    fn filter(&mut self, filter: Option<&Expr>) {
        if let Some(filter) = filter {
            self.push(" where ");
            self.expr(filter, 0);
        }
    }

    fn operand(&mut self, query: &Query) {
        let is_plain = query.with.is_empty()
            && query.order.is_empty()
            && query.limit.is_none()
            && query.offset.is_none();
        match (&query.body, is_plain) {
            (QueryBody::Select(_) | QueryBody::Values(_), true) => self.query(query),
            _ => self.nested(query),
        }
    }

    fn select(&mut self, select: &Select, query: &Query) {
        // The sources are named before the columns that refer to them are printed.
        let before = std::mem::take(&mut self.out);
        if let Some(from) = &select.from {
            self.source(from);
        }
        let from = std::mem::replace(&mut self.out, before);
        self.push("select");
        match &select.distinct {
            Distinct::No => {}
            Distinct::All => self.push(" distinct"),
            Distinct::On(exprs) => {
                self.push(" distinct on (");
                self.list(exprs);
                self.push(")");
            }
        }
        for (index, expr) in select.projection.iter().enumerate() {
            self.push(if index > 0 { ", " } else { " " });
            let start = self.out.len();
            self.expr(expr, 0);
            let printed = self.out.get(start..).unwrap_or_default();
            if let Some((name, _)) = query.columns.get(index)
                && printed != name
                && printed.rsplit('.').next() != Some(name)
            {
                let alias = format!(" as {name}");
                self.push(&alias);
            }
        }
        if select.from.is_some() {
            self.push(" from ");
            self.push(&from);
        }
        self.filter(select.filter.as_ref());
        if !select.group_by.is_empty() {
            self.push(" group by ");
            self.list(&select.group_by);
        }
        if let Some(having) = &select.having {
            self.push(" having ");
            self.expr(having, 0);
        }
    }

    pub(super) fn source(&mut self, item: &FromItem) {
        match item {
            FromItem::Relation { id, relation, security } => {
                let (name, columns) = match self.catalog.relations.get(relation.0 as usize) {
                    Some(relation) => {
                        let columns = relation.columns.iter().map(|column| column.name.clone()).collect();
                        (relation.name.name.clone(), columns)
                    }
                    None => (format!("relation{}", relation.0), Vec::new()),
                };
                let own = self.declare(*id, &name, columns);
                self.push(&name);
                self.alias(&name, &own);
                if let Some(security) = security {
                    self.push(" [only where ");
                    self.expr(security, 0);
                    self.push("]");
                }
            }
            FromItem::Query { id, query, lateral } => {
                if *lateral {
                    self.push("lateral ");
                }
                self.nested(query);
                let columns = query.columns.iter().map(|(name, _)| name.clone()).collect();
                let own = self.declare(*id, "q", columns);
                self.alias("", &own);
            }
            FromItem::Cte { id, cte } => {
                let (name, columns) = self.sources.get(cte).cloned().unwrap_or_default();
                let own = self.declare(*id, &name, columns);
                self.push(&name);
                self.alias(&name, &own);
            }
            FromItem::Set { id, builtin, args, columns, with_ordinality } => {
                self.function(builtin.name, args);
                let mut columns: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
                if *with_ordinality {
                    self.push(" with ordinality");
                    columns.push("ordinality".to_owned());
                }
                let own = self.declare(*id, builtin.name, columns);
                self.alias(builtin.name, &own);
            }
            FromItem::Function { id, function, args } => {
                let found = self.catalog.functions.get(function.0 as usize);
                let name = found.map_or_else(|| format!("function{}", function.0), |f| f.name.name.clone());
                let columns = match found.map(|f| &f.returns) {
                    Some(Returns::Columns { columns, .. }) => {
                        columns.iter().map(|(name, _)| name.clone()).collect()
                    }
                    Some(Returns::Relation { relation, .. }) => {
                        let relation = self.catalog.relations.get(relation.0 as usize);
                        relation.map_or_else(Vec::new, |r| r.columns.iter().map(|c| c.name.clone()).collect())
                    }
                    _ => vec![name.clone()],
                };
                self.function(&name, args);
                let own = self.declare(*id, &name, columns);
                self.alias(&name, &own);
            }
            FromItem::Join { kind, left, right, on } => {
                self.source(left);
                self.push(match kind {
                    JoinKind::Inner => " join ",
                    JoinKind::Left => " left join ",
                    JoinKind::Right => " right join ",
                    JoinKind::Full => " full join ",
                    JoinKind::Cross => " cross join ",
                });
                let nested = matches!(**right, FromItem::Join { .. });
                self.push(if nested { "(" } else { "" });
                self.source(right);
                self.push(if nested { ")" } else { "" });
                if let Some(on) = on {
                    self.push(" on ");
                    self.expr(on, 0);
                }
            }
        }
    }

    fn alias(&mut self, name: &str, own: &str) {
        if name != own {
            self.push(" as ");
            self.push(own);
        }
    }
}
