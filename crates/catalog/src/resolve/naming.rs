//! What an output column is called when nobody says: PostgreSQL's `FigureColname`.

use sqlparser::ast::{self, DataType, FunctionArguments, SelectItem, SetExpr, TrimWhereField};

use super::scope::{fold, parts};

const UNNAMED: &str = "?column?";

/// The name of an output column without an alias.
pub(super) fn output_name(ast: &ast::Expr) -> String {
    name(ast).map_or_else(|| UNNAMED.to_owned(), |(name, _)| name)
}

/// A name, and whether it is a strong one: a cast's type name gives way to it.
fn name(ast: &ast::Expr) -> Option<(String, bool)> {
    let strong = |name: &str| Some((name.to_owned(), true));
    match ast {
        ast::Expr::Nested(inner) => name(inner),
        ast::Expr::Identifier(ident) => Some((fold(ident), true)),
        ast::Expr::CompoundIdentifier(idents) => idents.last().map(|ident| (fold(ident), true)),
        ast::Expr::CompoundFieldAccess { root, .. } => name(root),
        ast::Expr::Collate { expr, .. } => name(expr),
        ast::Expr::Cast { expr, data_type, .. } => {
            name(expr).filter(|(_, strong)| *strong).or_else(|| Some((type_name(data_type), false)))
        }
        ast::Expr::TypedString(typed) => Some((type_name(&typed.data_type), false)),
        ast::Expr::Interval(_) => Some(("interval".to_owned(), false)),
        ast::Expr::Function(call) => match &call.args {
            FunctionArguments::Subquery(_) => strong("array"),
            _ => parts(&call.name).pop().map(|name| (name, true)),
        },
        ast::Expr::Case { else_result, .. } => {
            let from_else = else_result.as_deref().and_then(name).filter(|(_, strong)| *strong);
            from_else.or_else(|| Some(("case".to_owned(), false)))
        }
        ast::Expr::Array(_) => strong("array"),
        ast::Expr::Exists { .. } => strong("exists"),
        ast::Expr::Subquery(query) => first_column(&query.body),
        ast::Expr::AtTimeZone { .. } => strong("timezone"),
        ast::Expr::Extract { .. } => strong("extract"),
        ast::Expr::Ceil { .. } => strong("ceil"),
        ast::Expr::Floor { .. } => strong("floor"),
        ast::Expr::Position { .. } => strong("position"),
        ast::Expr::Substring { shorthand, .. } => strong(if *shorthand { "substr" } else { "substring" }),
        ast::Expr::Overlay { .. } => strong("overlay"),
        ast::Expr::Trim { trim_where, .. } => strong(match trim_where {
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
            Some(TrimWhereField::Both) | None => "btrim",
        }),
        ast::Expr::Tuple(_) => strong("row"),
        _ => None,
    }
}

fn first_column(body: &SetExpr) -> Option<(String, bool)> {
    match body {
        SetExpr::Select(select) => match select.projection.first()? {
            SelectItem::UnnamedExpr(expr) => name(expr),
            SelectItem::ExprWithAlias { alias, .. } => Some((fold(alias), true)),
            _ => None,
        },
        SetExpr::Query(query) => first_column(&query.body),
        SetExpr::SetOperation { left, .. } => first_column(left),
        SetExpr::Values(_) => Some(("column1".to_owned(), true)),
        _ => None,
    }
}

/// PostgreSQL's internal name of the type.
fn type_name(ty: &DataType) -> String {
    match ty {
        DataType::Bool | DataType::Boolean => "bool",
        DataType::SmallInt(_) | DataType::Int2(_) => "int2",
        DataType::Int(_) | DataType::Integer(_) | DataType::Int4(_) => "int4",
        DataType::BigInt(_) | DataType::Int8(_) => "int8",
        DataType::Real | DataType::Float4 => "float4",
        DataType::Float(_) | DataType::Double(_) | DataType::DoublePrecision | DataType::Float8 => "float8",
        DataType::Numeric(_) | DataType::Decimal(_) | DataType::Dec(_) => "numeric",
        DataType::Varchar(_) | DataType::CharVarying(_) | DataType::CharacterVarying(_) => "varchar",
        DataType::Char(_) | DataType::Character(_) => "bpchar",
        DataType::Timestamp(_, ast::TimezoneInfo::WithTimeZone | ast::TimezoneInfo::Tz) => "timestamptz",
        DataType::Timestamp(..) => "timestamp",
        DataType::Time(..) => "time",
        DataType::Interval { .. } => "interval",
        DataType::Array(
            ast::ArrayElemTypeDef::SquareBracket(element, _) | ast::ArrayElemTypeDef::Qualified(element, _),
        ) => return type_name(element),
        DataType::Custom(name, _) => return parts(name).pop().unwrap_or_default(),
        other => return other.to_string().to_lowercase(),
    }
    .to_owned()
}
