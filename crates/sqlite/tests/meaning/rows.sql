kinds: select 1, 1::smallint, 10, 100::bigint, 1.50, 2.25::numeric(10,2), 0.1::real, 0.1::float8, true, 'abc', 'Abc'::varchar(20), 'ab'::char(5), '2024-01-31'::date, '10:30:00'::time, '2024-01-31 10:30:00'::timestamp, '2024-01-31 10:30:00+00'::timestamptz, '1 day 02:00'::interval, '0f8fad5b-d9cb-469f-a165-70867728950e'::uuid, '{"a": 1, "b": [1,2]}'::json, '{"b": [1, 2, {"c": "x"}], "a": 1}'::jsonb, '\x00ff'::bytea, 'happy'::mood, '{1,2,3}'::int[], '{a,"b c",NULL}'::text[], '{1.0,2.50}'::numeric[]
kinds: select 2, -5::smallint, -20, 9223372036854775807, 1.5, 10.00::numeric(10,2), 1e10::real, 1e300::float8, false, 'Zürich', 'z'::varchar(20), 'abc'::char(5), '1999-12-31'::date, '23:59:59.999999'::time, '1999-12-31 23:59:59.5'::timestamp, '1999-12-31 23:59:59.5+00'::timestamptz, '24:00:00'::interval, '00000000-0000-0000-0000-000000000001'::uuid, '[1, "x", null]'::json, '[3, "x", null, true]'::jsonb, '\x'::bytea, 'sad'::mood, '{}'::int[], '{}'::text[], '{10}'::numeric[]
kinds: select 3, 0::smallint, 2147483647, -1::bigint, 10, 0.05::numeric(10,2), -0.5::real, 'infinity'::float8, null::boolean, '', 'a%b_c'::varchar(20), ''::char(5), 'infinity'::date, '00:00:00'::time, '-infinity'::timestamp, 'infinity'::timestamptz, '1 mon'::interval, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid, '"text"'::json, '"text"'::jsonb, '\x01'::bytea, 'ok'::mood, '{NULL,4}'::int[], '{x,y}'::text[], '{1.00,2.5}'::numeric[]
kinds: select 4, null::smallint, null::integer, null::bigint, null::numeric, null::numeric(10,2), null::real, null::float8, null::boolean, null::text, null::varchar(20), null::char(5), null::date, null::time, null::timestamp, null::timestamptz, null::interval, null::uuid, null::json, null::jsonb, null::bytea, null::mood, null::int[], null::text[], null::numeric[]
parent: select 1::bigint, 'Ada', 4.50::numeric(4,2)
parent: select 2::bigint, 'Bob', 10.00::numeric(4,2)
parent: select 3::bigint, 'Cyd', null::numeric(4,2)
child (id, parent_id, kind, price, quantity, note): select 1, 1::bigint, 'happy'::mood, 9.99::numeric(10,2), 1, 'one'
child (id, parent_id, kind, price, quantity, note): select 2, 1::bigint, 'sad'::mood, 10.00::numeric(10,2), 2, 'two'
child (id, parent_id, kind, price, quantity, note): select 3, 2::bigint, 'ok'::mood, 2.50::numeric(10,2), 3, null::text
child (id, parent_id, kind, price, quantity, note): select 4, null::bigint, 'happy'::mood, 100.00::numeric(10,2), 10, 'Four'
child (id, parent_id, kind, price, quantity, note): select 5, 1::bigint, 'ok'::mood, 0.00::numeric(10,2), 2, null::text
tree: select 1, null::integer, 'root'
tree: select 2, 1, 'left'
tree: select 3, 1, 'right'
tree: select 4, 2, 'leaf'
shop.item: select 'A', 'large'::shop."Size", 5::bigint
shop.item: select 'A', 'small'::shop."Size", null::bigint
shop.item: select 'B', 'small'::shop."Size", 7::bigint
