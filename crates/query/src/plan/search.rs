//! Full-text conditions: `fts plfts phfts wfts`, with a configuration or without. What is no vector yet is made one
//! (PostgREST's reference, "Full-Text Search").

use plinth_catalog::expr::Expr;
use plinth_values::builtin::{self, Kind};
use plinth_values::{Type, Value, ValueRef};

use super::planner::Planner;
use crate::refusal::Refusal;
use crate::request::TextSearch;

/// The function that makes a query of the value.
fn function(op: TextSearch) -> &'static str {
    match op {
        TextSearch::Query => "to_tsquery",
        TextSearch::Plain => "plainto_tsquery",
        TextSearch::Phrase => "phraseto_tsquery",
        TextSearch::Web => "websearch_to_tsquery",
    }
}

impl Planner<'_> {
    /// `field fts(language).value`. The query is made here: a wrong one is refused whatever the table holds.
    pub fn vector_search(
        &mut self,
        field: Expr,
        op: TextSearch,
        language: Option<&str>,
        text: &str,
    ) -> Result<Expr, Refusal> {
        let config = match language {
            Some(language) => {
                let ty = Type::Regconfig;
                let name = plinth_values::input::from_text(&ty, Default::default(), language, self.session)?;
                Some(Expr::literal(name, ty))
            }
            None => None,
        };
        let query = self.query_of(op, config.as_ref(), text)?;
        let vector = if field.ty == Type::Tsvector {
            field
        } else {
            self.call("to_tsvector", &[Kind::Function], config.into_iter().chain([field]).collect())?
        };
        let query = self.bind(Type::Tsquery, query);
        self.call("@@", &[Kind::Operator], vec![vector, query])
    }

    fn query_of(&self, op: TextSearch, config: Option<&Expr>, text: &str) -> Result<Value, Refusal> {
        let mut types = vec![Type::Text];
        let mut args = vec![ValueRef::Text(text)];
        let name = config.and_then(|config| match &config.kind {
            plinth_catalog::expr::ExprKind::Literal(name) => Some(name),
            _ => None,
        });
        if let Some(name) = name {
            types.insert(0, Type::Regconfig);
            args.insert(0, name.as_ref());
        }
        let name = function(op);
        let found = builtin::resolve(name, &[Kind::Function], &types);
        let found = found.map_err(|_| Refusal::NotImplemented { detail: format!("{name} is not there.") })?;
        let context = builtin::Context { session: self.session, types: &found.args };
        Ok(builtin::call(found.builtin.id, &context, &args)?)
    }
}
