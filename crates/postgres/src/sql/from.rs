//! Items of `from`.

use plinth_catalog::Returns;
use plinth_catalog::expr::{FromItem, JoinKind};
use plinth_values::Type;

use super::{Result, SourceColumns, Writer, internal, relation_name};

impl Writer<'_> {
    /// An item of `from`; its sources can be referred to from then on.
    pub(super) fn item(&mut self, item: &FromItem) -> Result<String> {
        self.nested(|w| w.item_inner(item))
    }

    fn item_inner(&mut self, item: &FromItem) -> Result<String> {
        match item {
            FromItem::Relation { security: Some(_), .. } => {
                Err(internal("a plan brings row security to a database that has its own"))
            }
            FromItem::Relation { id, relation, security: None } => {
                let alias = self.name("t");
                self.define(*id, alias.clone(), SourceColumns::Relation(*relation));
                Ok(format!("{} as {alias}", relation_name(self.relation(*relation)?)))
            }
            FromItem::Query { id, query, lateral } => {
                let text = self.query(query)?;
                let alias = self.name("t");
                self.define(*id, alias.clone(), SourceColumns::Numbered);
                let columns = numbered(query.columns.len());
                let lateral = if *lateral { "lateral " } else { "" };
                Ok(format!("{lateral}({text}) as {alias}{columns}"))
            }
            FromItem::Cte { id, cte } => {
                let source = self.source(*cte)?.clone();
                let alias = self.name("t");
                self.define(*id, alias.clone(), source.columns);
                Ok(format!("{} as {alias}", source.alias))
            }
            FromItem::Set { id, builtin, args, columns, with_ordinality } => {
                let call = format!("pg_catalog.{}({})", builtin.name, self.list(args)?);
                let alias = self.name("t");
                self.define(*id, alias.clone(), SourceColumns::Numbered);
                let ordinality = if *with_ordinality { " with ordinality" } else { "" };
                let columns = numbered(columns.len() + usize::from(*with_ordinality));
                Ok(format!("{call}{ordinality} as {alias}{columns}"))
            }
            FromItem::Function { id, function, args } => {
                let call = self.user_call(*function, args)?;
                let alias = self.name("t");
                match &self.function(*function)?.returns {
                    // The alias stands for a row of the relation, also as a whole.
                    Returns::Relation { relation, .. } => {
                        self.define(*id, alias.clone(), SourceColumns::Relation(*relation));
                        Ok(format!("{call} as {alias}"))
                    }
                    Returns::Columns { columns, .. } => {
                        let columns = numbered(columns.len());
                        self.define(*id, alias.clone(), SourceColumns::Numbered);
                        Ok(format!("{call} as {alias}{columns}"))
                    }
                    Returns::Scalar { ty: Type::Native(_) | Type::Row(_), .. } => {
                        self.define(*id, alias.clone(), SourceColumns::Numbered);
                        // A composite value is one value: in a select it is not taken apart.
                        Ok(format!("(select {call} as c0) as {alias}"))
                    }
                    Returns::Scalar { .. } | Returns::Void => {
                        self.define(*id, alias.clone(), SourceColumns::Numbered);
                        Ok(format!("{call} as {alias}(c0)"))
                    }
                }
            }
            FromItem::Join { kind, left, right, on } => {
                let (left, right) = (self.item(left)?, self.joined_item(right)?);
                let on = match on {
                    Some(on) => self.expr(on)?,
                    None => "true".to_owned(),
                };
                Ok(match kind {
                    JoinKind::Inner => format!("{left} join {right} on {on}"),
                    JoinKind::Left => format!("{left} left join {right} on {on}"),
                    JoinKind::Right => format!("{left} right join {right} on {on}"),
                    JoinKind::Full => format!("{left} full join {right} on {on}"),
                    JoinKind::Cross => format!("{left} cross join {right}"),
                })
            }
        }
    }

    /// The right side of a join.
    fn joined_item(&mut self, item: &FromItem) -> Result<String> {
        let text = self.item(item)?;
        Ok(match item {
            FromItem::Join { .. } => format!("({text})"),
            FromItem::Function { .. } if !text.starts_with("lateral ") => format!("lateral {text}"),
            _ => text,
        })
    }
}

/// Names for the columns of an alias: `(c0, c1)`; none for none.
fn numbered(columns: usize) -> String {
    if columns == 0 {
        return String::new();
    }
    let names: Vec<String> = (0..columns).map(|column| format!("c{column}")).collect();
    format!("({})", names.join(", "))
}
