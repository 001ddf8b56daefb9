-- A second exposed schema.

create schema extra;
grant usage on schema extra to anon, authenticated, service_role;

create table extra.sticker (
    id integer primary key,
    words text not null
);
grant select on extra.sticker to anon;
grant select, insert, update, delete on extra.sticker to authenticated, service_role;

-- A schema that is not exposed.
create schema cellar;
create table cellar.wine (
    id integer primary key,
    name text not null
);
grant select on cellar.wine to anon, authenticated, service_role;
