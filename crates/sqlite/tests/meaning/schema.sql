create schema shop;
create type mood as enum ('sad', 'ok', 'happy');
create type shop."Size" as enum ('small', 'large');

create table kinds (
    id integer primary key,
    i2 smallint,
    i4 integer,
    i8 bigint,
    n numeric,
    n2 numeric(10, 2),
    f4 real,
    f8 double precision,
    b boolean,
    s text,
    v varchar(20),
    c char(5),
    d date,
    ti time,
    ts timestamp,
    tz timestamptz,
    iv interval,
    u uuid,
    j json,
    jb jsonb,
    by bytea,
    m mood,
    ia integer[],
    ta text[],
    na numeric[]
);

create table parent (
    id bigint primary key,
    name text not null unique,
    rating numeric(4, 2)
);

create table child (
    id integer primary key,
    parent_id bigint references parent (id),
    kind mood not null default 'ok',
    price numeric(10, 2) not null check (price >= 0),
    quantity integer not null default 1 check (quantity = any (array[1, 2, 3, 10])),
    total numeric(12, 2) generated always as (price * quantity) stored,
    label text generated always as (upper(note) || '-' || quantity::text) stored,
    note text,
    constraint child_once unique (parent_id, kind, price)
);

create index child_kind_idx on child (kind, price desc) where quantity > 1;
create unique index child_note_idx on child (lower(note));

create table tree (
    id integer primary key,
    above integer references tree (id),
    name text not null
);

create table shop.item (
    code text not null,
    size shop."Size" not null,
    stock bigint,
    primary key (code, size)
);

create view dear as
    select c.id, c.price, p.name as parent_name
    from child c left join parent p on p.id = c.parent_id
    where c.price > 5;
