//! Foreign keys. Inside a transaction SQLite only counts the references that lead nowhere; here the count is looked at when a
//! statement ends, which is when PostgreSQL checks, and the constraint that it is about is found. So one job's violation is its
//! own, and never the commit's.

use plinth_catalog::expr::{
    CompareOp, Distinct, Expr, ExprKind, FromItem, Query, QueryBody, Select, SourceId,
};
use plinth_catalog::{Action, ForeignKey, Relation};
use plinth_engine::EngineError;
use plinth_values::{Type, Value};
use rusqlite::{Connection, ffi};

use super::{Work, column, text_of, update, violation};
use crate::error::{engine_error, sql_error};
use crate::sql::{self, Rows};
use crate::statement::{Failure, Scope, execute};

/// Cascades followed while looking for the constraint that was violated.
const MAX_CASCADES: usize = 8;

/// Rows looked at in each table while looking for it.
const MAX_ROWS: usize = 1000;

/// What an update or delete does to rows that others may refer to.
pub(super) struct Change<'c> {
    pub(super) relation: &'c Relation,
    /// The rows, as they are called before
    pub(super) rowids: &'c [i64],
    /// The assignments; `None` when the rows go
    pub(super) set: Option<&'c [(usize, Expr)]>,
    pub(super) scope: &'c Scope<'c>,
}

/// The state before a statement, which tells afterwards who referred to its rows.
pub(super) struct Savepoint(());

/// The key of a row and who it is about.
struct Violation<'v> {
    key: &'v ForeignKey,
    /// The table that holds the foreign key
    child: &'v Relation,
    /// The referenced values
    values: Vec<Value>,
}

/// References that lead nowhere at the moment.
#[allow(unsafe_code, reason = "SQLite tells this nowhere else, and the wrapper has no function for it")]
fn outstanding(connection: &Connection) -> bool {
    let (mut current, mut highest) = (0, 0);
    // SAFETY: the handle is that of a connection that is borrowed for the whole call, and both pointers are to live integers.
    let code = unsafe {
        ffi::sqlite3_db_status(
            connection.handle(),
            ffi::SQLITE_DBSTATUS_DEFERRED_FKS,
            &mut current,
            &mut highest,
            0,
        )
    };
    code != ffi::SQLITE_OK || current != 0
}

impl<'c> Change<'c> {
    /// Keeps the state before the statement, when anything refers to the columns that change.
    pub(super) fn savepoint(&self, work: &Work<'_>) -> Result<Option<Savepoint>, EngineError> {
        if !work.catalog.relations.iter().any(|child| self.references(child).next().is_some()) {
            return Ok(None);
        }
        execute(&work.database.connection, "savepoint statement").map_err(engine_error)?;
        Ok(Some(Savepoint(())))
    }

    /// A table's foreign keys to what changes.
    fn references<'r>(&'r self, child: &'r Relation) -> impl Iterator<Item = &'r ForeignKey> {
        let keys = child.table().map(|table| table.foreign_keys.as_slice()).unwrap_or_default();
        keys.iter().filter(|key| {
            key.references == self.relation.id
                && self.set.is_none_or(|set| set.iter().any(|(column, _)| key.referenced.contains(column)))
        })
    }
}

/// The end of an insert.
pub(super) fn settle_inserted(
    work: &Work<'_>,
    relation: &Relation,
    rowids: &[i64],
) -> Result<(), EngineError> {
    if !outstanding(&work.database.connection) {
        return Ok(());
    }
    if let Some(violation) = missing_parent(work, relation, rowids)? {
        return Err(violation.of_child(work));
    }
    // An upsert may also have changed a key that others refer to.
    anywhere(work, |child, key| key.references == relation.id || child.id == relation.id)
}

/// The end of an update or delete.
pub(super) fn settle(
    work: &Work<'_>,
    change: &Change<'_>,
    savepoint: Option<Savepoint>,
    result: Result<Vec<i64>, Failure>,
) -> Result<Vec<i64>, EngineError> {
    let connection = &work.database.connection;
    let roll_back = |savepoint: &Option<Savepoint>| match savepoint {
        Some(Savepoint(())) => execute(connection, "rollback to statement").map_err(engine_error),
        None => Ok(()),
    };
    let written = match result {
        Ok(written) => written,
        Err(failure) if !violation::is_foreign_key(&failure) => return Err(failure.into()),
        Err(failure) => {
            roll_back(&savepoint)?;
            return explain_restricted(work, change, Err(failure));
        }
    };
    if outstanding(connection) {
        if let Some(violation) = missing_parent(work, change.relation, &written)? {
            return Err(violation.of_child(work));
        }
        if !(work.more_follows.get() && has_deferred(work, change.relation)) {
            roll_back(&savepoint)?;
            return Err(explain_referenced(work, change)?);
        }
    }
    if savepoint.is_some() {
        execute(connection, "release statement").map_err(engine_error)?;
    }
    Ok(written)
}

/// The end of several statements that belong together, of a function or of a load: all constraints hold now.
pub(crate) fn settle_deferred(work: &Work<'_>) -> Result<(), EngineError> {
    if outstanding(&work.database.connection) { anywhere(work, |_, _| true) } else { Ok(()) }
}

/// Explains a statement that SQLite ended at once because of `on delete restrict`. It has left no trace.
pub(super) fn explain_restricted(
    work: &Work<'_>,
    change: &Change<'_>,
    result: Result<Vec<i64>, Failure>,
) -> Result<Vec<i64>, EngineError> {
    match result {
        Err(failure) if violation::is_foreign_key(&failure) => Err(explain_referenced(work, change)?),
        Err(failure) => Err(failure.into()),
        Ok(written) => Ok(written),
    }
}

fn has_deferred(work: &Work<'_>, relation: &Relation) -> bool {
    work.catalog.relations.iter().any(|child| {
        let keys = child.table().map(|table| table.foreign_keys.as_slice()).unwrap_or_default();
        keys.iter().any(|key| key.deferred && (key.references == relation.id || child.id == relation.id))
    })
}

/// A row that refers to nothing, among rows just written.
fn missing_parent<'v>(
    work: &'v Work<'_>,
    relation: &'v Relation,
    rowids: &[i64],
) -> Result<Option<Violation<'v>>, EngineError> {
    let keys = relation.table().map(|table| table.foreign_keys.as_slice()).unwrap_or_default();
    for key in keys.iter().filter(|key| !(key.deferred && work.more_follows.get())) {
        let columns = key.columns.iter().map(|index| column(relation, *index)).collect();
        let rows = work.select(relation, rowids, columns, Some(dangling(work, relation, key)?))?;
        if let Some(values) = rows.into_iter().next() {
            return Ok(Some(Violation { key, child: relation, values }));
        }
    }
    Ok(None)
}

/// Whether a row's reference leads nowhere: no part of it is null, and there is no such row.
fn dangling(work: &Work<'_>, child: &Relation, key: &ForeignKey) -> Result<Expr, EngineError> {
    let parent = work.relation(key.references)?;
    let source = SourceId::fresh();
    let mut conditions: Vec<Expr> = Vec::new();
    let mut equal = Vec::new();
    for (own, referenced) in key.columns.iter().zip(&key.referenced) {
        let own = column(child, *own);
        let ty = parent.columns.get(*referenced).map_or(Type::Unknown, |column| column.ty.clone());
        conditions.push(Expr::boolean(ExprKind::IsNull { expr: Box::new(own.clone()), negated: true }));
        equal.push(Expr::compare(CompareOp::Eq, Expr::column(source, *referenced, ty), own));
    }
    let select = Select {
        distinct: Distinct::No,
        projection: vec![Expr::bool(true)],
        from: Some(FromItem::Relation { id: source, relation: parent.id, security: None }),
        filter: Some(Expr::and(equal)),
        group_by: Vec::new(),
        grouped: false,
        having: None,
    };
    let query = Query {
        with: Vec::new(),
        body: QueryBody::Select(Box::new(select)),
        order: Vec::new(),
        limit: None,
        offset: None,
        columns: vec![("exists".into(), Type::Bool)],
        output: SourceId::fresh(),
    };
    conditions.push(Expr::boolean(ExprKind::Exists { query: Box::new(query), negated: true }));
    Ok(Expr::and(conditions))
}

/// The refusal of a change to rows that others refer to; the state is that before the change.
fn explain_referenced(work: &Work<'_>, change: &Change<'_>) -> Result<EngineError, EngineError> {
    for rowid in change.rowids.iter().take(MAX_ROWS) {
        if let Some(found) = referring(work, change, *rowid, 0)? {
            return Ok(found);
        }
    }
    let message = format!(
        "update or delete on table \"{}\" violates a foreign key constraint",
        change.relation.name.name
    );
    Ok(sql_error("23503", message, None))
}

/// Looks for a row that refers to one that goes or changes its key, through cascades.
fn referring(
    work: &Work<'_>,
    change: &Change<'_>,
    rowid: i64,
    depth: usize,
) -> Result<Option<EngineError>, EngineError> {
    if depth > MAX_CASCADES {
        return Ok(None);
    }
    let parent = change.relation;
    let before = work.row(parent, rowid)?;
    let after = match change.set {
        Some(set) => Some(update::changed_row(work, parent, set, rowid, change.scope)?),
        None => None,
    };
    for child in &work.catalog.relations {
        for key in change.references(child) {
            let of = |row: &[Value]| -> Vec<Value> {
                key.referenced.iter().filter_map(|index| row.get(*index).cloned()).collect()
            };
            let values = of(&before);
            if values.iter().any(Value::is_null) || after.as_deref().is_some_and(|after| of(after) == values)
            {
                continue;
            }
            let mut rows = rows_with(work, child, key, &values)?;
            let action = if change.set.is_some() { key.on_update } else { key.on_delete };
            match action {
                Action::NoAction | Action::Restrict => {
                    if child.id == parent.id && action == Action::NoAction {
                        // Rows that go together may refer to each other.
                        rows.retain(|row| !change.rowids.contains(row));
                    }
                    if !rows.is_empty() {
                        let violation = Violation { key, child, values };
                        return Ok(Some(violation.of_parent(work, parent)));
                    }
                }
                Action::Cascade if change.set.is_none() => {
                    rows.truncate(MAX_ROWS);
                    let next = Change { relation: child, rowids: &rows, set: None, scope: change.scope };
                    for row in &rows {
                        if let Some(found) = referring(work, &next, *row, depth + 1)? {
                            return Ok(Some(found));
                        }
                    }
                }
                Action::Cascade | Action::SetNull | Action::SetDefault => {}
            }
        }
    }
    Ok(None)
}

/// The rows of a table whose foreign key has these values.
fn rows_with(
    work: &Work<'_>,
    child: &Relation,
    key: &ForeignKey,
    values: &[Value],
) -> Result<Vec<i64>, EngineError> {
    let equal = key.columns.iter().zip(values).map(|(index, value)| {
        let own = column(child, *index);
        let value = Expr::literal(value.clone(), own.ty.clone());
        Expr::compare(CompareOp::Eq, own, value)
    });
    let filter = Expr::and(equal);
    let mut find = work.prepare(sql::select_rowids(work.catalog, child, Rows::Where(Some(&filter)))?)?;
    Ok(work.reading(|| find.ids(&work.scope()))?)
}

/// Looks through whole tables for a reference that leads nowhere. There is one.
fn anywhere(work: &Work<'_>, wanted: impl Fn(&Relation, &ForeignKey) -> bool) -> Result<(), EngineError> {
    let mut deferred = false;
    for child in &work.catalog.relations {
        let keys = child.table().map(|table| table.foreign_keys.as_slice()).unwrap_or_default();
        for key in keys.iter().filter(|key| wanted(child, key)) {
            if key.deferred && work.more_follows.get() {
                deferred = true;
                continue;
            }
            let filter = dangling(work, child, key)?;
            let mut find =
                work.prepare(sql::select_rowids(work.catalog, child, Rows::Where(Some(&filter)))?)?;
            let found = work.reading(|| find.ids(&work.scope()))?;
            if let Some(rowid) = found.first() {
                let columns = key.columns.iter().map(|index| column(child, *index)).collect();
                let values =
                    work.select(child, &[*rowid], columns, None)?.into_iter().next().unwrap_or_default();
                return Err(Violation { key, child, values }.of_child(work));
            }
        }
    }
    if deferred { Ok(()) } else { Err(sql_error("23503", "a foreign key constraint is violated", None)) }
}

impl Violation<'_> {
    /// A row refers to one that is not there.
    fn of_child(&self, work: &Work<'_>) -> EngineError {
        let message = format!(
            "insert or update on table \"{}\" violates foreign key constraint \"{}\"",
            self.child.name.name, self.key.name
        );
        let parent =
            work.relation(self.key.references).map(|parent| parent.name.name.as_str()).unwrap_or_default();
        let detail = match violation::can_see(work, self.child, &self.key.columns) {
            true => format!(
                "Key {} is not present in table \"{parent}\".",
                self.described(work, self.child, &self.key.columns)
            ),
            false => format!("Key is not present in table \"{parent}\"."),
        };
        sql_error("23503", message, Some(detail))
    }

    /// A row that others refer to goes, or changes its key.
    fn of_parent(&self, work: &Work<'_>, parent: &Relation) -> EngineError {
        let message = format!(
            "update or delete on table \"{}\" violates foreign key constraint \"{}\" on table \"{}\"",
            parent.name.name, self.key.name, self.child.name.name
        );
        let detail = match violation::can_see(work, parent, &self.key.referenced) {
            true => format!(
                "Key {} is still referenced from table \"{}\".",
                self.described(work, parent, &self.key.referenced),
                self.child.name.name
            ),
            false => format!("Key is still referenced from table \"{}\".", self.child.name.name),
        };
        sql_error("23503", message, Some(detail))
    }

    /// `(a, b)=(1, x)`
    fn described(&self, work: &Work<'_>, relation: &Relation, columns: &[usize]) -> String {
        let columns: Vec<_> = columns.iter().filter_map(|index| relation.columns.get(*index)).collect();
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let values = columns.iter().zip(&self.values);
        let values: Vec<String> =
            values.map(|(column, value)| text_of(&column.ty, value.as_ref(), work)).collect();
        format!("({})=({})", names.join(", "), values.join(", "))
    }
}
