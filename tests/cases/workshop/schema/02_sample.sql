-- One column of every type, for what goes in and comes out.

create table sample (
    id integer primary key,
    small smallint,
    whole integer,
    big bigint,
    exact numeric,
    amount numeric(8, 2),
    single real,
    double double precision,
    words text,
    short varchar(5),
    fixed char(4),
    flag boolean,
    day date,
    clock time,
    moment timestamp,
    instant timestamptz,
    span interval,
    ident uuid,
    doc json,
    docb jsonb,
    raw bytea,
    level urgency,
    code sku,
    share percentage,
    whole_list integer[],
    word_list text[],
    level_list urgency[],
    day_list date[],
    flag_list boolean[],
    exact_list numeric[],
    grid integer[][]
);

grant select on sample to anon;
grant select, insert, update, delete on sample to authenticated, service_role;
