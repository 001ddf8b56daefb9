//! Expressions. What is written is always one operand: compound forms stand in parentheses.

use plinth_catalog::expr::{CompareOp, Expr, ExprKind, OrderBy, Quantifiable, Query, Setting};
use plinth_values::{Type, Value};

use super::literal::{collation, constant, is_text, received, string};
use super::{Param, Place, Result, Source, Writer, internal, not_supported};
use crate::functions::type_tags;

/// Longer chains of `and`/`or` are written as a balanced tree: SQLite limits an expression's depth, and a chain is as deep as long.
const FLAT_CHAIN: usize = 32;

impl Writer<'_> {
    /// An expression as an operand.
    pub(crate) fn expr(&mut self, expr: &Expr) -> Result<String> {
        self.nested(|w| w.expr_inner(expr))
    }

    fn expr_inner(&mut self, expr: &Expr) -> Result<String> {
        match &expr.kind {
            ExprKind::Literal(value) => constant(value),
            ExprKind::Column { source, column } => self.column(*source, *column, &expr.ty),
            ExprKind::Bind(index) => self.parameter(Param::Bind(*index)),
            ExprKind::Setting(setting) => self.setting(*setting),
            ExprKind::Argument(_) | ExprKind::UserCall { .. } => {
                Err(internal("a function of the catalog was not inlined"))
            }
            ExprKind::And(all) => self.chain(all, "and", "1"),
            ExprKind::Or(any) => self.chain(any, "or", "0"),
            ExprKind::Not(inner) => Ok(format!("(not {})", self.expr(inner)?)),
            ExprKind::Compare(op, left, right) => self.compare(symbol(*op), left, right),
            ExprKind::IsDistinct { left, right, negated } => {
                self.compare(if *negated { "is" } else { "is not" }, left, right)
            }
            ExprKind::IsNull { expr, negated } => Ok(format!("({} {}null)", self.expr(expr)?, is(*negated))),
            ExprKind::IsBool { expr, value, negated } => {
                let value = match value {
                    Some(true) => "true",
                    Some(false) => "false",
                    None => "null",
                };
                Ok(format!("({} {}{value})", self.expr(expr)?, is(*negated)))
            }
            ExprKind::Call { builtin, args } => self.call(builtin, args),
            ExprKind::Case { whens, otherwise } => self.case(whens, otherwise.as_deref()),
            ExprKind::Coalesce(list) => match list.as_slice() {
                [only] => self.expr(only),
                list => Ok(format!("coalesce({})", self.list(list)?)),
            },
            ExprKind::NullIf(left, right) => {
                let (left, right) = self.operands(left, right)?;
                Ok(format!("nullif({left}, {right})"))
            }
            ExprKind::Greatest(list) => self.tagged("plinth_greatest", &[&expr.ty], list),
            ExprKind::Least(list) => self.tagged("plinth_least", &[&expr.ty], list),
            ExprKind::Cast { expr: inner, modifier, explicit } => {
                self.cast(inner, &expr.ty, *modifier, *explicit)
            }
            ExprKind::InList { expr, list, negated } => {
                let left = self.key(expr)?;
                Ok(format!("({left} {}in ({}))", not(*negated), self.list(list)?))
            }
            ExprKind::InQuery { exprs, query, negated } => self.in_query(exprs, query, *negated),
            ExprKind::Exists { query, negated } => {
                Ok(format!("({}exists ({}))", not(*negated), self.query(query)?))
            }
            ExprKind::Scalar(query) => self.scalar(query),
            ExprKind::Quantified { op, all, left, array } => self.quantified(op, *all, left, array),
            ExprKind::QuantifiedQuery { op, all, left, query } => {
                self.quantified_query(*op, *all, left, query)
            }
            ExprKind::Array(list) => {
                // Elements that are arrays make it one of more dimensions; its type is the same.
                let element = list.first().map(|first| &first.ty).or(expr.ty.element());
                let element = element.ok_or_else(|| internal("an array without element type"))?;
                self.tagged("plinth_array", &[element], list)
            }
            ExprKind::ArrayQuery(query) => {
                let element = expr.ty.element().ok_or_else(|| internal("an array without element type"))?;
                let tag = string(&type_tags(&[element]))?;
                let rows = self.query(query)?;
                Ok(format!("(select coalesce(plinth_array_of({tag}, c0), '[]') from ({rows}))"))
            }
            ExprKind::Index { array, index } => {
                let tag = string(&type_tags(&[&expr.ty]))?;
                let (array, index) = (self.expr(array)?, self.expr(index)?);
                Ok(format!("plinth_index({tag}, {array}, {index})"))
            }
            ExprKind::Aggregate { builtin, args, distinct, order, filter } => {
                self.aggregate(builtin, args, *distinct, order, filter.as_deref())
            }
            ExprKind::Window { builtin, args, filter, over } => {
                self.window(builtin, args, filter.as_deref(), over)
            }
            ExprKind::Native(_) => Err(internal("an expression that only PostgreSQL evaluates")),
        }
    }

    /// A parameter, which only a statement has.
    pub(super) fn parameter(&mut self, param: Param) -> Result<String> {
        match self.place {
            Place::Statement => Ok(self.param(param)),
            Place::Definition => Err(not_supported("a definition cannot depend on the request")),
        }
    }

    fn setting(&mut self, setting: Setting) -> Result<String> {
        let param = self.parameter(Param::Setting(setting))?;
        match setting {
            // The claims arrive as they were sent; jsonb has one canonical form.
            Setting::Jwt => self.cast_text(&Type::Json, &Type::Jsonb, &param),
            _ => Ok(param),
        }
    }

    fn chain(&mut self, exprs: &[Expr], glue: &str, none: &str) -> Result<String> {
        match exprs {
            [] => Ok(none.to_owned()),
            [only] => self.expr(only),
            exprs if exprs.len() > FLAT_CHAIN => {
                let (left, right) = exprs.split_at(exprs.len() / 2);
                Ok(format!("({} {glue} {})", self.chain(left, glue, none)?, self.chain(right, glue, none)?))
            }
            exprs => {
                let parts = exprs.iter().map(|e| self.expr(e)).collect::<Result<Vec<_>>>()?;
                Ok(format!("({})", parts.join(&format!(" {glue} "))))
            }
        }
    }

    /// Expressions with commas between.
    pub(super) fn list(&mut self, exprs: &[Expr]) -> Result<String> {
        let parts = exprs.iter().map(|e| self.expr(e)).collect::<Result<Vec<_>>>()?;
        Ok(parts.join(", "))
    }

    /// A call that is told types before its arguments.
    pub(super) fn tagged(&mut self, name: &str, types: &[&Type], args: &[Expr]) -> Result<String> {
        let tag = string(&type_tags(types))?;
        match args {
            [] => Ok(format!("{name}({tag})")),
            args => Ok(format!("{name}({tag}, {})", self.list(args)?)),
        }
    }

    fn compare(&mut self, operator: &str, left: &Expr, right: &Expr) -> Result<String> {
        let (left, right) = self.operands(left, right)?;
        Ok(format!("({left} {operator} {right})"))
    }

    /// Two operands that are compared by the order of their type.
    ///
    /// A collation is written unless SQLite takes the right one by itself, from a table's column on the left. It also takes one
    /// that is written somewhere inside an operand, for another comparison; then even plain text has to name its own.
    fn operands(&mut self, left: &Expr, right: &Expr) -> Result<(String, String)> {
        let (left_text, right_text) = (self.expr(left)?, self.expr(right)?);
        let inside = has_collation(&left_text) || has_collation(&right_text);
        let collation = match collation(&left.ty) {
            Some(_) if self.is_table_column(left) && !inside => None,
            None if inside && is_text(&left.ty) => Some("binary".to_owned()),
            collation => collation,
        };
        Ok(match collation {
            Some(collation) => (format!("{left_text} collate {collation}"), right_text),
            None => (left_text, right_text),
        })
    }

    /// An expression whose values are compared with each other: a key of an order, a group, a set.
    pub(super) fn key(&mut self, expr: &Expr) -> Result<String> {
        let text = self.expr(expr)?;
        Ok(match collation(&expr.ty) {
            Some(_) if self.is_table_column(expr) => text,
            Some(collation) => format!("{text} collate {collation}"),
            None if is_text(&expr.ty) && has_collation(&text) => format!("{text} collate binary"),
            None => text,
        })
    }

    /// Whether this is a table's column as it is, which brings its collation with it.
    fn is_table_column(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Column { source, .. } => {
                matches!(self.source(*source), Some(Source::Table { .. } | Source::Definition(_)))
            }
            _ => false,
        }
    }

    /// Whether this can be null, as far as it is plain to see.
    fn is_nullable(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Literal(value) => value.is_null(),
            ExprKind::Column { source, column } => match self.source(*source) {
                Some(Source::Table { relation, outer: false, .. }) => {
                    self.relation_column(*relation, *column).map_or(true, |column| column.nullable)
                }
                _ => true,
            },
            _ => true,
        }
    }

    /// ` order by …`, or nothing. Constants order nothing, and SQLite would take a number for a position.
    pub(super) fn order_by(&mut self, order: &[OrderBy]) -> Result<String> {
        let keys = self.order_keys(order)?;
        Ok(if keys.is_empty() { String::new() } else { format!(" order by {}", keys.join(", ")) })
    }

    pub(super) fn order_keys(&mut self, order: &[OrderBy]) -> Result<Vec<String>> {
        let mut keys = Vec::with_capacity(order.len());
        for key in order.iter().filter(|key| !is_constant(&key.expr)) {
            let text = self.key(&key.expr)?;
            keys.push(format!("{text}{}", direction(key, self.is_nullable(&key.expr))));
        }
        Ok(keys)
    }

    fn case(&mut self, whens: &[(Expr, Expr)], otherwise: Option<&Expr>) -> Result<String> {
        let mut text = String::from("(case");
        for (when, then) in whens {
            text.push_str(&format!(" when {} then {}", self.expr(when)?, self.expr(then)?));
        }
        if let Some(otherwise) = otherwise {
            text.push_str(&format!(" else {}", self.expr(otherwise)?));
        }
        text.push_str(" end)");
        Ok(text)
    }

    fn in_query(&mut self, exprs: &[Expr], query: &Query, negated: bool) -> Result<String> {
        let keys = exprs.iter().map(|e| self.key(e)).collect::<Result<Vec<_>>>()?;
        let left = match keys.as_slice() {
            [only] => only.clone(),
            keys => format!("({})", keys.join(", ")),
        };
        Ok(format!("({left} {}in ({}))", not(negated), self.query(query)?))
    }

    /// A query as a value. SQLite takes the first of several rows, where PostgreSQL refuses (21000); unless there is plainly at most
    /// one, an aggregate looks for a second.
    fn scalar(&mut self, query: &Query) -> Result<String> {
        let rows = self.query(query)?;
        if self.has_one_row(query) {
            return Ok(format!("({rows})"));
        }
        Ok(format!("(select plinth_single(c0) from ({rows}))"))
    }

    fn quantified(&mut self, op: &Quantifiable, all: bool, left: &Expr, array: &Expr) -> Result<String> {
        let element =
            array.ty.element().ok_or_else(|| internal("any/all over something else than an array"))?;
        let tag = string(&type_tags(&[element]))?;
        if self.place == Place::Definition {
            let Quantifiable::Compare(op) = op else {
                return Err(not_supported("any/all with such an operator cannot stand in a definition"));
            };
            let (name, op) = (if all { "plinth_all" } else { "plinth_any" }, symbol(*op));
            return Ok(format!("{name}({tag}, '{op}', {}, {})", self.expr(left)?, self.expr(array)?));
        }
        // For a null array this is one null element, which makes every comparison null, as it should be.
        let elements = format!("plinth_elements({tag}, {})", self.expr(array)?);
        let alias = self.name("e");
        let source = self.own_source();
        let rows = format!("json_each({elements}) as {alias}");
        let item = Expr::column(source, 0, element.clone());
        self.scoped(|w| {
            match op {
                Quantifiable::Compare(CompareOp::Eq) if !all => {
                    let value = received(&format!("{alias}.value"), element);
                    return Ok(format!("({} in (select {value} from {rows}))", w.key(left)?));
                }
                Quantifiable::Compare(CompareOp::Ne) if all => {
                    let value = received(&format!("{alias}.value"), element);
                    return Ok(format!("({} not in (select {value} from {rows}))", w.key(left)?));
                }
                _ => {}
            }
            w.push(source, Source::Rows { alias: alias.clone(), flat: true, ordinality: None });
            let condition = match op {
                Quantifiable::Compare(op) => w.compare(symbol(*op), left, &item)?,
                Quantifiable::Operator(builtin) => w.call(builtin, &[left.clone(), item])?,
                Quantifiable::Native(_) => return Err(internal("an operator of another database")),
            };
            Ok(gathered(&condition, &rows, all))
        })
    }

    fn quantified_query(&mut self, op: CompareOp, all: bool, left: &Expr, query: &Query) -> Result<String> {
        match (op, all) {
            (CompareOp::Eq, false) => return self.in_query(std::slice::from_ref(left), query, false),
            (CompareOp::Ne, true) => return self.in_query(std::slice::from_ref(left), query, true),
            _ => {}
        }
        let ty = query.columns.first().map_or_else(|| left.ty.clone(), |(_, ty)| ty.clone());
        let rows = self.query(query)?;
        let alias = self.name("q");
        self.scoped(|w| {
            let source = w.own_source();
            w.push(source, Source::Columns { alias: alias.clone() });
            let condition = w.compare(symbol(op), left, &Expr::column(source, 0, ty))?;
            Ok(gathered(&condition, &format!("({rows}) as {alias}"), all))
        })
    }
}

/// `any` or `all` of a condition over rows, in three-valued logic.
fn gathered(condition: &str, rows: &str, all: bool) -> String {
    let (decisive, extreme) = if all { (0, "min") } else { (1, "max") };
    format!(
        "(select case when {extreme}(b) = {decisive} then {decisive} when count(*) = count(b) then {} end \
         from (select {condition} as b from {rows}))",
        1 - decisive
    )
}

/// Whether a collation is written somewhere inside. A string constant that only looks like it does no harm.
fn has_collation(text: &str) -> bool {
    text.contains(" collate ")
}

/// Whether this is the same for every row of every source.
pub(super) fn is_constant(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Literal(_) | ExprKind::Bind(_) | ExprKind::Setting(_))
}

/// ` desc nulls last`, as far as it differs from SQLite's own order, in which null is the smallest value.
pub(super) fn direction(key: &OrderBy, nullable: bool) -> &'static str {
    match (key.descending, key.nulls_first) {
        (false, true) => "",
        (false, false) if !nullable => "",
        (false, false) => " nulls last",
        (true, false) => " desc",
        (true, true) if !nullable => " desc",
        (true, true) => " desc nulls first",
    }
}

fn symbol(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "=",
        CompareOp::Ne => "<>",
        CompareOp::Lt => "<",
        CompareOp::Le => "<=",
        CompareOp::Gt => ">",
        CompareOp::Ge => ">=",
    }
}

fn not(negated: bool) -> &'static str {
    if negated { "not " } else { "" }
}

fn is(negated: bool) -> &'static str {
    if negated { "is not " } else { "is " }
}

/// Whether a value is a number that is written bare.
pub(super) fn small_number(expr: &Expr) -> Option<i64> {
    match expr.kind {
        ExprKind::Literal(Value::Int(number)) if number >= 0 => Some(number),
        _ => None,
    }
}
