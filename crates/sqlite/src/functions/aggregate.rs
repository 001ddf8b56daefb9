//! The aggregates of `plinth_values`: `plinth_<id>` over groups, `plinth_<id>__distinct` where only one of equal rows counts, and
//! `plinth_<id>__window` over window frames. The first argument always names the types of the others.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;

use plinth_values::builtin::{self, Accumulator, Builtin, Kind, Volatility};
use plinth_values::compare::compare;
use plinth_values::{Type, Value, ValueRef};
use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context, WindowAggregate};
use rusqlite::types::ToSqlOutput;

use super::scalar::flags;
use super::session::{SharedSession, refuse};
use super::tag::EnumTypes;
use super::transport::{argument, arguments, defect, result};

type Output = rusqlite::Result<ToSqlOutput<'static>>;

pub(super) fn register(
    connection: &Connection,
    enums: &EnumTypes,
    session: &SharedSession,
) -> rusqlite::Result<()> {
    let constant = flags(Volatility::Immutable);
    for builtin in builtin::all().filter(|builtin| builtin.kind == Kind::Aggregate) {
        let grouped = |rows| Grouped { builtin, rows, enums: enums.clone(), session: session.clone() };
        let name = format!("plinth_{}", builtin.id);
        connection.create_aggregate_function(
            format!("{name}__distinct").as_str(),
            -1,
            constant,
            grouped(Rows::Sorted),
        )?;
        let ordered = format!("{name}__distinct_ordered");
        connection.create_aggregate_function(ordered.as_str(), -1, constant, grouped(Rows::Adjacent))?;
        connection.create_window_function(
            format!("{name}__window").as_str(),
            -1,
            constant,
            Windowed(grouped(Rows::All)),
        )?;
        connection.create_aggregate_function(name.as_str(), -1, constant, grouped(Rows::All))?;
    }
    Ok(())
}

/// Which rows an aggregate takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rows {
    /// All
    All,
    /// One of each kind of equal rows, in ascending order, as PostgreSQL does it
    Sorted,
    /// One of each kind of equal rows, which come in the order that was asked for
    Adjacent,
}

/// An aggregate over groups.
struct Grouped {
    builtin: &'static Builtin,
    rows: Rows,
    enums: EnumTypes,
    session: SharedSession,
}

/// The state of one group. An accumulator that has panicked is not used again, so unwinding cannot leave it half done.
struct Group {
    types: Vec<Type>,
    accumulator: AssertUnwindSafe<Box<dyn Accumulator>>,
    kept: VecDeque<Vec<Value>>,
    /// Whether rows have left the window frame that the accumulator has taken
    stale: bool,
}

impl Grouped {
    fn accumulator(&self, types: &[Type]) -> rusqlite::Result<AssertUnwindSafe<Box<dyn Accumulator>>> {
        let fresh = self.session.run(|session| Ok(builtin::accumulator(self.builtin.id, types, session)))?;
        fresh.map(AssertUnwindSafe).ok_or_else(|| refuse(defect("an aggregate does not exist")))
    }

    fn start(&self, context: &Context<'_>) -> rusqlite::Result<Group> {
        let types = match argument(context, 0)? {
            ValueRef::Text(tag) => self.enums.types(tag),
            _ => None,
        };
        let types = types.ok_or_else(|| refuse(defect("an aggregate is not told its types")))?;
        Ok(Group { accumulator: self.accumulator(&types)?, types, kept: VecDeque::new(), stale: false })
    }

    fn take(&self, group: &mut Group, args: &[ValueRef<'_>]) -> rusqlite::Result<()> {
        group.accumulator.step(args).map_err(refuse)
    }

    /// Takes the kept rows, without those that equal the one before.
    fn take_kept(&self, group: &mut Group) -> rusqlite::Result<()> {
        let mut kept: Vec<Vec<Value>> = std::mem::take(&mut group.kept).into();
        let types = std::mem::take(&mut group.types);
        if self.rows == Rows::Sorted {
            kept.sort_by(|a, b| compare_rows(&types, a, b));
        }
        kept.dedup_by(|a, b| compare_rows(&types, a, b) == Ordering::Equal);
        for row in &kept {
            let args: Vec<ValueRef<'_>> = row.iter().map(Value::as_ref).collect();
            self.take(group, &args)?;
        }
        group.types = types;
        Ok(())
    }

    /// The aggregate of no rows.
    fn nothing(&self) -> Output {
        let types: Vec<Type> =
            self.builtin.args.iter().map(|arg| arg.concrete().unwrap_or(Type::Text)).collect();
        self.accumulator(&types)?.finish().map(result).map_err(refuse)
    }
}

/// Nulls last, as in an ascending order.
fn compare_rows(types: &[Type], a: &[Value], b: &[Value]) -> Ordering {
    let mut order = Ordering::Equal;
    for (ty, (a, b)) in types.iter().zip(a.iter().zip(b)) {
        order = order.then_with(|| match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (a_null, b_null) if a_null != b_null => a_null.cmp(&b_null),
            _ => compare(ty, a.as_ref(), b.as_ref()),
        });
    }
    order
}

fn owned(args: &[ValueRef<'_>]) -> Vec<Value> {
    args.iter().map(|arg| ValueRef::to_owned(*arg)).collect()
}

impl Aggregate<Group, ToSqlOutput<'static>> for Grouped {
    fn init(&self, context: &mut Context<'_>) -> rusqlite::Result<Group> {
        self.start(context)
    }

    fn step(&self, context: &mut Context<'_>, group: &mut Group) -> rusqlite::Result<()> {
        let args = arguments(context, 1)?;
        if self.rows == Rows::All {
            return self.take(group, &args);
        }
        group.kept.push_back(owned(&args));
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, group: Option<Group>) -> Output {
        let Some(mut group) = group else { return self.nothing() };
        if self.rows != Rows::All {
            self.take_kept(&mut group)?;
        }
        group.accumulator.finish().map(result).map_err(refuse)
    }
}

/// An aggregate over window frames. An accumulator cannot give a row back, so when the frame's start has moved, the rows still in it
/// are taken again.
struct Windowed(Grouped);

impl Windowed {
    fn current(&self, group: &mut Group) -> Output {
        if std::mem::take(&mut group.stale) {
            group.accumulator = self.0.accumulator(&group.types)?;
            let kept = std::mem::take(&mut group.kept);
            for row in &kept {
                let args: Vec<ValueRef<'_>> = row.iter().map(Value::as_ref).collect();
                self.0.take(group, &args)?;
            }
            group.kept = kept;
        }
        group.accumulator.finish().map(result).map_err(refuse)
    }
}

impl Aggregate<Group, ToSqlOutput<'static>> for Windowed {
    fn init(&self, context: &mut Context<'_>) -> rusqlite::Result<Group> {
        self.0.start(context)
    }

    fn step(&self, context: &mut Context<'_>, group: &mut Group) -> rusqlite::Result<()> {
        let args = arguments(context, 1)?;
        group.kept.push_back(owned(&args));
        if group.stale { Ok(()) } else { self.0.take(group, &args) }
    }

    fn finalize(&self, _: &mut Context<'_>, group: Option<Group>) -> Output {
        group.map_or_else(|| self.0.nothing(), |mut group| self.current(&mut group))
    }
}

impl WindowAggregate<Group, ToSqlOutput<'static>> for Windowed {
    fn value(&self, group: Option<&mut Group>) -> Output {
        group.map_or_else(|| self.0.nothing(), |group| self.current(group))
    }

    fn inverse(&self, _: &mut Context<'_>, group: &mut Group) -> rusqlite::Result<()> {
        group.kept.pop_front();
        group.stale = true;
        Ok(())
    }
}
