//! Expressions and queries as PostgreSQL-like text, for people: `explain`, messages and tests. Not meant to be read back, and
//! never sent to an engine.

mod native;
mod query;

use std::collections::HashMap;
use std::fmt::Write;

use plinth_values::builtin::{Builtin, Kind};
use plinth_values::{Modifier, Session, Type, Value, output};

use super::{
    CompareOp, Expr, ExprKind, Frame, FrameBound, FrameUnits, FromItem, OrderBy, Over, Quantifiable, Query,
    Setting, SourceId,
};
use crate::{Catalog, Relation, Statement};

/// An expression as text. Columns of sources that the expression does not bring itself are shown by position.
pub fn display(catalog: &Catalog, expr: &Expr) -> String {
    print(catalog, None, |printer| printer.expr(expr, 0))
}

/// An expression over a row of the relation ([`SourceId::ROW`]) as text.
pub fn display_row(catalog: &Catalog, relation: &Relation, expr: &Expr) -> String {
    print(catalog, Some(relation), |printer| printer.expr(expr, 0))
}

/// A query as text.
pub fn display_query(catalog: &Catalog, query: &Query) -> String {
    print(catalog, None, |printer| printer.query(query))
}

/// A statement of a function's body as text.
pub fn display_statement(catalog: &Catalog, statement: &Statement) -> String {
    let target = match statement {
        Statement::Query(_) => None,
        Statement::Insert(insert) => Some(insert.relation),
        Statement::Update(update) => Some(update.relation),
        Statement::Delete(delete) => Some(delete.relation),
    };
    let row = target.and_then(|id| catalog.relations.get(id.0 as usize));
    print(catalog, row, |printer| printer.statement(statement, row))
}

fn print(catalog: &Catalog, row: Option<&Relation>, run: impl FnOnce(&mut Printer<'_>)) -> String {
    let mut printer = Printer::new(catalog);
    if let Some(relation) = row {
        printer.written_row(relation);
    }
    run(&mut printer);
    printer.out
}

/// What sources are called, where expressions over them are shown apart from the query that they stand in.
pub struct SourceNames<'c>(Printer<'c>);

impl<'c> SourceNames<'c> {
    /// No sources yet.
    pub fn new(catalog: &'c Catalog) -> SourceNames<'c> {
        SourceNames(Printer::new(catalog))
    }

    /// The row of a relation that is written.
    pub fn add_row(&mut self, relation: &Relation) {
        self.0.written_row(relation);
    }

    /// The sources of an item of `from`.
    pub fn add(&mut self, item: &FromItem) {
        self.0.source(item);
        self.0.out.clear();
    }

    /// An expression over these sources as text.
    pub fn display(&mut self, expr: &Expr) -> String {
        self.0.expr(expr, 0);
        std::mem::take(&mut self.0.out)
    }
}

struct Printer<'c> {
    catalog: &'c Catalog,
    out: String,
    /// What each source is called, and its columns
    sources: HashMap<SourceId, (String, Vec<String>)>,
    /// How often a name was given, so that each source gets its own
    names: HashMap<String, usize>,
    session: Session,
}

/// How strongly an operator binds; an operand that binds less gets parentheses.
mod binding {
    pub const OR: u8 = 1;
    pub const AND: u8 = 2;
    pub const NOT: u8 = 3;
    pub const IS: u8 = 4;
    pub const COMPARE: u8 = 5;
    pub const OTHER: u8 = 6;
    pub const CAST: u8 = 9;
}

impl<'c> Printer<'c> {
    fn new(catalog: &'c Catalog) -> Printer<'c> {
        Printer {
            catalog,
            out: String::new(),
            sources: HashMap::new(),
            names: HashMap::new(),
            session: Session::utc(),
        }
    }

    fn written_row(&mut self, relation: &Relation) {
        let columns: Vec<String> = relation.columns.iter().map(|column| column.name.clone()).collect();
        self.sources.insert(SourceId::ROW, (relation.name.name.clone(), columns.clone()));
        self.sources.insert(SourceId::EXCLUDED, ("excluded".to_owned(), columns));
    }
}

impl Printer<'_> {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Prints in parentheses where the surroundings bind more strongly.
    fn bound(&mut self, own: u8, around: u8, run: impl FnOnce(&mut Self)) {
        if own <= around && around > 0 {
            self.push("(");
            run(self);
            self.push(")");
        } else {
            run(self);
        }
    }

    fn list(&mut self, exprs: &[Expr]) {
        self.separated(", ", exprs, |printer, expr| printer.expr(expr, 0));
    }

    fn separated<T>(&mut self, separator: &str, items: &[T], mut run: impl FnMut(&mut Self, &T)) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.push(separator);
            }
            run(self, item);
        }
    }

    fn expr(&mut self, expr: &Expr, around: u8) {
        match &expr.kind {
            ExprKind::Literal(value) => self.literal(value, &expr.ty),
            ExprKind::Column { source, column } => self.column(*source, *column),
            ExprKind::Argument(index) => self.push(&format!("${}", index.saturating_add(1))),
            ExprKind::Bind(index) => self.push(&format!("?{}", index.saturating_add(1))),
            ExprKind::Setting(setting) => self.push(setting_text(*setting)),
            ExprKind::And(exprs) => self.bound(binding::AND, around, |p| {
                p.separated(" and ", exprs, |p, expr| p.expr(expr, binding::AND));
            }),
            ExprKind::Or(exprs) => self.bound(binding::OR, around, |p| {
                p.separated(" or ", exprs, |p, expr| p.expr(expr, binding::OR));
            }),
            ExprKind::Not(inner) => self.bound(binding::NOT, around, |p| {
                p.push("not ");
                p.expr(inner, binding::NOT);
            }),
            ExprKind::Compare(op, left, right) => {
                self.infix(compare_text(*op), left, right, binding::COMPARE, around)
            }
            ExprKind::IsDistinct { left, right, negated } => {
                let operator = if *negated { "is not distinct from" } else { "is distinct from" };
                self.infix(operator, left, right, binding::IS, around);
            }
            ExprKind::IsNull { expr, negated } => {
                self.postfix(if *negated { "is not null" } else { "is null" }, expr, around)
            }
            ExprKind::IsBool { expr, value, negated } => {
                let text = match (value, negated) {
                    (Some(true), false) => "is true",
                    (Some(true), true) => "is not true",
                    (Some(false), false) => "is false",
                    (Some(false), true) => "is not false",
                    (None, false) => "is unknown",
                    (None, true) => "is not unknown",
                };
                self.postfix(text, expr, around);
            }
            ExprKind::Call { builtin, args } => self.call(builtin, args, around),
            ExprKind::UserCall { function, args } => {
                let name = self.catalog.functions.get(function.0 as usize).map(|f| f.name.to_string());
                self.function(&name.unwrap_or_else(|| format!("function{}", function.0)), args);
            }
            ExprKind::Case { whens, otherwise } => self.case(whens, otherwise.as_deref()),
            ExprKind::Coalesce(exprs) => self.function("coalesce", exprs),
            ExprKind::NullIf(left, right) => {
                self.push("nullif(");
                self.expr(left, 0);
                self.push(", ");
                self.expr(right, 0);
                self.push(")");
            }
            ExprKind::Greatest(exprs) => self.function("greatest", exprs),
            ExprKind::Least(exprs) => self.function("least", exprs),
            ExprKind::Cast { expr: inner, modifier, .. } => {
                self.expr(inner, binding::CAST);
                self.push("::");
                self.type_name(&expr.ty, *modifier);
            }
            ExprKind::InList { expr, list, negated } => self.bound(binding::COMPARE, around, |p| {
                p.expr(expr, binding::COMPARE);
                p.push(if *negated { " not in (" } else { " in (" });
                p.list(list);
                p.push(")");
            }),
            ExprKind::InQuery { exprs, query, negated } => self.bound(binding::COMPARE, around, |p| {
                p.row(exprs);
                p.push(if *negated { " not in " } else { " in " });
                p.nested(query);
            }),
            ExprKind::Exists { query, negated } => self.bound(binding::NOT, around, |p| {
                p.push(if *negated { "not exists " } else { "exists " });
                p.nested(query);
            }),
            ExprKind::Scalar(query) => self.nested(query),
            ExprKind::Quantified { op, all, left, array } => {
                let operator = match op {
                    Quantifiable::Compare(op) => compare_text(*op),
                    Quantifiable::Operator(builtin) => builtin.name,
                    Quantifiable::Native(name) => name,
                };
                self.bound(binding::OTHER, around, |p| {
                    p.quantifier(left, operator, *all);
                    p.push("(");
                    p.expr(array, 0);
                    p.push(")");
                });
            }
            ExprKind::QuantifiedQuery { op, all, left, query } => self.bound(binding::OTHER, around, |p| {
                p.quantifier(left, compare_text(*op), *all);
                p.nested(query);
            }),
            ExprKind::Array(exprs) => {
                self.push("array[");
                self.list(exprs);
                self.push("]");
            }
            ExprKind::ArrayQuery(query) => {
                self.push("array");
                self.nested(query);
            }
            ExprKind::Index { array, index } => {
                self.expr(array, binding::CAST);
                self.push("[");
                self.expr(index, 0);
                self.push("]");
            }
            ExprKind::Aggregate { builtin, args, distinct, order, filter } => {
                self.aggregate(builtin, args, *distinct, order, filter.as_deref());
            }
            ExprKind::Window { builtin, args, filter, over } => {
                self.aggregate(builtin, args, false, &[], filter.as_deref());
                self.over(over);
            }
            ExprKind::Native(native) => self.native(native, &expr.ty, around),
        }
    }

    fn infix(&mut self, operator: &str, left: &Expr, right: &Expr, own: u8, around: u8) {
        self.bound(own, around, |p| {
            p.expr(left, own);
            p.push(" ");
            p.push(operator);
            p.push(" ");
            p.expr(right, own);
        });
    }

    fn postfix(&mut self, operator: &str, expr: &Expr, around: u8) {
        self.bound(binding::IS, around, |p| {
            p.expr(expr, binding::IS);
            p.push(" ");
            p.push(operator);
        });
    }

    fn quantifier(&mut self, left: &Expr, operator: &str, all: bool) {
        self.expr(left, binding::OTHER);
        self.push(" ");
        self.push(operator);
        self.push(if all { " all " } else { " any " });
    }

    fn function(&mut self, name: &str, args: &[Expr]) {
        self.push(name);
        self.push("(");
        self.list(args);
        self.push(")");
    }

    fn call(&mut self, builtin: &Builtin, args: &[Expr], around: u8) {
        match (builtin.kind, args) {
            (Kind::Operator, [left, right]) => self.infix(builtin.name, left, right, binding::OTHER, around),
            (Kind::Operator, [operand]) => self.bound(binding::OTHER, around, |p| {
                p.push(builtin.name);
                p.push(" ");
                p.expr(operand, binding::OTHER);
            }),
            _ => self.function(builtin.name, args),
        }
    }

    fn row(&mut self, exprs: &[Expr]) {
        match exprs {
            [only] => self.expr(only, binding::COMPARE),
            exprs => {
                self.push("(");
                self.list(exprs);
                self.push(")");
            }
        }
    }

    fn case(&mut self, whens: &[(Expr, Expr)], otherwise: Option<&Expr>) {
        self.push("case");
        for (when, then) in whens {
            self.push(" when ");
            self.expr(when, 0);
            self.push(" then ");
            self.expr(then, 0);
        }
        if let Some(otherwise) = otherwise {
            self.push(" else ");
            self.expr(otherwise, 0);
        }
        self.push(" end");
    }

    fn aggregate(
        &mut self,
        builtin: &Builtin,
        args: &[Expr],
        distinct: bool,
        order: &[OrderBy],
        filter: Option<&Expr>,
    ) {
        self.push(builtin.name);
        self.push("(");
        if distinct {
            self.push("distinct ");
        }
        if args.is_empty() && builtin.kind == Kind::Aggregate {
            self.push("*");
        }
        self.list(args);
        self.order(order);
        self.push(")");
        if let Some(filter) = filter {
            self.push(" filter (where ");
            self.expr(filter, 0);
            self.push(")");
        }
    }

    fn over(&mut self, over: &Over) {
        self.push(" over (");
        let start = self.out.len();
        if !over.partition_by.is_empty() {
            self.push("partition by ");
            self.list(&over.partition_by);
        }
        self.order(&over.order);
        if let Some(frame) = &over.frame {
            self.push(" ");
            self.frame(frame);
        }
        if self.out.get(start..).is_some_and(|text| text.starts_with(' ')) {
            self.out.remove(start);
        }
        self.push(")");
    }

    fn frame(&mut self, frame: &Frame) {
        self.push(match frame.units {
            FrameUnits::Rows => "rows between ",
            FrameUnits::Range => "range between ",
            FrameUnits::Groups => "groups between ",
        });
        self.frame_bound(&frame.start);
        self.push(" and ");
        self.frame_bound(&frame.end);
    }

    fn frame_bound(&mut self, bound: &FrameBound) {
        match bound {
            FrameBound::UnboundedPreceding => self.push("unbounded preceding"),
            FrameBound::Preceding(expr) => {
                self.expr(expr, binding::OTHER);
                self.push(" preceding");
            }
            FrameBound::CurrentRow => self.push("current row"),
            FrameBound::Following(expr) => {
                self.expr(expr, binding::OTHER);
                self.push(" following");
            }
            FrameBound::UnboundedFollowing => self.push("unbounded following"),
        }
    }

    fn order(&mut self, order: &[OrderBy]) {
        if order.is_empty() {
            return;
        }
        self.push(" order by ");
        self.separated(", ", order, |p, key| {
            p.expr(&key.expr, 0);
            if key.descending {
                p.push(" desc");
            }
            if key.nulls_first != key.descending {
                p.push(if key.nulls_first { " nulls first" } else { " nulls last" });
            }
        });
    }

    fn literal(&mut self, value: &Value, ty: &Type) {
        match (value, ty) {
            (Value::Null, Type::Unknown | Type::Text) => self.push("null"),
            (Value::Null, _) => {
                self.push("null::");
                self.type_name(ty, Modifier::None);
            }
            (Value::Int(value), Type::Bool) => self.push(if *value == 0 { "false" } else { "true" }),
            (Value::Int(value), Type::Int4) => {
                let _ = write!(self.out, "{value}");
            }
            _ => {
                let mut text = Vec::new();
                output::write_text(ty, value.as_ref(), &self.session, &mut text);
                let text = String::from_utf8_lossy(&text).replace('\'', "''");
                if *ty == Type::Numeric && text.contains('.') {
                    self.push(&text);
                    return;
                }
                let _ = write!(self.out, "'{text}'");
                if !matches!(ty, Type::Text | Type::Unknown) {
                    self.push("::");
                    self.type_name(ty, Modifier::None);
                }
            }
        }
    }

    fn type_name(&mut self, ty: &Type, modifier: Modifier) {
        let name = ty.to_string();
        let modifier = match modifier {
            Modifier::None => String::new(),
            Modifier::Length(length) => format!("({length})"),
            Modifier::Numeric { precision, scale } => format!("({precision},{scale})"),
            Modifier::Seconds(digits) => format!("({digits})"),
        };
        // The precision stands before the words about the time zone, the brackets at the end.
        let place = name.find(" with").or_else(|| name.find('[')).unwrap_or(name.len());
        let (before, after) = name.split_at(place);
        let _ = write!(self.out, "{before}{modifier}{after}");
    }

    fn column(&mut self, source: SourceId, column: usize) {
        let text = match self.sources.get(&source) {
            Some((name, columns)) => {
                let column = columns
                    .get(column)
                    .cloned()
                    .unwrap_or_else(|| format!("column{}", column.saturating_add(1)));
                if name.is_empty() { column } else { format!("{name}.{column}") }
            }
            None if source == SourceId::ROW => format!("row.column{}", column.saturating_add(1)),
            None => format!("source{}.column{}", source.0, column.saturating_add(1)),
        };
        self.push(&text);
    }
}

fn compare_text(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "=",
        CompareOp::Ne => "<>",
        CompareOp::Lt => "<",
        CompareOp::Le => "<=",
        CompareOp::Gt => ">",
        CompareOp::Ge => ">=",
    }
}

fn setting_text(setting: Setting) -> &'static str {
    match setting {
        Setting::Uid => "auth.uid()",
        Setting::Role => "auth.role()",
        Setting::Jwt => "auth.jwt()",
        Setting::Claims => "current_setting('request.jwt.claims', true)",
        Setting::Method => "current_setting('request.method', true)",
        Setting::Path => "current_setting('request.path', true)",
        Setting::Headers => "current_setting('request.headers', true)",
        Setting::Cookies => "current_setting('request.cookies', true)",
    }
}
