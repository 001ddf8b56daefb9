//! Expressions.

use plinth_catalog::expr::{CompareOp, Expr, ExprKind, Native, OrderBy, Quantifiable, Setting};
use plinth_values::builtin::{Builtin, Kind};
use plinth_values::{Type, Value};

use super::{Param, Result, SourceColumns, Writer, column_name, internal, relation_name, types};

impl Writer<'_> {
    /// An expression, in parentheses where it needs them.
    pub(super) fn expr(&mut self, expr: &Expr) -> Result<String> {
        self.nested(|w| w.expr_inner(expr))
    }

    fn expr_inner(&mut self, expr: &Expr) -> Result<String> {
        Ok(match &expr.kind {
            ExprKind::Literal(value) => self.literal(&expr.ty, value)?,
            ExprKind::Column { source, column } => self.column(*source, *column)?,
            ExprKind::Bind(at) => self.bind(*at, &expr.ty)?,
            ExprKind::Setting(setting) => {
                let param = self.param(Param::Setting(*setting));
                match setting {
                    Setting::Uid => format!("{param}::uuid"),
                    Setting::Jwt => format!("{param}::jsonb"),
                    _ => format!("{param}::text"),
                }
            }
            ExprKind::And(all) => self.joined(all, " and ", "true")?,
            ExprKind::Or(all) => self.joined(all, " or ", "false")?,
            ExprKind::Not(inner) => format!("(not {})", self.expr(inner)?),
            ExprKind::Compare(op, left, right) => self.binary(compare(*op), left, right)?,
            ExprKind::IsDistinct { left, right, negated } => {
                let not = if *negated { "not " } else { "" };
                self.binary(&format!("is {not}distinct from"), left, right)?
            }
            ExprKind::IsNull { expr, negated } => {
                let not = if *negated { "not " } else { "" };
                format!("({} is {not}null)", self.expr(expr)?)
            }
            ExprKind::IsBool { expr, value, negated } => {
                let not = if *negated { "not " } else { "" };
                let value = match value {
                    Some(true) => "true",
                    Some(false) => "false",
                    None => "unknown",
                };
                format!("({} is {not}{value})", self.expr(expr)?)
            }
            ExprKind::Call { builtin, args } => self.call(builtin, args)?,
            ExprKind::UserCall { function, args } => self.user_call(*function, args)?,
            ExprKind::Case { whens, otherwise } => {
                let mut text = String::from("case");
                for (when, then) in whens {
                    text += &format!(" when {} then {}", self.expr(when)?, self.expr(then)?);
                }
                if let Some(otherwise) = otherwise {
                    text += &format!(" else {}", self.expr(otherwise)?);
                }
                format!("({text} end)")
            }
            ExprKind::Coalesce(all) => format!("coalesce({})", self.list(all)?),
            ExprKind::NullIf(left, right) => format!("nullif({}, {})", self.expr(left)?, self.expr(right)?),
            ExprKind::Greatest(all) => format!("greatest({})", self.list(all)?),
            ExprKind::Least(all) => format!("least({})", self.list(all)?),
            ExprKind::Cast { expr: inner, modifier, explicit: _ } => {
                format!("({})::{}", self.expr(inner)?, types::with_modifier(&expr.ty, *modifier)?)
            }
            ExprKind::InList { expr, list, negated } => self.in_list(expr, list, *negated)?,
            ExprKind::InQuery { exprs, query, negated } => {
                let not = if *negated { "not " } else { "" };
                format!("(({}) {not}in ({}))", self.list(exprs)?, self.query(query)?)
            }
            ExprKind::Exists { query, negated } => {
                let not = if *negated { "not " } else { "" };
                format!("({not}exists ({}))", self.query(query)?)
            }
            ExprKind::Scalar(query) => match self.group_key(expr) {
                Some(column) => column,
                None => format!("({})", self.query(query)?),
            },
            ExprKind::Quantified { op, all, left, array } => {
                let op = match op {
                    Quantifiable::Compare(op) => compare(*op).to_owned(),
                    Quantifiable::Operator(builtin) => operator(builtin.name),
                    Quantifiable::Native(name) => (*name).to_owned(),
                };
                let quantifier = if *all { "all" } else { "any" };
                format!("({} {op} {quantifier} ({}))", self.expr(left)?, self.expr(array)?)
            }
            ExprKind::QuantifiedQuery { op, all, left, query } => {
                let quantifier = if *all { "all" } else { "any" };
                format!("({} {} {quantifier} ({}))", self.expr(left)?, compare(*op), self.query(query)?)
            }
            ExprKind::Array(all) => format!("array[{}]::{}", self.list(all)?, types::name(&expr.ty)?),
            ExprKind::ArrayQuery(query) => format!("array({})", self.query(query)?),
            ExprKind::Index { array, index } => format!("({})[{}]", self.expr(array)?, self.expr(index)?),
            ExprKind::Aggregate { builtin, args, distinct, order, filter } => {
                self.aggregate(builtin, args, *distinct, order, filter.as_deref())?
            }
            ExprKind::Native(native) => self.native(native, &expr.ty)?,
            ExprKind::Argument(_) => return Err(internal("an argument of a function is not replaced")),
            ExprKind::Window { .. } => {
                return Err(internal("a window stands outside of a query of the schema"));
            }
        })
    }

    /// Expressions with commas between them.
    pub(super) fn list(&mut self, exprs: &[Expr]) -> Result<String> {
        let texts: Vec<String> = exprs.iter().map(|expr| self.expr(expr)).collect::<Result<_>>()?;
        Ok(texts.join(", "))
    }

    fn joined(&mut self, exprs: &[Expr], word: &str, none: &str) -> Result<String> {
        if exprs.is_empty() {
            return Ok(none.to_owned());
        }
        let texts: Vec<String> = exprs.iter().map(|expr| self.expr(expr)).collect::<Result<_>>()?;
        Ok(format!("({})", texts.join(word)))
    }

    fn binary(&mut self, op: &str, left: &Expr, right: &Expr) -> Result<String> {
        Ok(format!("({} {op} {})", self.expr(left)?, self.expr(right)?))
    }

    /// A value of the request. Without a type the database takes it from the context.
    fn bind(&mut self, at: usize, ty: &Type) -> Result<String> {
        if *ty == Type::Unknown {
            return Ok(self.param(Param::Bind(at)));
        }
        let cast = types::name(ty)?;
        if let Some(known) = self.binds.get(&at)
            && known.ends_with(&format!("::{cast}"))
        {
            return Ok(known.clone());
        }
        let text = format!("{}::{cast}", self.param(Param::Bind(at)));
        self.binds.insert(at, text.clone());
        Ok(text)
    }

    /// A constant. The ones that never come from a request and have one way to be written are written.
    pub(super) fn literal(&mut self, ty: &Type, value: &Value) -> Result<String> {
        Ok(match (ty, value) {
            (Type::Unknown | Type::Void, Value::Null) => "null".to_owned(),
            (_, Value::Null) => format!("null::{}", types::name(ty)?),
            (Type::Bool, Value::Int(i)) => if *i == 0 { "false" } else { "true" }.to_owned(),
            (Type::Int4, Value::Int(i)) if *i >= 0 => format!("{i}"),
            (Type::Int8, Value::Int(i)) if *i >= 0 => format!("{i}::int8"),
            (Type::Unknown, _) => self.param(Param::Value(ty.clone(), value.clone())),
            _ => format!("{}::{}", self.param(Param::Value(ty.clone(), value.clone())), types::name(ty)?),
        })
    }

    /// `in` a list of the request's values is one parameter, whatever their number.
    fn in_list(&mut self, expr: &Expr, list: &[Expr], negated: bool) -> Result<String> {
        let left = self.expr(expr)?;
        let binds: Option<Vec<usize>> = list
            .iter()
            .map(|item| match item.kind {
                ExprKind::Bind(at) if item.ty != Type::Unknown && item.ty.element().is_none() => Some(at),
                _ => None,
            })
            .collect();
        match (binds, list.first()) {
            (Some(binds), Some(first)) => {
                let array = format!("{}::{}[]", self.param(Param::Array(binds)), types::name(&first.ty)?);
                Ok(if negated {
                    format!("({left} <> all ({array}))")
                } else {
                    format!("({left} = any ({array}))")
                })
            }
            (_, None) => Ok(if negated { "true" } else { "false" }.to_owned()),
            (None, Some(_)) => {
                let not = if negated { "not " } else { "" };
                Ok(format!("({left} {not}in ({}))", self.list(list)?))
            }
        }
    }

    fn call(&mut self, builtin: &Builtin, args: &[Expr]) -> Result<String> {
        match (builtin.kind, args) {
            (Kind::Operator, [left, right]) => self.binary(&operator(builtin.name), left, right),
            (Kind::Operator, [right]) => Ok(format!("({} {})", operator(builtin.name), self.expr(right)?)),
            (Kind::Function, _) => Ok(format!("pg_catalog.{}({})", builtin.name, self.list(args)?)),
            _ => Err(internal("a built-in stands where it cannot be called")),
        }
    }

    fn aggregate(
        &mut self,
        builtin: &Builtin,
        args: &[Expr],
        distinct: bool,
        order: &[OrderBy],
        filter: Option<&Expr>,
    ) -> Result<String> {
        let distinct = if distinct { "distinct " } else { "" };
        let args = if args.is_empty() { "*".to_owned() } else { self.list(args)? };
        let order = self.order_by(order)?;
        let filter = match filter {
            Some(filter) => format!(" filter (where {})", self.expr(filter)?),
            None => String::new(),
        };
        Ok(format!("pg_catalog.{}({distinct}{args}{order}){filter}", builtin.name))
    }

    fn native(&mut self, native: &Native, ty: &Type) -> Result<String> {
        Ok(match native {
            Native::Operator { name, left, right } => self.binary(name, left, right)?,
            // As it is written by hand, so that a refusal reads so: PostgreSQL looks into its own catalog first.
            Native::Call { name, args } => format!("{name}({})", self.list(args)?),
            Native::Aggregate { name, arg } => {
                let arg = match arg {
                    Some(arg) => self.expr(arg)?,
                    None => "*".to_owned(),
                };
                format!("pg_catalog.{name}({arg})")
            }
            Native::Row(id) => {
                let source = self.source(*id)?.clone();
                match source.columns {
                    SourceColumns::Relation(_) | SourceColumns::Numbered => source.alias,
                    SourceColumns::Written(relation) => {
                        let relation = self.relation(relation)?;
                        let columns: Vec<String> = (0..relation.columns.len())
                            .map(|column| Ok(format!("{}.{}", source.alias, column_name(relation, column)?)))
                            .collect::<Result<_>>()?;
                        format!("row({})::{}", columns.join(", "), relation_name(relation))
                    }
                }
            }
            Native::FromJson(json) => {
                let (json, ty) = (self.expr(json)?, types::name(ty)?);
                let name = self.name("j");
                format!(
                    "(select {name}.v from pg_catalog.json_to_record(pg_catalog.json_build_object('v', {json}::json)) as {name}(v {ty}))"
                )
            }
            Native::Omitted => return Err(internal("an omitted argument stands outside of a call")),
            Native::Text(_) => return Err(internal("the database's own text is part of a plan")),
        })
    }

    /// ` order by …`, or nothing.
    pub(super) fn order_by(&mut self, order: &[OrderBy]) -> Result<String> {
        if order.is_empty() {
            return Ok(String::new());
        }
        let mut keys = Vec::with_capacity(order.len());
        for key in order {
            let direction = if key.descending { "desc" } else { "asc" };
            // PostgreSQL's own default is not written, so that a statement reads as it was asked.
            let nulls = match (key.descending, key.nulls_first) {
                (false, false) | (true, true) => "",
                (_, true) => " nulls first",
                (_, false) => " nulls last",
            };
            // A bare number would be the position of a column.
            keys.push(match &key.expr.kind {
                ExprKind::Literal(_) => format!("({} + 0) {direction}{nulls}", self.expr(&key.expr)?),
                _ => format!("{} {direction}{nulls}", self.expr(&key.expr)?),
            });
        }
        Ok(format!(" order by {}", keys.join(", ")))
    }
}

fn compare(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "=",
        CompareOp::Ne => "<>",
        CompareOp::Lt => "<",
        CompareOp::Le => "<=",
        CompareOp::Gt => ">",
        CompareOp::Ge => ">=",
    }
}

/// An operator of the built-in table.
fn operator(name: &str) -> String {
    format!("operator(pg_catalog.{name})")
}
