//! Plans as short text, for expectations that people can read. Sources are numbered `r1`, `r2`, … in the order in which they come.

use plinth_catalog::Catalog;
use plinth_catalog::expr::*;
use plinth_query::Plan;
use plinth_query::plan::*;
use plinth_values::{Type, Value};

/// A plan.
pub fn plan(catalog: &Catalog, plan: &Plan) -> String {
    let printer = Printer { catalog };
    let action = match &*plan.action {
        PlannedAction::Read(node) => printer.node(node),
        PlannedAction::Insert(insert) => {
            let relation = catalog.relation(insert.relation);
            let columns: Vec<&str> =
                insert.columns.iter().map(|column| relation.columns[*column].name.as_str()).collect();
            let mut text =
                format!("insert {}({}) {} rows", relation.name.name, columns.join(", "), insert.rows.len());
            text += &printer.checks("check", &insert.checks);
            if let Some(conflict) = &insert.conflict {
                let action = conflict.update.as_ref().map_or("nothing".to_owned(), |set| format!("{set:?}"));
                text += &format!(" conflict {:?} do {action}", conflict.target);
                text += &printer.checks("existing", &conflict.existing);
                text += &printer.checks("updated", &conflict.checks);
            }
            text + &printer.returning(&insert.returning)
        }
        PlannedAction::InsertTree(tree) => {
            let mut text = String::from("tree");
            for step in &tree.steps {
                let relation = catalog.relation(step.insert.relation);
                text += &format!(" insert {} {} rows", relation.name.name, step.insert.rows.len());
                text += &printer.checks("check", &step.insert.checks);
            }
            text + &printer.returning(&tree.returning)
        }
        PlannedAction::Update(update) => printer.update(update),
        PlannedAction::Delete(delete) => printer.delete(delete),
        PlannedAction::Call(call) => {
            let mut text = String::new();
            for statement in call.before.iter().chain(&call.write) {
                text += &match statement {
                    PlannedStatement::Query(query) => printer.query(query),
                    PlannedStatement::Insert { relation, query, checks, .. } => format!(
                        "insert {} {}{}",
                        catalog.relation(*relation).name.name,
                        printer.query(query),
                        printer.checks("check", checks)
                    ),
                    PlannedStatement::Update { plan, .. } => printer.update(plan),
                    PlannedStatement::Delete { plan, .. } => printer.delete(plan),
                };
                text += "; ";
            }
            format!("{text}{:?} {}", call.shape, printer.node(&call.result))
        }
    };
    let values: Vec<String> =
        plan.values.iter().map(|(ty, value)| format!("{} {ty}", literal(value))).collect();
    if values.is_empty() { action } else { format!("{action} [{}]", values.join(", ")) }
}

struct Printer<'a> {
    catalog: &'a Catalog,
}

impl Printer<'_> {
    fn node(&self, node: &Node) -> String {
        let fields: Vec<String> = node
            .fields
            .iter()
            .map(|field| match field {
                Field::Value { name, expr } => match self.expr(expr) {
                    text if text.ends_with(&format!(".{name}")) => text,
                    text => format!("{name}: {text}"),
                },
                Field::Embed { name, to_one, node } => {
                    format!("{name}{} {{{}}}", if *to_one { "" } else { "[]" }, self.node(node))
                }
                Field::Spread { to_one, node } => {
                    format!("...{} {{{}}}", if *to_one { "" } else { "[]" }, self.node(node))
                }
            })
            .collect();
        let mut text = format!("select {} from {}", fields.join(", "), self.from(&node.from));
        if let Some(filter) = &node.filter {
            text += &format!(" where {}", self.expr(filter));
        }
        if node.grouped {
            text += &format!(" group by ({})", self.exprs(&node.group_by));
        }
        if let Some(having) = &node.having {
            text += &format!(" having {}", self.expr(having));
        }
        if !node.distinct_on.is_empty() {
            text += &format!(" distinct on ({})", self.exprs(&node.distinct_on));
        }
        text += &self.order(&node.order);
        if let Some(Keyset { backwards, beyond, shape: _ }) = &node.keyset {
            text += if *backwards { " before" } else { " after" };
            text += &beyond.as_ref().map_or(String::new(), |beyond| format!(" ({})", self.exprs(beyond)));
        }
        // The configured limit says nothing.
        if let Some(limit) = node.limit.filter(|limit| *limit != 1000) {
            text += &format!(" limit {limit}");
        }
        if node.offset > 0 {
            text += &format!(" offset {}", node.offset);
        }
        text
    }

    fn update(&self, update: &UpdatePlan) -> String {
        let relation = self.catalog.relation(update.relation);
        let set: Vec<String> = update
            .set
            .iter()
            .map(|(column, value)| format!("{} = {}", relation.columns[*column].name, self.expr(value)))
            .collect();
        let filter =
            update.filter.as_ref().map_or(String::new(), |filter| format!(" where {}", self.expr(filter)));
        format!(
            "update {} set {}{filter}{}{}",
            relation.name.name,
            set.join(", "),
            self.checks("check", &update.checks),
            self.returning(&update.returning)
        )
    }

    fn delete(&self, delete: &DeletePlan) -> String {
        let filter =
            delete.filter.as_ref().map_or(String::new(), |filter| format!(" where {}", self.expr(filter)));
        let relation = self.catalog.relation(delete.relation);
        format!("delete {}{filter}{}", relation.name.name, self.returning(&delete.returning))
    }

    fn checks(&self, what: &str, checks: &[RowCheck]) -> String {
        checks
            .iter()
            .map(|check| {
                let policy = check.policy.as_ref().map_or(String::new(), |policy| format!(" {policy}"));
                format!(" {what}{policy} ({})", self.expr(&check.condition))
            })
            .collect()
    }

    fn returning(&self, returning: &ReturningPlan) -> String {
        match returning {
            ReturningPlan::Nothing => String::new(),
            ReturningPlan::Keys(keys) => format!(" returning keys {keys:?}"),
            ReturningPlan::Rows(node) => format!(" returning {}", self.node(node)),
        }
    }

    fn from(&self, item: &FromItem) -> String {
        match item {
            FromItem::Relation { id, relation, security } => {
                let name = &self.catalog.relation(*relation).name.name;
                match security {
                    Some(security) => format!("{name} {} secured ({})", source(*id), self.expr(security)),
                    None => format!("{name} {}", source(*id)),
                }
            }
            FromItem::Query { id, query, lateral } => {
                format!("{}({}) {}", if *lateral { "lateral " } else { "" }, self.query(query), source(*id))
            }
            FromItem::Cte { id, cte } => format!("cte {} {}", source(*cte), source(*id)),
            FromItem::Set { id, builtin, args, .. } => {
                format!("{}({}) {}", builtin.name, self.exprs(args), source(*id))
            }
            FromItem::Function { .. } => "FUNCTION LEFT IN PLAN".into(),
            FromItem::Join { kind, left, right, on } => {
                let on = on.as_ref().map_or(String::new(), |on| format!(" on {}", self.expr(on)));
                format!("{} {kind:?} {}{on}", self.from(left), self.from(right)).replace("Inner", "join")
            }
        }
    }

    fn query(&self, query: &Query) -> String {
        let mut text = String::new();
        for cte in &query.with {
            text += &format!("with {} as ({}) ", source(cte.id), self.query(&cte.query));
        }
        text += &match &query.body {
            QueryBody::Select(select) => {
                let mut text = format!("select {}", self.exprs(&select.projection));
                if let Some(from) = &select.from {
                    text += &format!(" from {}", self.from(from));
                }
                if let Some(filter) = &select.filter {
                    text += &format!(" where {}", self.expr(filter));
                }
                if select.grouped {
                    text += &format!(" group by ({})", self.exprs(&select.group_by));
                }
                text
            }
            QueryBody::Values(rows) => {
                let rows: Vec<String> = rows.iter().map(|row| format!("({})", self.exprs(row))).collect();
                format!("values {}", rows.join(", "))
            }
            QueryBody::SetOperation { op, left, right, .. } => {
                format!("({}) {op:?} ({})", self.query(left), self.query(right))
            }
        };
        text += &self.order(&query.order);
        if let Some(limit) = &query.limit {
            text += &format!(" limit {}", self.expr(limit));
        }
        if let Some(offset) = &query.offset {
            text += &format!(" offset {}", self.expr(offset));
        }
        text
    }

    fn order(&self, order: &[OrderBy]) -> String {
        let keys: Vec<String> = order
            .iter()
            .map(|key| {
                let direction = if key.descending { " desc" } else { "" };
                let nulls = match (key.descending, key.nulls_first) {
                    (false, true) => " nulls first",
                    (true, false) => " nulls last",
                    _ => "",
                };
                format!("{}{direction}{nulls}", self.expr(&key.expr))
            })
            .collect();
        if keys.is_empty() { String::new() } else { format!(" order by {}", keys.join(", ")) }
    }

    fn exprs(&self, exprs: &[Expr]) -> String {
        exprs.iter().map(|expr| self.expr(expr)).collect::<Vec<_>>().join(", ")
    }

    fn expr(&self, expr: &Expr) -> String {
        let not = |negated: &bool| if *negated { "not " } else { "" };
        match &expr.kind {
            ExprKind::Literal(value) => literal(value),
            ExprKind::Column { source: id, column } => format!("{}.{column}", source(*id)),
            ExprKind::Argument(_) => "ARGUMENT LEFT IN PLAN".into(),
            ExprKind::Bind(n) => format!("${n}"),
            ExprKind::Setting(setting) => format!("{setting:?}").to_lowercase(),
            ExprKind::And(all) => {
                format!("({})", all.iter().map(|e| self.expr(e)).collect::<Vec<_>>().join(" and "))
            }
            ExprKind::Or(any) => {
                format!("({})", any.iter().map(|e| self.expr(e)).collect::<Vec<_>>().join(" or "))
            }
            ExprKind::Not(inner) => format!("not {}", self.expr(inner)),
            ExprKind::Compare(op, left, right) => {
                let op = match op {
                    CompareOp::Eq => "=",
                    CompareOp::Ne => "<>",
                    CompareOp::Lt => "<",
                    CompareOp::Le => "<=",
                    CompareOp::Gt => ">",
                    CompareOp::Ge => ">=",
                };
                format!("{} {op} {}", self.expr(left), self.expr(right))
            }
            ExprKind::IsDistinct { left, right, negated } => {
                format!("{} is {}distinct from {}", self.expr(left), not(negated), self.expr(right))
            }
            ExprKind::IsNull { expr, negated } => format!("{} is {}null", self.expr(expr), not(negated)),
            ExprKind::IsBool { expr, value, negated } => {
                let value = value.map_or("unknown".to_owned(), |value| value.to_string());
                format!("{} is {}{value}", self.expr(expr), not(negated))
            }
            ExprKind::Call { builtin, args } => match args.as_slice() {
                [left, right] if !builtin.name.starts_with(char::is_alphabetic) => {
                    format!("{} {} {}", self.expr(left), builtin.name, self.expr(right))
                }
                _ => format!("{}({})", builtin.name, self.exprs(args)),
            },
            ExprKind::UserCall { .. } => "CALL LEFT IN PLAN".into(),
            ExprKind::Case { whens, otherwise } => {
                let whens: Vec<String> = whens
                    .iter()
                    .map(|(a, b)| format!("when {} then {}", self.expr(a), self.expr(b)))
                    .collect();
                let otherwise =
                    otherwise.as_ref().map_or(String::new(), |e| format!(" else {}", self.expr(e)));
                format!("case {}{otherwise} end", whens.join(" "))
            }
            ExprKind::Coalesce(all) => format!("coalesce({})", self.exprs(all)),
            ExprKind::NullIf(a, b) => format!("nullif({}, {})", self.expr(a), self.expr(b)),
            ExprKind::Greatest(all) => format!("greatest({})", self.exprs(all)),
            ExprKind::Least(all) => format!("least({})", self.exprs(all)),
            ExprKind::Cast { expr: inner, .. } => format!("{}::{}", self.expr(inner), expr.ty),
            ExprKind::InList { expr, list, negated } => {
                format!("{} {}in ({})", self.expr(expr), not(negated), self.exprs(list))
            }
            ExprKind::InQuery { exprs, query, negated } => {
                format!("{} {}in ({})", self.exprs(exprs), not(negated), self.query(query))
            }
            ExprKind::Exists { query, negated } => format!("{}exists ({})", not(negated), self.query(query)),
            ExprKind::Scalar(query) => format!("({})", self.query(query)),
            ExprKind::Quantified { op, all, left, array } => {
                let op = match op {
                    Quantifiable::Compare(op) => format!("{op:?}"),
                    Quantifiable::Operator(builtin) => builtin.name.to_owned(),
                    Quantifiable::Native(name) => (*name).to_owned(),
                };
                let which = if *all { "all" } else { "any" };
                format!("{} {op} {which} ({})", self.expr(left), self.expr(array))
            }
            ExprKind::QuantifiedQuery { op, all, left, query } => {
                let which = if *all { "all" } else { "any" };
                format!("{} {op:?} {which} ({})", self.expr(left), self.query(query))
            }
            ExprKind::Array(all) => format!("array[{}]", self.exprs(all)),
            ExprKind::ArrayQuery(query) => format!("array({})", self.query(query)),
            ExprKind::Index { array, index } => format!("{}[{}]", self.expr(array), self.expr(index)),
            ExprKind::Aggregate { builtin, args, .. } if args.is_empty() => format!("{}(*)", builtin.name),
            ExprKind::Aggregate { builtin, args, .. } => format!("{}({})", builtin.name, self.exprs(args)),
            ExprKind::Window { builtin, .. } => format!("{}() over", builtin.name),
            ExprKind::Native(native) => self.native(native, &expr.ty),
        }
    }

    fn native(&self, native: &Native, ty: &Type) -> String {
        match native {
            Native::Operator { name, left, right } => {
                format!("({} operator({name}) {})", self.expr(left), self.expr(right))
            }
            Native::Call { name, args } => format!("pg_catalog.{name}({})", self.exprs(args)),
            Native::Aggregate { name, arg } => {
                format!("{name}({})", arg.as_ref().map_or("*".into(), |arg| self.expr(arg)))
            }
            Native::Row(id) => format!("{}.*", source(*id)),
            Native::FromJson(inner) => format!("json {} as {ty}", self.expr(inner)),
            Native::Omitted => "default".into(),
            Native::Text(_) => "TEXT LEFT IN PLAN".into(),
        }
    }
}

fn source(id: SourceId) -> String {
    match id {
        SourceId::ROW => "row".into(),
        SourceId::EXCLUDED => "excluded".into(),
        WRITE_RESULT => "written".into(),
        SourceId(n) => format!("r{}", n - 15),
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Int(n) => n.to_string(),
        Value::Float(n) => n.to_string(),
        Value::Text(text) => format!("'{text}'"),
        Value::Bytes(bytes) => format!("{bytes:?}"),
    }
}
