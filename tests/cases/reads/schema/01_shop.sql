-- A shop: what is sold, by whom it is made, and what buyers think of it.

create table maker (
    id integer primary key,
    name text not null,
    country text
);

create table product (
    id bigint primary key,
    maker_id integer references maker (id),
    category text,
    name text not null,
    price numeric(8, 2) not null,
    weight double precision,
    released date,
    data jsonb not null default '{}',
    raw json,
    cost numeric(8, 2)
);
create index product_by_category on product (category, price desc, id);

create table review (
    product_id bigint not null references product (id),
    line smallint not null,
    stars smallint not null,
    words text,
    primary key (product_id, line)
);

-- Nobody but the service reads what a product costs.
grant select on maker, review to anon, authenticated;
grant select (id, maker_id, category, name, price, weight, released, data, raw) on product to anon, authenticated;
grant select, insert, update, delete on maker, product, review to service_role;

-- A key that nobody may read, beside one that everybody may.
create table coupon (
    id bigint primary key,
    code text not null unique,
    value integer not null
);
grant select (code, value) on coupon to anon;

-- A key that nobody may read, and no other: the unique column can be null.
create table voucher (
    id bigint primary key,
    code text unique,
    value integer not null
);
grant select (code, value) on voucher to anon;

-- No key at all.
create table sighting (
    place text not null,
    seen integer not null
);
grant select on sighting to anon;

create view cheap with (security_invoker = true) as select id, name, price from product where price < 20;
grant select on cheap to anon;

-- To everyone their own.
create table note (
    id bigint primary key,
    owner uuid not null,
    topic text not null
);
alter table note enable row level security;
create policy note_own on note for select to authenticated using (owner = auth.uid());
grant select on note to authenticated;

-- Columns that are called like parameters.
create table span (
    id integer primary key,
    "after" integer,
    "before" integer,
    "distinct" text,
    "having" text
);
grant select on span to anon;

create function products(maker integer) returns setof product stable language sql as
    'select * from product where maker_id = maker';
grant execute on function products(integer) to service_role;
