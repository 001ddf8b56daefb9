//! Reading: a tree of nodes as a tree of statements, each inner one run once per row of the one around it, every value going
//! straight from SQLite to the sink. Not responsible for where this runs, nor for transactions of writes.

use std::sync::Arc;
use std::time::Instant;

use plinth_catalog::Catalog;
use plinth_catalog::expr::{Query, SourceId};
use plinth_engine::{Columns, Edges, EngineError, RowSink};
use plinth_query::Plan;
use plinth_query::plan::{Field, Node, PlannedAction, PlannedStatement};
use plinth_values::{Session, Type};
use rusqlite::{CachedStatement, Connection, Row};

use crate::error::internal;
use crate::interrupt::Interrupt;
use crate::sql::{self, NodeSql, Param, Sql};
use crate::statement::{Failure, Prepared, Scope, bind, column, execute};

/// A read that is limited to so many rows is answered as a whole.
const PAGE_ROWS: u64 = 1000;

/// A plan that only reads, compiled. It depends on the plan's shape alone, not on its values.
#[derive(Debug)]
pub(crate) struct CompiledRead {
    shape: u64,
    before: Vec<Sql>,
    root: CompiledNode,
    count: Option<Sql>,
    /// How many rows match, whether that was asked for or not; only of reads that may have so many that they are handed on in parts
    matching: Option<Sql>,
    /// The root's limit and offset, which may already tell how many rows there are
    limit: Option<u64>,
    offset: u64,
    /// How the root is a page told by a row
    page: Option<Page>,
}

/// Where the parts of a page told by a row are in its statement's rows.
#[derive(Debug)]
struct Page {
    backwards: bool,
    /// The order's keys
    keys: std::ops::Range<usize>,
}

/// A node, compiled.
#[derive(Debug)]
pub(crate) struct CompiledNode {
    text: String,
    params: Vec<NodeParam>,
    fields: Vec<CompiledField>,
    children: Vec<CompiledNode>,
}

/// What a node's parameter stands for.
#[derive(Debug)]
enum NodeParam {
    /// A column of the current row of a node further out
    Outer {
        /// How many nodes further out; 1 is the next one
        up: usize,
        /// The position in its statement's row
        position: usize,
    },
    /// Anything else
    Given(Param),
}

#[derive(Debug)]
enum CompiledField {
    Value { name: String, ty: Type, position: usize },
    Embed { name: String, to_one: bool, child: usize },
    Spread { to_one: bool, child: usize },
}

/// What reading gave, beside what the sink took.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Read {
    /// Rows of the root
    pub(crate) rows: u64,
    /// All rows that match, when they were to be counted
    pub(crate) total: Option<u64>,
    /// The ends of a page told by a row
    pub(crate) edges: Option<Edges>,
}

/// A plan that only reads, compiled: by an earlier plan of its shape, or now.
pub(crate) fn compiled(catalog: &Catalog, plan: &Plan) -> Result<Arc<CompiledRead>, EngineError> {
    plan.compiled.get_or_make(|| compile(catalog, &plan.action, plan.count.is_some()))
}

#[cfg(test)]
impl CompiledRead {
    /// The text of every statement.
    pub(crate) fn texts(&self) -> Vec<String> {
        fn add(node: &CompiledNode, all: &mut Vec<String>) {
            all.push(node.text.clone());
            node.children.iter().for_each(|child| add(child, all));
        }
        let mut all: Vec<String> =
            self.before.iter().chain(&self.count).map(|sql| sql.text.clone()).collect();
        add(&self.root, &mut all);
        all
    }
}

/// Compiles an action that only reads.
fn compile(catalog: &Catalog, action: &PlannedAction, count: bool) -> Result<CompiledRead, EngineError> {
    let (before, node): (Vec<&Query>, &Node) = match action {
        PlannedAction::Read(node) => (Vec::new(), node),
        PlannedAction::Call(call) => {
            let queries = call.before.iter().filter_map(|statement| match statement {
                PlannedStatement::Query(query) => Some(query),
                _ => None,
            });
            (queries.collect(), &call.result)
        }
        _ => return Err(internal("a write was given to a reader")),
    };
    let own = sql::node(catalog, node)?;
    // Something is always selected.
    let keys = (own.values + own.outer.len()).max(1);
    let count = if count { Some(sql::count(catalog, node)?) } else { None };
    // Of a page, what stands at its edges is told before its rows; it is never large.
    let is_page = node.keyset.is_some() || node.limit.is_some_and(|limit| limit <= PAGE_ROWS);
    let matching = if is_page { None } else { count.clone().or_else(|| sql::count(catalog, node).ok()) };
    let mut compiled = CompiledRead {
        shape: 0,
        before: before.into_iter().map(|query| sql::query(catalog, query)).collect::<Result<_, _>>()?,
        page: node
            .keyset
            .as_ref()
            .map(|keyset| Page { backwards: keyset.backwards, keys: keys..keys + node.order.len() }),
        root: assemble(catalog, node, own, &mut Vec::new())?,
        count,
        matching,
        limit: node.limit,
        offset: node.offset,
    };
    compiled.shape = shape(&compiled);
    Ok(compiled)
}

impl CompiledRead {
    /// The same for plans of the same shape.
    pub(crate) fn shape(&self) -> u64 {
        self.shape
    }
}

fn shape(read: &CompiledRead) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    fn add(node: &CompiledNode, hasher: &mut DefaultHasher) {
        node.text.hash(hasher);
        node.children.iter().for_each(|child| add(child, hasher));
    }
    let mut hasher = DefaultHasher::new();
    read.before.iter().for_each(|sql| sql.text.hash(&mut hasher));
    add(&read.root, &mut hasher);
    read.count.is_some().hash(&mut hasher);
    hasher.finish()
}

/// Compiles the rows of a node and of the nodes below it.
pub(crate) fn compile_node(catalog: &Catalog, node: &Node) -> Result<CompiledNode, EngineError> {
    assemble(catalog, node, sql::node(catalog, node)?, &mut Vec::new())
}

/// Compiles a node over the rows just written.
pub(crate) fn compile_returning(catalog: &Catalog, node: &Node) -> Result<CompiledNode, EngineError> {
    assemble(catalog, node, sql::returning(catalog, node)?, &mut Vec::new())
}

/// The columns that each node further out offers to inner ones, and where in its row they begin.
type Offered = (usize, Vec<(SourceId, usize)>);

fn assemble(
    catalog: &Catalog,
    node: &Node,
    own: NodeSql,
    around: &mut Vec<Offered>,
) -> Result<CompiledNode, EngineError> {
    let mut params = Vec::with_capacity(own.sql.params.len());
    for param in own.sql.params {
        params.push(match param {
            Param::Outer { source, column } => outer_param(around, source, column)?,
            param => NodeParam::Given(param),
        });
    }
    around.push((own.values, own.outer));
    let mut fields = Vec::with_capacity(node.fields.len());
    let mut children = Vec::new();
    let mut position = 0;
    for field in &node.fields {
        let child = children.len();
        let (field, inner) = match field {
            Field::Value { name, expr } => {
                position += 1;
                (
                    CompiledField::Value { name: name.clone(), ty: expr.ty.clone(), position: position - 1 },
                    None,
                )
            }
            Field::Embed { name, to_one, node } => {
                (CompiledField::Embed { name: name.clone(), to_one: *to_one, child }, Some(node))
            }
            Field::Spread { to_one, node } => (CompiledField::Spread { to_one: *to_one, child }, Some(node)),
        };
        fields.push(field);
        if let Some(inner) = inner {
            children.push(assemble(catalog, inner, sql::node(catalog, inner)?, around)?);
        }
    }
    around.pop();
    Ok(CompiledNode { text: own.sql.text, params, fields, children })
}

fn outer_param(around: &[Offered], source: SourceId, column: usize) -> Result<NodeParam, EngineError> {
    for (up, (values, offered)) in around.iter().rev().enumerate() {
        if let Some(at) = offered.iter().position(|known| *known == (source, column)) {
            return Ok(NodeParam::Outer { up: up + 1, position: values + at });
        }
    }
    Err(internal("an inner node refers to a source that no outer node has"))
}

/// What a run needs beside its statements.
pub(crate) struct Run<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) scope: Scope<'a>,
    pub(crate) max_bytes: usize,
    /// Where the rows of the root may be handed on in parts: only where the thread may wait
    pub(crate) parts: Option<PartsOf<'a>>,
}

/// A read whose rows may be handed on in parts.
#[derive(Clone, Copy)]
pub(crate) struct PartsOf<'a> {
    pub(crate) read: &'a CompiledRead,
    pub(crate) interrupt: &'a Interrupt,
}

/// Runs a compiled read in a transaction of its own where it has more than one statement at its root.
pub(crate) fn run(run: &Run<'_>, read: &CompiledRead, sink: &mut dyn RowSink) -> Result<Read, EngineError> {
    // While the root's statement runs, those below it see the same state of the file. Others need a transaction around them.
    let several = read.count.is_some() || !read.before.is_empty();
    let _transaction = if several { ReadTransaction::begin(run.connection)? } else { None };
    for sql in &read.before {
        Prepared::new(run.connection, sql.clone())?.each(&run.scope, |_| Ok(()))?;
    }
    let (rows, edges) = match &read.page {
        None => (run_node(run, &read.root, sink)?, None),
        Some(page) => run_page(run, read, page, sink)?,
    };
    let total = match &read.count {
        None => None,
        Some(_) if is_last_page(read, rows) => Some(read.offset.saturating_add(rows)),
        Some(count) => Some(counted(run, count)?),
    };
    Ok(Read { rows, total, edges })
}

impl PartsOf<'_> {
    /// How many rows there will be, and how many match when that was asked for: counted while the root's statement holds the state of
    /// the file that both see.
    fn expected(&self, run: &Run<'_>, matching: &Sql) -> Result<(u64, Option<u64>), Failure> {
        let CompiledRead { count, limit, offset, .. } = self.read;
        let all = counted(run, matching)?;
        let rows = all.saturating_sub(*offset).min(limit.unwrap_or(u64::MAX));
        Ok((rows, count.is_some().then_some(all)))
    }
}

fn counted(run: &Run<'_>, count: &Sql) -> Result<u64, Failure> {
    let mut total = 0i64;
    Prepared::new(run.connection, count.clone())?.each(&run.scope, |row| {
        total = row.get(0)?;
        Ok(())
    })?;
    Ok(u64::try_from(total).unwrap_or_default())
}

/// Whether the rows read are the last ones that match, so that their number tells how many there are.
fn is_last_page(read: &CompiledRead, rows: u64) -> bool {
    read.page.is_none() && read.limit.is_none_or(|limit| rows < limit) && (rows > 0 || read.offset == 0)
}

/// Runs a node; gives the number of its rows.
pub(crate) fn run_node(
    run: &Run<'_>,
    node: &CompiledNode,
    sink: &mut dyn RowSink,
) -> Result<u64, EngineError> {
    let mut names = Vec::new();
    leaf_names(node, &mut names);
    sink.header(&names);
    let mut prepared = prepare(run.connection, node)?;
    Ok(prepared.emit(run, None, sink)?)
}

/// Runs a root that is a page told by a row; gives the number of its rows, and its ends when it has any.
fn run_page(
    run: &Run<'_>,
    read: &CompiledRead,
    page: &Page,
    sink: &mut dyn RowSink,
) -> Result<(u64, Option<Edges>), EngineError> {
    let mut names = Vec::new();
    leaf_names(&read.root, &mut names);
    sink.header(&names);
    let mut prepared = prepare(run.connection, &read.root)?;
    Ok(prepared.emit_page(run, page, read.limit, sink)?)
}

/// The names of the fields that a row brings, spread ones included.
fn leaf_names<'n>(node: &'n CompiledNode, names: &mut Vec<&'n str>) {
    for field in &node.fields {
        match field {
            CompiledField::Value { name, .. } | CompiledField::Embed { name, .. } => names.push(name),
            CompiledField::Spread { child, .. } => {
                if let Some(child) = node.children.get(*child) {
                    leaf_names(child, names);
                }
            }
        }
    }
}

/// A node's statement and those below it, prepared once for all rows.
struct Running<'c, 'n> {
    node: &'n CompiledNode,
    statement: CachedStatement<'c>,
    children: Vec<Running<'c, 'n>>,
}

/// The current rows of the nodes further out.
struct Outer<'a> {
    row: &'a Row<'a>,
    around: Option<&'a Outer<'a>>,
}

fn prepare<'c, 'n>(connection: &'c Connection, node: &'n CompiledNode) -> Result<Running<'c, 'n>, Failure> {
    let statement = connection.prepare_cached(&node.text)?;
    let children = node.children.iter().map(|child| prepare(connection, child)).collect::<Result<_, _>>()?;
    Ok(Running { node, statement, children })
}

impl Running<'_, '_> {
    fn bind(&mut self, scope: &Scope<'_>, outer: Option<&Outer<'_>>) -> Result<(), Failure> {
        for (i, param) in self.node.params.iter().enumerate() {
            match param {
                NodeParam::Given(param) => scope.bind(&mut self.statement, i + 1, param)?,
                NodeParam::Outer { up, position } => {
                    let mut at = outer;
                    for _ in 1..*up {
                        at = at.and_then(|outer| outer.around);
                    }
                    let outer = at.ok_or_else(|| internal("an inner node was run without its outer one"))?;
                    bind(&mut self.statement, i + 1, outer.row.get_ref(*position)?)?;
                }
            }
        }
        Ok(())
    }

    /// All rows, as rows of the root or of the array begun last.
    fn emit(
        &mut self,
        run: &Run<'_>,
        outer: Option<&Outer<'_>>,
        sink: &mut dyn RowSink,
    ) -> Result<u64, Failure> {
        self.bind(&run.scope, outer)?;
        let Running { node, statement, children } = self;
        let mut rows = statement.raw_query();
        let mut count = 0;
        let mut expected = None;
        while let Some(row) = rows.next()? {
            sink.begin_row();
            emit_fields(run, node, children, &Outer { row, around: outer }, sink)?;
            sink.end_row();
            count += 1;
            if outer.is_none()
                && let Some(parts) = &run.parts
                && let Some(matching) = &parts.read.matching
                && sink.is_full()
            {
                let (rows, total) = match expected {
                    Some(known) => known,
                    None => *expected.insert(parts.expected(run, matching)?),
                };
                let started = Instant::now();
                sink.hand_on(rows, total)?;
                parts.interrupt.add_waited(started.elapsed());
            }
            if sink.len() > run.max_bytes {
                return Err(EngineError::ResponseTooLarge { limit: run.max_bytes as u64 }.into());
            }
        }
        Ok(count)
    }

    /// The rows of a page. One row more than it has may have been found, at its far end.
    fn emit_page(
        &mut self,
        run: &Run<'_>,
        page: &Page,
        limit: Option<u64>,
        sink: &mut dyn RowSink,
    ) -> Result<(u64, Option<Edges>), Failure> {
        self.bind(&run.scope, None)?;
        let Running { node, statement, children } = self;
        let mut rows = statement.raw_query();
        let (mut count, mut seen) = (0_u64, 0_u64);
        let mut edges = Edges::default();
        while let Some(row) = rows.next()? {
            seen += 1;
            if page.backwards && seen == 1 {
                let found = u64::try_from(row.get::<_, i64>(page.keys.end)?).unwrap_or_default();
                edges.more = limit.is_some_and(|limit| found > limit);
                if edges.more {
                    continue;
                }
            } else if !page.backwards && Some(count) == limit {
                edges.more = true;
                continue;
            }
            sink.begin_row();
            emit_fields(run, node, children, &Outer { row, around: None }, sink)?;
            sink.end_row();
            count += 1;
            if sink.len() > run.max_bytes {
                return Err(EngineError::ResponseTooLarge { limit: run.max_bytes as u64 }.into());
            }
            let keys = page.keys.clone().map(|key| Ok(column(row, key)?.to_owned()));
            edges.last = keys.collect::<Result<_, Failure>>()?;
            if count == 1 {
                edges.first.clone_from(&edges.last);
            }
        }
        Ok((count, (count > 0).then_some(edges)))
    }

    /// The first row, when there is one: as an object under a name, or as fields of the row begun last.
    fn emit_one(
        &mut self,
        run: &Run<'_>,
        outer: Option<&Outer<'_>>,
        name: Option<&str>,
        sink: &mut dyn RowSink,
    ) -> Result<(), Failure> {
        self.bind(&run.scope, outer)?;
        let Running { node, statement, children } = self;
        let mut rows = statement.raw_query();
        let Some(row) = rows.next()? else {
            match name {
                Some(name) => sink.null(name),
                None => emit_nulls(node, sink),
            }
            return Ok(());
        };
        if let Some(name) = name {
            sink.begin_object(name);
        }
        emit_fields(run, node, children, &Outer { row, around: outer }, sink)?;
        if name.is_some() {
            sink.end_object();
        }
        Ok(())
    }
}

fn emit_fields(
    run: &Run<'_>,
    node: &CompiledNode,
    children: &mut [Running<'_, '_>],
    here: &Outer<'_>,
    sink: &mut dyn RowSink,
) -> Result<(), Failure> {
    let session: &Session = &run.scope.caller.session;
    let lost = || internal("a field has no statement");
    for field in &node.fields {
        match field {
            CompiledField::Value { name, ty, position } => {
                sink.value(name, ty, column(here.row, *position)?, session);
            }
            CompiledField::Embed { name, to_one, child } => {
                let child = children.get_mut(*child).ok_or_else(lost)?;
                if *to_one {
                    child.emit_one(run, Some(here), Some(name), sink)?;
                } else {
                    sink.begin_array(name);
                    child.emit(run, Some(here), sink)?;
                    sink.end_array();
                }
            }
            CompiledField::Spread { to_one, child } => {
                let child = children.get_mut(*child).ok_or_else(lost)?;
                if *to_one {
                    child.emit_one(run, Some(here), None, sink)?;
                } else {
                    let mut names = Vec::new();
                    leaf_names(child.node, &mut names);
                    let mut columns = Columns::new(&names);
                    child.emit(run, Some(here), &mut columns)?;
                    columns.emit(sink, session);
                }
            }
        }
    }
    Ok(())
}

/// A spread without a related row: all its fields are null.
fn emit_nulls(node: &CompiledNode, sink: &mut dyn RowSink) {
    let mut names = Vec::new();
    leaf_names(node, &mut names);
    for name in names {
        sink.null(name);
    }
}

/// A transaction that only reads. It ends when dropped: one kept open would let the log grow.
pub(crate) struct ReadTransaction<'c>(&'c Connection);

impl<'c> ReadTransaction<'c> {
    /// Begins one, unless the connection is inside one already.
    pub(crate) fn begin(connection: &'c Connection) -> Result<Option<ReadTransaction<'c>>, Failure> {
        if !connection.is_autocommit() {
            return Ok(None);
        }
        execute(connection, "begin")?;
        Ok(Some(ReadTransaction(connection)))
    }
}

impl Drop for ReadTransaction<'_> {
    fn drop(&mut self) {
        if let Err(error) = execute(self.0, "rollback") {
            tracing::error!(%error, "a read transaction could not be ended");
        }
    }
}
