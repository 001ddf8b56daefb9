//! Constants: numbers by their size, strings, typed strings and intervals.

use plinth_values::{Modifier, Type, Value, cast, input};
use sqlparser::ast;

use super::diagnose::{Place, suggest};
use super::{Result, Work};
use crate::Diagnostic;
use crate::expr::{Expr, ExprKind};

impl Work<'_> {
    /// A value of the syntax tree.
    pub(super) fn value(&self, ast: &ast::ValueWithSpan) -> Result<Expr> {
        match &ast.value {
            ast::Value::Null => Ok(Expr::literal(Value::Null, Type::Unknown)),
            ast::Value::Boolean(value) => Ok(Expr::bool(*value)),
            ast::Value::Number(digits, false) => self.number(ast, digits, false),
            ast::Value::Placeholder(name) => self.placeholder(ast, name),
            // A national string is of type character: the blanks at its end mean nothing.
            ast::Value::NationalStringLiteral(text) => {
                self.read(ast, text, &Type::Char, Modifier::None, true)
            }
            value => match string(value) {
                Some(text) => Ok(Expr::literal(Value::Text(text.to_owned()), Type::Unknown)),
                None => Err(self.unsupported(
                    ast,
                    &format!("the constant {value}"),
                    "write it as a string with a cast",
                )),
            },
        }
    }

    /// A number, by its size an integer, a bigint or a numeric. The sign counts: -2147483648 is an integer.
    pub(super) fn number(&self, at: &impl Place, digits: &str, negative: bool) -> Result<Expr> {
        let digits = digits.replace('_', "");
        let text = if negative { format!("-{digits}") } else { digits };
        if let Ok(number) = text.parse::<i64>() {
            let ty = if i32::try_from(number).is_ok() { Type::Int4 } else { Type::Int8 };
            return Ok(Expr::literal(Value::Int(number), ty));
        }
        self.read(at, &text, &Type::Numeric, Modifier::None, false)
    }

    /// A string as a value of a type. What depends on the moment (`now`, `today`) stays a cast.
    pub(super) fn read(
        &self,
        at: &impl Place,
        text: &str,
        ty: &Type,
        modifier: Modifier,
        explicit: bool,
    ) -> Result<Expr> {
        if depends_on_now(ty, text) {
            let text = Expr::literal(Value::Text(text.to_owned()), Type::Text);
            let kind = ExprKind::Cast { expr: Box::new(text), modifier, explicit: true };
            return Ok(Expr { kind, ty: ty.clone() });
        }
        match ty {
            Type::Native(_) => return Ok(Expr::literal(Value::Text(text.to_owned()), ty.clone())),
            Type::Row(_) | Type::Void | Type::Unknown => {
                return Err(self.refuse(at, format!("cannot cast type unknown to {ty}")));
            }
            _ => {}
        }
        let wrong = |error: plinth_values::ValueError| self.wrong_value(at, &error, ty, text);
        let mut value = input::from_text(ty, Modifier::None, text, &self.session).map_err(wrong)?;
        if modifier != Modifier::None {
            value = cast::cast(ty, ty, modifier, explicit, value.as_ref(), &self.session).map_err(wrong)?;
        }
        Ok(Expr::literal(value, ty.clone()))
    }

    fn wrong_value(
        &self,
        at: &impl Place,
        error: &plinth_values::ValueError,
        ty: &Type,
        text: &str,
    ) -> Diagnostic {
        let refusal = self.refuse(at, &error.message);
        match ty {
            Type::Enum(e) => refusal.maybe_hint(suggest(text, e.labels.iter().map(String::as_str))),
            _ => refusal.maybe_hint(error.detail.clone()),
        }
    }

    /// `date '2024-01-01'`
    pub(super) fn typed_string(&self, ast: &ast::TypedString) -> Result<Expr> {
        let Some(text) = string(&ast.value.value) else {
            return Err(self.refuse(&ast.value, "a typed constant must be a string"));
        };
        let (ty, modifier) = self.cast_type(&ast.value, &ast.data_type)?;
        self.read(&ast.value, text, &ty, modifier, true)
    }

    /// `interval '1 day'`, `interval '2' hour`
    pub(super) fn interval(&self, ast: &ast::Expr, interval: &ast::Interval) -> Result<Expr> {
        let text = match interval.value.as_ref() {
            ast::Expr::Value(value) => string(&value.value),
            _ => None,
        };
        let Some(text) = text else {
            return Err(self.refuse(ast, "an interval constant must be a string"));
        };
        if interval.last_field.is_some() || interval.leading_precision.is_some() {
            return Err(self.unsupported(
                ast,
                "an interval with a range of fields",
                "write the units in the string",
            ));
        }
        let modifier = match interval.fractional_seconds_precision {
            None => Modifier::None,
            Some(digits) => match u8::try_from(digits) {
                Ok(digits @ 0..=6) => Modifier::Seconds(digits),
                _ => return Err(self.refuse(ast, "the precision of the seconds must be between 0 and 6")),
            },
        };
        match &interval.leading_field {
            None => self.read(ast, text, &Type::Interval, modifier, true),
            // A bare number counts the unit; anything longer would have to be cut to it.
            Some(unit) if text.trim().parse::<i64>().is_ok() => {
                self.read(ast, &format!("{text} {unit}"), &Type::Interval, modifier, true)
            }
            Some(_) => Err(self.unsupported(ast, "an interval with a field", "write the unit in the string")),
        }
    }

    /// The type of a cast. A domain only when it adds nothing to the type under it.
    pub(super) fn cast_type(&self, at: &impl Place, ast: &ast::DataType) -> Result<(Type, Modifier)> {
        let found = super::types::data_type(self.catalog, self.search_path, ast).map_err(|message| {
            self.refuse(at, message).maybe_hint(super::types::suggestion(self.catalog, ast))
        })?;
        let (ty, modifier, Some(name)) = found else { return Ok((found.0, found.1)) };
        let domain = self.catalog.domains.iter().find(|domain| domain.name == name);
        match domain {
            Some(domain) if !domain.checks.is_empty() || domain.not_null => {
                let hint = format!("cast to {ty}: a column of the domain checks its values");
                Err(self
                    .refuse(at, format!("a cast to the domain \"{}\" is not supported", name.name))
                    .hint(hint))
            }
            _ => Ok((ty, modifier)),
        }
    }
}

/// The text of a string constant of any notation.
pub(super) fn string(value: &ast::Value) -> Option<&str> {
    match value {
        ast::Value::SingleQuotedString(text)
        | ast::Value::EscapedStringLiteral(text)
        | ast::Value::UnicodeStringLiteral(text) => Some(text),
        ast::Value::DollarQuotedString(quoted) => Some(&quoted.value),
        _ => None,
    }
}

/// The text of a string constant.
pub(super) fn string_constant(ast: &ast::Expr) -> Option<&str> {
    match ast {
        ast::Expr::Value(value) => string(&value.value),
        ast::Expr::Nested(inner) => string_constant(inner),
        _ => None,
    }
}

fn depends_on_now(ty: &Type, text: &str) -> bool {
    let dated = matches!(ty, Type::Date | Type::Time | Type::Timestamp | Type::Timestamptz | Type::Range(_));
    if !dated {
        return false;
    }
    let text = text.to_ascii_lowercase();
    text.split(|c: char| !c.is_ascii_alphabetic())
        .any(|word| matches!(word, "now" | "today" | "tomorrow" | "yesterday"))
}
