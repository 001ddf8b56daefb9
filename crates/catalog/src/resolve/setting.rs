//! What the caller brings along: `auth.uid()` and its relatives, `current_user`, `current_setting('request.…')`.

use plinth_values::builtin::Kind;
use plinth_values::{Type, Value};
use sqlparser::ast;

use super::function::{Call, WrittenValue};
use super::literal::string_constant;
use super::{Result, Work};
use crate::expr::{Expr, ExprKind, Setting};

/// A setting as an expression.
fn setting(setting: Setting) -> Expr {
    let ty = match setting {
        Setting::Uid => Type::Uuid,
        Setting::Jwt => Type::Jsonb,
        Setting::Role
        | Setting::Claims
        | Setting::Method
        | Setting::Path
        | Setting::Headers
        | Setting::Cookies => Type::Text,
    };
    Expr { kind: ExprKind::Setting(setting), ty }
}

impl Work<'_> {
    /// A call that means something the caller brings along. A function of the catalog with the same name comes first.
    pub(super) fn setting(&self, ast: &ast::Expr, call: &Call<'_>) -> Result<Option<Expr>> {
        match (call.schema.as_deref(), call.name.as_str(), call.args.len()) {
            (Some("auth"), name, 0) if self.catalog.find_functions("auth", name).next().is_none() => {
                match name {
                    "uid" => Ok(Some(setting(Setting::Uid))),
                    "role" => Ok(Some(setting(Setting::Role))),
                    "jwt" => Ok(Some(setting(Setting::Jwt))),
                    "email" => self.member(ast, setting(Setting::Jwt), "email").map(Some),
                    _ => Ok(None),
                }
            }
            (None | Some("pg_catalog"), "current_user" | "current_role" | "session_user" | "user", 0) => {
                Ok(Some(setting(Setting::Role)))
            }
            (None | Some("pg_catalog"), "current_setting", 1 | 2) => {
                self.current_setting(ast, call).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// `current_setting('name' [, missing_ok])`
    fn current_setting(&self, ast: &ast::Expr, call: &Call<'_>) -> Result<Expr> {
        let mut args = call.args.iter().map(|arg| match (&arg.name, &arg.value) {
            (None, WrittenValue::Expr(expr)) => Some(*expr),
            _ => None,
        });
        let Some(name) = args.next().flatten().and_then(string_constant) else {
            return Err(self.unsupported(
                ast,
                "current_setting of a computed name",
                "write the name as a string",
            ));
        };
        let missing_ok = match args.next() {
            None => false,
            Some(Some(ast::Expr::Value(value))) => matches!(value.value, ast::Value::Boolean(true)),
            Some(_) => false,
        };
        match name {
            "request.jwt.claims" => Ok(setting(Setting::Claims)),
            "request.method" => Ok(setting(Setting::Method)),
            "request.path" => Ok(setting(Setting::Path)),
            "request.headers" => Ok(setting(Setting::Headers)),
            "request.cookies" => Ok(setting(Setting::Cookies)),
            "role" => Ok(setting(Setting::Role)),
            _ => {
                // The names of older releases: one setting per claim, header or cookie.
                if let Some(claim) = name.strip_prefix("request.jwt.claim.") {
                    return self.member(ast, setting(Setting::Jwt), claim);
                }
                for (prefix, object) in
                    [("request.header.", Setting::Headers), ("request.cookie.", Setting::Cookies)]
                {
                    if let Some(key) = name.strip_prefix(prefix) {
                        let object =
                            self.explicit_cast(ast, setting(object), &Type::Json, Default::default())?;
                        return self.member(ast, object, key);
                    }
                }
                if missing_ok {
                    return Ok(Expr::literal(Value::Null, Type::Text));
                }
                let hint = "request.jwt.claims, request.method, request.path, request.headers and request.cookies are there";
                Err(self.refuse(ast, format!("unrecognized configuration parameter \"{name}\"")).hint(hint))
            }
        }
    }

    fn member(&self, ast: &ast::Expr, object: Expr, key: &str) -> Result<Expr> {
        let key = Expr::literal(Value::Text(key.to_owned()), Type::Text);
        self.builtin(ast, "->>", &[Kind::Operator], vec![object, key])
    }
}
