//! Indexes for full-text search: an index of the schema over a `tsvector` is an FTS5 table of the vectors' lexemes, kept in step by
//! triggers. It finds the rows that may match; the condition itself is evaluated for each of them, so an index can make an answer
//! faster but not different.

use plinth_catalog::expr::{Expr, ExprKind, SourceId};
use plinth_catalog::{Catalog, Index, Relation, quote_ident};
use plinth_values::builtin::Builtin;
use plinth_values::search::{DEFAULT, NOTHING};
use plinth_values::{Type, Value};

use super::literal::string;
use super::{Result, Source, Writer, index_name, rowid, table_name, walk};

/// What an index over vectors is in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SearchIndex {
    /// The name of the FTS5 table, not quoted. It ends as none of the tables does that FTS5 makes beside it
    pub name: String,
    /// `create virtual table …`, with capitals where SQLite keeps capitals: it is compared with what the file has
    pub create: String,
    /// `insert …` of what the rows that are there have
    pub fill: String,
    /// Name, not quoted, and text of each trigger
    pub triggers: Vec<(String, String)>,
}

/// Whether an index is one over vectors: of one key, over all rows, by a method that has such indexes in PostgreSQL.
pub(super) fn is_search(index: &Index) -> bool {
    matches!(index.method.as_str(), "gin" | "gist")
        && index.filter.is_none()
        && matches!(index.keys.as_slice(), [key] if key.expr.ty == Type::Tsvector)
}

fn search_name(relation: &Relation, index: &Index) -> String {
    format!("_plinth_search:{}:", index_name(relation, &index.name))
}

/// All indexes over vectors.
pub(crate) fn search_indexes(catalog: &Catalog) -> Result<Vec<SearchIndex>> {
    let mut all = Vec::new();
    for relation in &catalog.relations {
        let indexes = relation.table().into_iter().flat_map(|table| &table.indexes);
        for index in indexes.filter(|index| is_search(index)) {
            all.push(search_index(catalog, relation, index)?);
        }
    }
    Ok(all)
}

fn search_index(catalog: &Catalog, relation: &Relation, index: &Index) -> Result<SearchIndex> {
    let name = search_name(relation, index);
    let (table, rowid) = (quote_ident(&table_name(relation)), rowid(relation));
    let over = |alias: &str| -> Result<String> {
        let mut vectors = Vec::new();
        for key in &index.keys {
            let mut writer = Writer::definition(catalog, relation);
            let alias = alias.to_owned();
            writer.push(SourceId::ROW, Source::Table { alias, relation: relation.id, outer: false });
            vectors.push(format!("plinth_search_tokens({})", writer.expr(&key.expr)?));
        }
        Ok(vectors.join(", "))
    };
    let quoted = quote_ident(&name);
    let remove = format!("delete from {quoted} where rowid = old.{rowid};");
    let add = format!("insert into {quoted} (rowid, lexemes) values (new.{rowid}, {});", over("new")?);
    let trigger = |event: &str, body: String| {
        let trigger = format!("{name}{event}");
        let text =
            format!("CREATE TRIGGER {} after {event} on {table} begin {body} end", quote_ident(&trigger));
        (trigger, text)
    };
    Ok(SearchIndex {
        create: format!(
            "CREATE VIRTUAL TABLE {quoted} using fts5 \
             (lexemes, content = '', contentless_delete = 1, detail = 'none', tokenize = 'ascii')"
        ),
        fill: format!(
            "insert into {quoted} (rowid, lexemes) select t.{rowid}, {} from {table} as t",
            over("t")?
        ),
        triggers: vec![
            trigger("insert", add.clone()),
            trigger("update", format!("{remove} {add}")),
            trigger("delete", remove),
        ],
        name,
    })
}

impl Writer<'_> {
    /// For a condition `vector @@ query` on a table of this `from` that has an index over the vector: that the row is among those the
    /// index finds. True for every row that the condition is true for.
    pub(super) fn search_candidates(&mut self, condition: &Expr) -> Result<Option<String>> {
        let ExprKind::Call { builtin, args } = &condition.kind else { return Ok(None) };
        let (vector, query) = match (builtin.id, args.as_slice()) {
            ("tsvector_matches" | "tsvector_matches_old", [vector, query])
            | ("tsquery_matches" | "tsquery_matches_old", [query, vector]) => (vector, query),
            _ => return Ok(None),
        };
        // A query that differs by row would be looked up for each.
        let mut varies = false;
        walk::expr(query, &mut |e| {
            varies |= match &e.kind {
                ExprKind::Column { source, .. } => self.source(*source).is_some(),
                ExprKind::Scalar(_) | ExprKind::ArrayQuery(_) | ExprKind::UserCall { .. } => true,
                _ => false,
            };
        });
        let mut sources = Vec::new();
        walk::expr(vector, &mut |e| {
            if let ExprKind::Column { source, .. } = e.kind {
                sources.push(source);
            }
        });
        sources.dedup();
        let ([source], false) = (sources.as_slice(), varies) else { return Ok(None) };
        let is_here = self.scope.iter().skip(self.from_start).any(|(id, _)| id == source);
        let Some(Source::Table { alias, relation, outer: false }) = self.source(*source).cloned() else {
            return Ok(None);
        };
        let catalog = self.catalog;
        let Some(relation) = catalog.relations.get(relation.0 as usize).filter(|_| is_here) else {
            return Ok(None);
        };
        let mut indexes = relation.table().into_iter().flat_map(|table| &table.indexes);
        let serves = |index: &&Index| {
            is_search(index) && index.keys.iter().any(|key| same(&key.expr, vector, *source))
        };
        let Some(index) = indexes.find(serves) else { return Ok(None) };
        let name = quote_ident(&search_name(relation, index));
        let (table, rowid) = (quote_ident(&table_name(relation)), rowid(relation));
        let asked = format!("plinth_search_match({})", self.expr(query)?);
        let nothing = string(NOTHING)?;
        Ok(Some(format!(
            "{alias}.{rowid} in (select rowid from {name} where {name} match coalesce({asked}, {nothing}) \
             union all select {rowid} from {table} where {asked} is null)"
        )))
    }
}

/// Whether an expression over an index's row is this one over a source. Only forms that such indexes are made of are compared; of
/// others nothing is claimed.
fn same(key: &Expr, expr: &Expr, source: SourceId) -> bool {
    if key.ty != expr.ty {
        return false;
    }
    let all = |a: &[Expr], b: &[Expr]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, source));
    match (&key.kind, &expr.kind) {
        (ExprKind::Literal(a), ExprKind::Literal(b)) => a == b,
        (
            ExprKind::Column { source: SourceId::ROW, column: a },
            ExprKind::Column { source: found, column: b },
        ) => a == b && *found == source,
        (ExprKind::Coalesce(a), ExprKind::Coalesce(b)) => all(a, b),
        (
            ExprKind::Cast { expr: a, modifier: a_modifier, explicit: _ },
            ExprKind::Cast { expr: b, modifier: b_modifier, explicit: _ },
        ) => a_modifier == b_modifier && same(a, b, source),
        (ExprKind::Call { builtin: a, args: a_args }, ExprKind::Call { builtin: b, args: b_args }) => {
            let after = a_args.get(1..).unwrap_or_default();
            (a.id == b.id && all(a_args, b_args)) || (is_default(a, a_args, b) && all(after, b_args))
        }
        _ => false,
    }
}

/// Whether `short` is the function `long` with the configuration left out, which `long` is given.
fn is_default(long: &Builtin, args: &[Expr], short: &Builtin) -> bool {
    let config = args.first().map(|arg| &arg.kind);
    let is_named = matches!(config, Some(ExprKind::Literal(Value::Text(name))) if name == DEFAULT.name());
    is_named && short.id.strip_suffix("_default") == Some(long.id)
}
