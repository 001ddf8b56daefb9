//! How the parts that only PostgreSQL evaluates are shown.

use plinth_values::Type;

use super::{Printer, binding};
use crate::expr::Native;

impl Printer<'_> {
    pub(super) fn native(&mut self, native: &Native, ty: &Type, around: u8) {
        match native {
            Native::Operator { name, left, right } => self.infix(name, left, right, binding::OTHER, around),
            Native::Call { name, args } => self.function(name, args),
            Native::Aggregate { name, arg } => match arg {
                Some(arg) => self.function(name, std::slice::from_ref(arg)),
                None => self.push(&format!("{name}(*)")),
            },
            Native::Row(source) => {
                let name = self.sources.get(source).map(|(name, _)| name.clone());
                self.push(&name.unwrap_or_else(|| format!("s{}", source.0)));
            }
            Native::FromJson(inner) => {
                self.push("from_json(");
                self.expr(inner, 0);
                self.push(&format!(" as {ty})"));
            }
            Native::Omitted => self.push("default"),
            Native::Text(text) => self.push(text),
        }
    }
}
