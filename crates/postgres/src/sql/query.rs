//! Queries: what planning puts into conditions and sources.

use plinth_catalog::expr::{Distinct, Query, QueryBody, Select, SetOp};

use super::{Result, SourceColumns, Writer};

impl Writer<'_> {
    /// A query; its columns are told apart by position.
    pub(super) fn query(&mut self, query: &Query) -> Result<String> {
        self.nested(|w| w.query_inner(query))
    }

    fn query_inner(&mut self, query: &Query) -> Result<String> {
        let mut with = Vec::with_capacity(query.with.len());
        let recursive = query.with.iter().any(|cte| cte.recursive);
        for cte in &query.with {
            let name = self.name("q");
            let columns: Vec<String> = (0..cte.query.columns.len()).map(|i| format!("c{i}")).collect();
            if cte.recursive {
                self.define(cte.id, name.clone(), SourceColumns::Numbered);
            }
            let text = self.query(&cte.query)?;
            self.define(cte.id, name.clone(), SourceColumns::Numbered);
            with.push(format!("{name}({}) as ({text})", columns.join(", ")));
        }
        let with = match (with.is_empty(), recursive) {
            (true, _) => String::new(),
            (false, true) => format!("with recursive {} ", with.join(", ")),
            (false, false) => format!("with {} ", with.join(", ")),
        };
        let (body, order) = match &query.body {
            QueryBody::Select(select) => {
                let body = self.select(select)?;
                (body, self.order_by(&query.order)?)
            }
            QueryBody::Values(rows) => {
                let rows: Vec<String> =
                    rows.iter().map(|row| Ok(format!("({})", self.list(row)?))).collect::<Result<_>>()?;
                (format!("values {}", rows.join(", ")), self.output_order(query)?)
            }
            QueryBody::SetOperation { op, all, left, right } => {
                let word = match op {
                    SetOp::Union => "union",
                    SetOp::Intersect => "intersect",
                    SetOp::Except => "except",
                };
                let all = if *all { " all" } else { "" };
                let body = format!("({}) {word}{all} ({})", self.query(left)?, self.query(right)?);
                (body, self.output_order(query)?)
            }
        };
        let limit = match &query.limit {
            Some(limit) => format!(" limit {}", self.expr(limit)?),
            None => String::new(),
        };
        let offset = match &query.offset {
            Some(offset) => format!(" offset {}", self.expr(offset)?),
            None => String::new(),
        };
        Ok(format!("{with}{body}{order}{limit}{offset}"))
    }

    /// The order of a query without sources of its own: by the position of its columns.
    fn output_order(&mut self, query: &Query) -> Result<String> {
        use plinth_catalog::expr::ExprKind;
        let mut keys = Vec::with_capacity(query.order.len());
        for key in &query.order {
            let ExprKind::Column { column, .. } = key.expr.kind else {
                return Err(super::internal("the order of a set operation is not by its columns"));
            };
            let direction = if key.descending { "desc" } else { "asc" };
            let nulls = if key.nulls_first { "first" } else { "last" };
            keys.push(format!("{} {direction} nulls {nulls}", column + 1));
        }
        Ok(if keys.is_empty() { String::new() } else { format!(" order by {}", keys.join(", ")) })
    }

    fn select(&mut self, select: &Select) -> Result<String> {
        let from = match &select.from {
            Some(from) => {
                let from = self.item(from)?;
                format!(" from {from}{}", self.group_keys(&select.group_by)?)
            }
            None => String::new(),
        };
        let distinct = match &select.distinct {
            Distinct::No => String::new(),
            Distinct::All => "distinct ".to_owned(),
            Distinct::On(keys) => format!("distinct on ({}) ", self.list(keys)?),
        };
        let mut list = Vec::with_capacity(select.projection.len());
        for (i, expr) in select.projection.iter().enumerate() {
            list.push(format!("{} as c{i}", self.expr(expr)?));
        }
        let filter = match &select.filter {
            Some(filter) => format!(" where {}", self.expr(filter)?),
            None => String::new(),
        };
        let group = self.group_by(&select.group_by)?;
        let having = match &select.having {
            Some(having) => format!(" having {}", self.expr(having)?),
            None => String::new(),
        };
        Ok(format!("select {distinct}{}{from}{filter}{group}{having}", list.join(", ")))
    }

    /// ` group by …`, or nothing.
    pub(super) fn group_by(&mut self, keys: &[plinth_catalog::expr::Expr]) -> Result<String> {
        Ok(if keys.is_empty() { String::new() } else { format!(" group by {}", self.list(keys)?) })
    }
}
