//! Writes: what they give back, and PostgreSQL's refusals word for word.

use plinth_engine::EngineError;

use super::{Bed, SCHEMA};

#[tokio::test]
async fn inserts() {
    let bed = Bed::new(SCHEMA);
    bed.check(
        "service_role",
        &[
            (
                "POST /author?select=id,name,score,shout return=representation",
                r#"{"name":"Ada"}"#,
                r#"[{"id":1,"name":"Ada","score":5,"shout":"ADA"}]"#,
            ),
            // An explicit number does not move the counter.
            (
                "POST /author?select=id return=representation",
                r#"[{"id":10,"name":"Bob"},{"id":11,"name":"Cyd"}]"#,
                r#"[{"id":10},{"id":11}]"#,
            ),
            (
                "POST /author?select=id,mood return=representation",
                r#"{"name":"Dan","mood":"happy"}"#,
                r#"[{"id":2,"mood":"happy"}]"#,
            ),
            (
                "POST /book?select=id,author(name) return=representation",
                r#"{"author_id":1,"title":"One"}"#,
                r#"[{"id":1,"author":{"name":"Ada"}}]"#,
            ),
            (
                "POST /pair?select=a,b,n return=representation",
                r#"[{"a":"x","b":1.50},{"a":"x","b":2}]"#,
                r#"[{"a":"x","b":1.50,"n":null},{"a":"x","b":2,"n":null}]"#,
            ),
            ("POST /author return=minimal", "[]", "[]"),
        ],
    )
    .await;
    let outcome = bed
        .run("service_role", "POST /author return=headers-only", r#"{"name":"Eve"}"#)
        .await
        .expect("an insert");
    assert_eq!(outcome.keys, [(0, plinth_values::Value::Text("3".into()))]);
    assert_eq!((outcome.rows, outcome.inserted), (1, 1));
}

#[tokio::test]
async fn refused_rows() {
    let bed = Bed::new(SCHEMA);
    let ready = [
        ("POST /author", r#"[{"name":"Ada","code":"a"},{"name":"Bob","code":"b"}]"#, "[]"),
        ("POST /book", r#"{"author_id":1,"title":"One"}"#, "[]"),
        ("POST /pair", r#"{"a":"x","b":1.50}"#, "[]"),
    ];
    bed.check("service_role", &ready).await;
    let long = "x".repeat(100);
    let long_body = format!(r#"{{"name":"{long}"}}"#);
    let long_error = format!(
        "23514 new row for relation \"author\" violates check constraint \"short_name\" | Failing row contains (3, {}..., null, 5, null, {}...).",
        "x".repeat(64),
        "X".repeat(64)
    );
    bed.check(
        "service_role",
        &[
            ("POST /author", &long_body, &long_error),
            ("POST /author", r#"{"code":"c"}"#, "23502 null value in column \"name\" of relation \"author\" violates not-null constraint | Failing row contains (4, null, c, 5, null, null)."),
            ("POST /author", r#"{"name":"Cyd","score":-1}"#, "23514 new row for relation \"author\" violates check constraint \"author_score_check\" | Failing row contains (5, Cyd, null, -1, null, CYD)."),
            ("POST /author", r#"{"name":"Cyd","code":"a"}"#, "23505 duplicate key value violates unique constraint \"author_code_key\" | Key (code)=(a) already exists."),
            ("POST /author", r#"{"id":1,"name":"Cyd"}"#, "23505 duplicate key value violates unique constraint \"author_pkey\" | Key (id)=(1) already exists."),
            ("POST /book", r#"{"author_id":1,"title":"One"}"#, "23505 duplicate key value violates unique constraint \"book_author_id_title_key\" | Key (author_id, title)=(1, One) already exists."),
            ("POST /book", r#"{"author_id":9,"title":"One"}"#, "23503 insert or update on table \"book\" violates foreign key constraint \"book_author_id_fkey\" | Key (author_id)=(9) is not present in table \"author\"."),
            ("POST /book", r#"{"title":"One","rating":0}"#, "23514 value for domain positive violates check constraint \"positive_check\""),
            ("POST /pair", r#"{"a":"x","b":1.5}"#, "23505 duplicate key value violates unique constraint \"pair_pkey\" | Key (a, b)=(x, 1.5) already exists."),
            ("PATCH /author?id=eq.1", r#"{"name":null}"#, "23502 null value in column \"name\" of relation \"author\" violates not-null constraint | Failing row contains (1, null, a, 5, null, null)."),
            ("PATCH /author?id=gte.1", r#"{"code":"z"}"#, "23505 duplicate key value violates unique constraint \"author_code_key\" | Key (code)=(z) already exists."),
            ("PATCH /author?id=eq.2", r#"{"score":-5}"#, "23514 new row for relation \"author\" violates check constraint \"author_score_check\" | Failing row contains (2, Bob, b, -5, null, BOB)."),
            ("PATCH /book?id=eq.1", r#"{"author_id":9}"#, "23503 insert or update on table \"book\" violates foreign key constraint \"book_author_id_fkey\" | Key (author_id)=(9) is not present in table \"author\"."),
            ("PATCH /author?id=eq.1", r#"{"id":7}"#, "23503 update or delete on table \"author\" violates foreign key constraint \"book_author_id_fkey\" on table \"book\" | Key (id)=(1) is still referenced from table \"book\"."),
            ("DELETE /author?id=eq.1", "", "23503 update or delete on table \"author\" violates foreign key constraint \"book_author_id_fkey\" on table \"book\" | Key (id)=(1) is still referenced from table \"book\"."),
            ("GET /author?select=id,name,code,score&order=id", "", r#"[{"id":1,"name":"Ada","code":"a","score":5},{"id":2,"name":"Bob","code":"b","score":5}]"#),
        ],
    )
    .await;
}

#[tokio::test]
async fn references() {
    let bed = Bed::new(SCHEMA);
    bed.check(
        "service_role",
        &[
            // Rows of one statement may refer to each other, in any order, when they come and when they go.
            ("POST /node", r#"[{"id":1,"parent":2},{"id":2,"parent":1},{"id":3,"parent":3}]"#, "[]"),
            ("DELETE /node?id=eq.1", "", "23503 update or delete on table \"node\" violates foreign key constraint \"node_parent_fkey\" on table \"node\" | Key (id)=(1) is still referenced from table \"node\"."),
            ("DELETE /node", "", "[]"),
            // A deferred constraint waits for the end of a function.
            ("POST /rpc/late_pair", r#"{"n":1,"m":1}"#, "[]"),
            (
                "POST /rpc/late_pair",
                r#"{"n":2,"m":3}"#,
                "23503 insert or update on table \"late\" violates foreign key constraint \"late_pair_n_fkey\" | Key (pair_n)=(2) is not present in table \"node\".",
            ),
            ("GET /late", "", r#"[{"id":1,"pair_n":1}]"#),
            // A cascade ends where a further table holds on.
            ("POST /book", r#"{"title":"One"}"#, "[]"),
            ("POST /page", r#"{"id":1,"book_id":1}"#, "[]"),
            ("POST /note", r#"{"id":1,"page_id":1}"#, "[]"),
            ("DELETE /book?id=eq.1", "", "23503 update or delete on table \"page\" violates foreign key constraint \"note_page_id_fkey\" on table \"note\" | Key (id)=(1) is still referenced from table \"note\"."),
            ("DELETE /note", "", "[]"),
            ("DELETE /book?id=eq.1&select=title return=representation", "", r#"[{"title":"One"}]"#),
            ("GET /page", "", "[]"),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_security() {
    let bed = Bed::new(SCHEMA);
    bed.check("service_role", &[("POST /owned", r#"{"id":1,"body":"secret"}"#, "[]")]).await;
    bed.check(
        "anon",
        &[
            (
                "POST /owned?select=id,owner return=representation",
                r#"{"id":2,"body":"x"}"#,
                r#"[{"id":2,"owner":"anon"}]"#,
            ),
            (
                "POST /owned",
                r#"[{"id":3,"owner":"anon","body":"y"},{"id":4,"owner":"else","body":"z"}]"#,
                "42501 new row violates row-level security policy for table \"owned\"",
            ),
            (
                "POST /owned",
                r#"{"id":3,"body":"loud"}"#,
                "42501 new row violates row-level security policy \"calm\" for table \"owned\"",
            ),
            // Nothing is told about rows that are hidden.
            (
                "POST /owned",
                r#"{"id":3,"body":"secret"}"#,
                "23505 duplicate key value violates unique constraint \"owned_body_key\"",
            ),
            (
                "POST /owned",
                r#"{"id":3,"owner":null,"body":"q"}"#,
                "42501 new row violates row-level security policy for table \"owned\"",
            ),
            (
                "PATCH /owned?id=eq.2",
                r#"{"owner":"else"}"#,
                "42501 new row violates row-level security policy for table \"owned\"",
            ),
            (
                "PATCH /owned return=representation",
                r#"{"body":"w"}"#,
                r#"[{"id":2,"owner":"anon","body":"w"}]"#,
            ),
            (
                "POST /owned resolution=merge-duplicates",
                r#"{"id":1,"body":"mine now"}"#,
                "42501 new row violates row-level security policy (USING expression) for table \"owned\"",
            ),
            ("DELETE /owned?select=id return=representation", "", r#"[{"id":2}]"#),
        ],
    )
    .await;
    bed.check("service_role", &[("GET /owned?select=body", "", r#"[{"body":"secret"}]"#)]).await;
}

#[tokio::test]
async fn upserts() {
    let bed = Bed::new(SCHEMA);
    bed.check(
        "service_role",
        &[
            ("POST /pair", r#"[{"a":"x","b":1,"n":1},{"a":"y","b":1,"n":1}]"#, "[]"),
            ("POST /pair resolution=merge-duplicates return=representation", r#"[{"a":"x","b":1.0,"n":2},{"a":"z","b":1,"n":3}]"#, r#"[{"a":"x","b":1.0,"n":2},{"a":"z","b":1,"n":3}]"#),
            ("POST /pair resolution=ignore-duplicates return=representation", r#"[{"a":"x","b":1,"n":9},{"a":"w","b":1,"n":4}]"#, r#"[{"a":"w","b":1,"n":4}]"#),
            (
                "POST /pair resolution=merge-duplicates",
                r#"[{"a":"v","b":1,"n":1},{"a":"v","b":1,"n":2}]"#,
                "21000 ON CONFLICT DO UPDATE command cannot affect row a second time | Ensure that no rows proposed for insertion within the same command have duplicate constrained values.",
            ),
            ("POST /author?on_conflict=code return=representation resolution=merge-duplicates", r#"{"name":"Ada","code":"a"}"#, r#"[{"id":1,"name":"Ada","code":"a","score":5,"mood":null,"shout":"ADA"}]"#),
            ("POST /author?on_conflict=code&select=id,name,shout return=representation resolution=merge-duplicates", r#"{"name":"Ann","code":"a"}"#, r#"[{"id":1,"name":"Ann","shout":"ANN"}]"#),
            ("POST /author?on_conflict=code resolution=merge-duplicates", r#"{"code":"a","score":1}"#, "23502 null value in column \"name\" of relation \"author\" violates not-null constraint | Failing row contains (3, null, a, 1, null, null)."),
            ("GET /pair?select=a,n&order=a", "", r#"[{"a":"w","n":4},{"a":"x","n":2},{"a":"y","n":1},{"a":"z","n":3}]"#),
        ],
    )
    .await;
    let outcome = bed
        .run(
            "service_role",
            "POST /pair resolution=merge-duplicates",
            r#"[{"a":"x","b":1,"n":5},{"a":"u","b":1,"n":5}]"#,
        )
        .await
        .expect("an upsert");
    assert_eq!((outcome.rows, outcome.inserted), (2, 1));
}

#[tokio::test]
async fn limits_and_rollback() {
    let bed = Bed::new(SCHEMA);
    bed.check(
        "service_role",
        &[
            ("POST /author", r#"[{"name":"Ada"},{"name":"Bob"}]"#, "[]"),
            ("PATCH /author handling=strict max-affected=1", r#"{"score":1}"#, "query result exceeds max-affected preference constraint"),
            ("DELETE /author handling=strict max-affected=1", "", "query result exceeds max-affected preference constraint"),
            ("PATCH /author?select=score return=representation single", r#"{"score":1}"#, "the result contains 2 rows"),
            ("GET /author?select=score", "", r#"[{"score":5},{"score":5}]"#),
            ("PATCH /author?select=score return=representation tx=rollback", r#"{"score":1}"#, r#"[{"score":1},{"score":1}]"#),
            ("GET /author?select=score", "", r#"[{"score":5},{"score":5}]"#),
            ("PATCH /author?id=eq.2&select=id,score return=representation", r#"{"id":20,"score":2}"#, r#"[{"id":20,"score":2}]"#),
            ("DELETE /author?select=id&order=id return=representation", "", r#"[{"id":1},{"id":20}]"#),
            ("POST /rpc/add_author?select=id,name", r#"{"name":"Cyd"}"#, r#"[{"id":3,"name":"Cyd"}]"#),
            ("POST /rpc/add_author", r#"{"name":"Cyd"}"#, "23505 duplicate key value violates unique constraint \"author_code_key\" | Key (code)=(Cyd) already exists."),
        ],
    )
    .await;
    let error = bed.run("service_role", "DELETE /author handling=strict max-affected=0", "").await.err();
    assert_eq!(error, Some(EngineError::MaxAffected { rows: 1 }));
}

#[tokio::test]
async fn numbers_are_never_drawn_twice() {
    let bed = Bed::new(SCHEMA);
    bed.check(
        "service_role",
        &[
            ("POST /author?select=id return=representation", r#"{"name":"a"}"#, r#"[{"id":1}]"#),
            ("POST /author", r#"{"name":null}"#, "23502 null value in column \"name\" of relation \"author\" violates not-null constraint | Failing row contains (2, null, null, 5, null, null)."),
            ("POST /author?select=id return=representation tx=rollback", r#"{"name":"b"}"#, r#"[{"id":3}]"#),
            ("DELETE /author", "", "[]"),
        ],
    )
    .await;
    let Bed { engine, path, _folder } = bed;
    drop(engine);
    let engine = std::sync::Arc::new(
        crate::SqliteEngine::open(&path, crate::Options::default()).expect("the file opens"),
    );
    let applied = engine.applied().expect("readable").expect("a schema");
    engine.adopt(super::catalog(&applied[0].text)).expect("its own catalog");
    let bed = Bed { engine, path, _folder };
    bed.check(
        "service_role",
        &[("POST /author?select=id return=representation", r#"{"name":"c"}"#, r#"[{"id":4}]"#)],
    )
    .await;
}
