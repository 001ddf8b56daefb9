//! Plans as text: what becomes a parameter, where row security stands, and that equal plans give equal texts.

use plinth_catalog::Catalog;
use plinth_catalog::expr::{CompareOp, Expr, ExprKind, FromItem, Query, QueryBody, Select, SourceId};
use plinth_catalog::{parse_expr, parse_query};
use plinth_query::plan::{Field, Node};
use plinth_values::{Type, Value};
use rusqlite::Connection;

use super::super::{
    Param, Rows, Sql, check_update, count, delete, exprs, insert, node, query, returning, select_rowids,
    update,
};
use super::{Bound, catalog, database, run};

const SCHEMA: &str = "
create table parent (id bigint primary key, name text not null, rating numeric(4, 2));
create table child (
    id bigint primary key,
    parent_id bigint references parent (id),
    note text,
    price numeric(10, 2) not null,
    quantity integer not null,
    total numeric(12, 2) generated always as (price * quantity) stored
);
";

fn filled(catalog: &Catalog) -> Connection {
    let connection = database(catalog);
    connection
        .execute_batch(
            "insert into parent values (1, 'Ada', '4.50'), (2, 'Bob', '10.00'), (3, 'Cyd', null);
             insert into child (id, parent_id, note, price, quantity) values
                (1, 1, 'a', '1.00', 1), (2, 1, null, '2.50', 2), (3, 2, 'c', '10.00', 3), (4, null, 'd', '0.00', 0);",
        )
        .unwrap();
    connection
}

fn select(query: &Query) -> &Select {
    match &query.body {
        QueryBody::Select(select) => select,
        _ => panic!("not a select"),
    }
}

/// A node that gives what a query gives.
fn as_node(query: &Query) -> Node {
    let select = select(query);
    let values = query.columns.iter().zip(&select.projection);
    Node {
        filter: select.filter.clone(),
        group_by: select.group_by.clone(),
        grouped: select.grouped,
        having: select.having.clone(),
        order: query.order.clone(),
        fields: values
            .map(|((name, _), expr)| Field::Value { name: name.clone(), expr: expr.clone() })
            .collect(),
        ..Node::of(select.from.clone().unwrap())
    }
}

fn parsed(catalog: &Catalog, text: &str) -> Query {
    parse_query(catalog, &["public"], text).unwrap()
}

/// Puts row security on every table of a name in `from`.
fn secure(item: &mut FromItem, catalog: &Catalog, table: &str, condition: &dyn Fn(SourceId) -> Expr) {
    match item {
        FromItem::Relation { id, relation, security } if catalog.relation(*relation).name.name == table => {
            *security = Some(Box::new(condition(*id)));
        }
        FromItem::Join { left, right, .. } => {
            secure(left, catalog, table, condition);
            secure(right, catalog, table, condition);
        }
        FromItem::Query { query, .. } => {
            if let QueryBody::Select(select) = &mut query.body
                && let Some(from) = &mut select.from
            {
                secure(from, catalog, table, condition);
            }
        }
        _ => {}
    }
}

/// `id < 3`
fn first_two(id: SourceId) -> Expr {
    Expr::compare(CompareOp::Lt, Expr::column(id, 0, Type::Int8), Expr::literal(Value::Int(3), Type::Int8))
}

fn ints(rows: Vec<Vec<Value>>) -> Vec<Vec<i64>> {
    let int = |value: Value| match value {
        Value::Int(i) => i,
        Value::Null => -1,
        other => panic!("{other:?}"),
    };
    rows.into_iter().map(|row| row.into_iter().map(int).collect()).collect()
}

#[test]
fn a_node_gives_its_values_and_what_inner_nodes_need() {
    let catalog = catalog(SCHEMA);
    let connection = filled(&catalog);
    let mut outer =
        as_node(&parsed(&catalog, "select name from parent where rating > 1 order by rating desc"));
    let mut inner = as_node(&parsed(&catalog, "select note from child order by id"));
    let (FromItem::Relation { id: parent, .. }, FromItem::Relation { id: child, .. }) =
        (&outer.from, &inner.from)
    else {
        panic!("not tables")
    };
    let (parent, child) = (*parent, *child);
    inner.filter = Some(Expr::compare(
        CompareOp::Eq,
        Expr::column(child, 1, Type::Int8),
        Expr::column(parent, 0, Type::Int8),
    ));
    outer.fields.push(Field::Embed { name: "child".into(), to_one: false, node: Box::new(inner.clone()) });
    outer.limit = Some(10);
    outer.offset = 1;

    let compiled = node(&catalog, &outer).unwrap();
    assert_eq!(
        compiled.sql.text,
        "select t1.\"name\", t1.\"id\" from \"parent\" as t1 where (t1.\"rating\" > '1') \
         order by t1.\"rating\" desc nulls first limit 10 offset ?1"
    );
    assert_eq!((compiled.values, compiled.outer.as_slice()), (1, &[(parent, 0)][..]));
    let rows = run(&connection, &compiled.sql, &Bound::default()).unwrap();
    assert_eq!(rows, [[Value::Text("Ada".into()), Value::Int(1)]]);

    let compiled = node(&catalog, &inner).unwrap();
    assert_eq!(
        compiled.sql.text,
        "select t1.\"note\" from \"child\" as t1 where (t1.\"parent_id\" = ?1) order by t1.\"id\""
    );
    assert_eq!(compiled.sql.params, [Param::Outer { source: parent, column: 0 }]);
    let bound = Bound { outer: vec![((parent, 0), Value::Int(1))], ..Bound::default() };
    assert_eq!(run(&connection, &compiled.sql, &bound).unwrap(), [[Value::Text("a".into())], [Value::Null]]);
}

#[test]
fn equal_queries_give_equal_texts() {
    let catalog = catalog(SCHEMA);
    let text = "select p.name from parent p where exists (select 1 from child c where c.parent_id = p.id) \
                and p.rating = any (array[1.5, 2])";
    let (one, two) = (parsed(&catalog, text), parsed(&catalog, text));
    assert_eq!(query(&catalog, &one).unwrap(), query(&catalog, &two).unwrap());
}

#[test]
fn counting_ignores_the_page() {
    let catalog = catalog(SCHEMA);
    let connection = filled(&catalog);
    let cases = [
        ("select id from child", 4),
        ("select id from child where price > 1", 2),
        ("select parent_id, sum(quantity) from child group by parent_id", 3),
        ("select sum(quantity) from child where false", 1),
        ("select c.id from child c join parent p on p.id = c.parent_id", 3),
    ];
    for (text, expected) in cases {
        let mut counted = as_node(&parsed(&catalog, text));
        counted.limit = Some(1);
        let sql = count(&catalog, &counted).unwrap();
        assert_eq!(ints(run(&connection, &sql, &Bound::default()).unwrap()), [[expected]], "{}", sql.text);
    }
}

#[test]
fn row_security_hides_rows_before_anything_else() {
    let catalog = catalog(SCHEMA);
    let connection = filled(&catalog);
    // Text, the secured table, and the rows that are left; row security lets ids 1 and 2 through.
    let cases: &[(&str, &str, &[&[i64]])] = &[
        ("select id from child order by id", "child", &[&[1], &[2]]),
        (
            "select c.id, p.id from child c join parent p on p.id = c.parent_id order by 1",
            "child",
            &[&[1, 1], &[2, 1]],
        ),
        (
            "select p.id, c.id from parent p left join child c on c.parent_id = p.id order by 1, 2",
            "child",
            &[&[1, 1], &[1, 2], &[2, -1], &[3, -1]],
        ),
        (
            "select p.id, c.id from parent p left join child c on c.parent_id = p.id order by 1, 2",
            "parent",
            &[&[1, 1], &[1, 2], &[2, 3]],
        ),
        (
            "select c.id, p.id from child c right join parent p on p.id = c.parent_id order by 2, 1",
            "child",
            &[&[1, 1], &[2, 1], &[-1, 2], &[-1, 3]],
        ),
        (
            "select c.id, p.id from child c full join parent p on p.id = c.parent_id order by 1 nulls first, 2",
            "child",
            &[&[-1, 2], &[-1, 3], &[1, 1], &[2, 1]],
        ),
        (
            "select q.id, c.id from parent q left join (child c join parent p on p.id = c.parent_id) on c.parent_id = q.id \
             order by 1, 2",
            "child",
            &[&[1, 1], &[1, 2], &[2, -1], &[3, -1]],
        ),
        ("select count(*) from child", "child", &[&[2]]),
        // Neither an error nor its absence tells of a hidden row: the division fails for row 4 alone.
        ("select id from child where 6 / quantity > 1 order by id", "child", &[&[1], &[2]]),
        (
            "select x.id from (select id, 6 / quantity as q from child) x where x.q > 1 order by 1",
            "child",
            &[&[1], &[2]],
        ),
        (
            "select x.id from (select id, quantity as q from child) x where 6 / x.q > 1 order by 1",
            "child",
            &[&[1], &[2]],
        ),
    ];
    for (text, table, expected) in cases {
        let mut secured = parsed(&catalog, text);
        if let QueryBody::Select(select) = &mut secured.body {
            secure(select.from.as_mut().unwrap(), &catalog, table, &first_two);
        }
        let sql = query(&catalog, &secured).unwrap();
        let rows = run(&connection, &sql, &Bound::default());
        assert_eq!(
            rows.map(ints).as_deref(),
            Ok(&expected.iter().map(|r| r.to_vec()).collect::<Vec<_>>()[..]),
            "{}",
            sql.text
        );
    }
}

#[test]
fn a_key_lookup_uses_its_index() {
    let catalog = catalog(SCHEMA);
    let connection = filled(&catalog);
    let cases = [
        ("select id from child where id = 1", "SEARCH t1 USING INTEGER PRIMARY KEY (rowid=?)"),
        (
            "select id from child where id = any (array[1, 2]::bigint[])",
            "SEARCH t1 USING INTEGER PRIMARY KEY (rowid=?)",
        ),
        ("select id from child order by id limit 3", "SCAN t1"),
    ];
    for (text, expected) in cases {
        let sql = query(&catalog, &parsed(&catalog, text)).unwrap();
        let plan = Sql { text: format!("explain query plan {}", sql.text), params: sql.params };
        let rows = run(&connection, &plan, &Bound::default()).unwrap();
        assert_eq!(rows[0][3], Value::Text(expected.into()), "{text}");
        assert!(
            !rows.iter().any(|row| row[3] == Value::Text("USE TEMP B-TREE FOR ORDER BY".into())),
            "{text}"
        );
    }
}

#[test]
fn rows_to_be_written_are_parameters() {
    let catalog = catalog(SCHEMA);
    let connection = filled(&catalog);
    let child = catalog.find_relation("public", "child").unwrap();
    let condition = |text: &str| parse_expr(&catalog, &["public"], "child", text).unwrap();

    let checks =
        [condition("total > 5"), condition("exists (select 1 from parent p where p.id = parent_id)")];
    let sql = exprs(&catalog, Some(child), &checks.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(sql.params.iter().filter(|param| matches!(param, Param::Cell(_))).count(), 3, "{}", sql.text);
    let cells = |price: &str, parent: i64| {
        let text = |text: &str| Value::Text(text.into());
        vec![Value::Int(9), Value::Int(parent), Value::Null, text(price), Value::Int(3), Value::Null]
    };
    let checked = |price: &str, parent: i64| {
        ints(run(&connection, &sql, &Bound { cells: cells(price, parent), ..Bound::default() }).unwrap())
    };
    assert_eq!(checked("1.00", 1), [[0, 1]]);
    assert_eq!(checked("2.00", 7), [[1, 0]]);

    let sql = insert(&catalog, child, &[0, 1, 3, 4]).unwrap();
    assert_eq!(
        sql.text,
        "insert into \"child\" (\"id\", \"parent_id\", \"price\", \"quantity\") values (?1, ?2, ?3, ?4) returning rowid"
    );
    let bound = Bound { cells: cells("2.00", 2), ..Bound::default() };
    assert_eq!(ints(run(&connection, &sql, &bound).unwrap()), [[9]]);

    let mut back = as_node(&parsed(&catalog, "select id, total from child"));
    let FromItem::Relation { .. } = &back.from else { panic!("not a table") };
    back.filter = None;
    let sql = returning(&catalog, &back).unwrap().sql;
    let bound = Bound { rowids: "[9,1]".into(), ..Bound::default() };
    let text = |text: &str| Value::Text(text.into());
    assert_eq!(
        run(&connection, &sql, &bound).unwrap(),
        [[Value::Int(9), text("6.00")], [Value::Int(1), text("1.00")]],
        "{}",
        sql.text
    );
}

#[test]
fn updates_are_checked_as_they_will_be() {
    let catalog = catalog(SCHEMA);
    let connection = filled(&catalog);
    let child = catalog.find_relation("public", "child").unwrap();
    let condition = |text: &str| parse_expr(&catalog, &["public"], "child", text).unwrap();
    let filter = condition("quantity > 0");
    let set = vec![(4, condition("quantity + 1")), (2, Expr { kind: ExprKind::Bind(0), ty: Type::Text })];
    let bound = Bound { values: vec![Value::Text("new".into())], ..Bound::default() };
    let rows = Rows::Where(Some(&filter));

    // The generated total is taken as it will be: 40.00 for the dearest child.
    let (passes, fails) = (condition("total < 41 and note = 'new'"), condition("total < 40"));
    let sql = check_update(&catalog, child, &set, rows, &[&passes]).unwrap();
    assert_eq!(run(&connection, &sql, &bound), Ok(vec![]), "{}", sql.text);
    let sql = check_update(&catalog, child, &set, rows, &[&passes, &fails]).unwrap();
    assert_eq!(run(&connection, &sql, &bound).map(ints), Ok(vec![vec![1]]), "{}", sql.text);

    let sql = select_rowids(&catalog, child, rows).unwrap();
    assert_eq!(run(&connection, &sql, &bound).map(ints), Ok(vec![vec![1], vec![2], vec![3]]));
    let sql = update(&catalog, child, &set, rows).unwrap();
    assert_eq!(
        sql.text,
        "update \"child\" as t1 set \"quantity\" = plinth_int4_add(t1.\"quantity\", 1), \"note\" = ?1 \
         where ((t1.\"quantity\" > 0)) returning rowid"
    );
    assert_eq!(run(&connection, &sql, &bound).map(ints), Ok(vec![vec![1], vec![2], vec![3]]));
    let sql =
        query(&catalog, &parsed(&catalog, "select total from child where note = 'new' order by id")).unwrap();
    let text = |text: &str| vec![Value::Text(text.into())];
    assert_eq!(run(&connection, &sql, &bound), Ok(vec![text("2.00"), text("7.50"), text("40.00")]));

    let listed = Bound { rowids: "[3,4]".into(), ..Bound::default() };
    let sql = delete(&catalog, child, Rows::Listed).unwrap();
    assert_eq!(
        sql.text,
        "delete from \"child\" as t1 where t1.rowid in (select value from json_each(?1)) returning rowid"
    );
    assert_eq!(run(&connection, &sql, &listed).map(ints), Ok(vec![vec![3], vec![4]]));
}

#[test]
fn proposed_rows_stand_beside_the_old_ones() {
    let catalog = catalog(SCHEMA);
    let connection = filled(&catalog);
    let child = catalog.find_relation("public", "child").unwrap();
    let set = vec![(2, Expr::column(SourceId::EXCLUDED, 2, Type::Text))];
    let sql = update(&catalog, child, &set, Rows::Listed).unwrap();
    assert_eq!(sql.params, [Param::Rowids, Param::Excluded(2)]);
    let mut cells = vec![Value::Null; 6];
    cells[2] = Value::Text("merged".into());
    let bound = Bound { cells, rowids: "[2]".into(), ..Bound::default() };
    assert_eq!(run(&connection, &sql, &bound).map(ints), Ok(vec![vec![2]]));
}

#[test]
fn the_rows_a_function_wrote_can_be_read() {
    let catalog = catalog(SCHEMA);
    let connection = filled(&catalog);
    let id = SourceId::fresh();
    let written = Node {
        filter: Some(Expr::compare(
            CompareOp::Gt,
            Expr::column(id, 0, Type::Int8),
            Expr::literal(Value::Int(1), Type::Int8),
        )),
        fields: [(0, Type::Int8), (1, Type::Text), (2, Type::Float8), (3, Type::Bytea)]
            .into_iter()
            .map(|(column, ty)| Field::Value { name: "x".into(), expr: Expr::column(id, column, ty) })
            .collect(),
        ..Node::of(FromItem::Cte { id, cte: plinth_query::plan::WRITE_RESULT })
    };
    let row = |id: i64| {
        let bytes = Value::Bytes(vec![0, 255]);
        vec![Value::Int(id), Value::Text("\"é\"\n[".into()), Value::Float(1.0e-300), bytes]
    };
    let bound = Bound {
        written: crate::functions::rows_json(&[
            row(1),
            row(i64::MAX),
            vec![Value::Int(2), Value::Null, Value::Float(f64::INFINITY), Value::Null],
        ]),
        ..Bound::default()
    };
    let sql = node(&catalog, &written).unwrap().sql;
    assert_eq!(
        run(&connection, &sql, &bound),
        Ok(vec![row(i64::MAX), vec![Value::Int(2), Value::Null, Value::Float(f64::INFINITY), Value::Null]])
    );
}

#[test]
fn what_nests_too_deeply_is_refused() {
    let catalog = catalog(SCHEMA);
    let mut deep = Expr::bool(true);
    for _ in 0..10_000 {
        deep = Expr::boolean(ExprKind::Not(Box::new(deep)));
    }
    let refused = exprs(&catalog, None, &[&deep]).unwrap_err();
    assert!(refused.to_string().contains("stack depth limit exceeded"));
    // A long chain is not deep.
    let connection = filled(&catalog);
    let long = Expr::boolean(ExprKind::Or(vec![Expr::bool(false); 5000]));
    let sql = exprs(&catalog, None, &[&long]).unwrap();
    assert_eq!(run(&connection, &sql, &Bound::default()).map(ints), Ok(vec![vec![0]]));
    std::mem::forget(deep);
}
