create table item (id int primary key, name text);
create view item_name as select name from item;

create function nothing() returns void language sql as '';
create function one(integer) returns int language sql immutable strict as $$ select $1 $$;
create function one(a double precision, b timestamp with time zone default now()) returns int
    language sql stable as $$ select 1 $$;
create function sum_of(variadic numbers int[]) returns bigint language 'sql' as $$ select 1 $$;
create function pair(in a int, out b int, inout c text) language sql as $$ select a, c $$;
create function pairs(a int, out b int, out c text) returns setof record language sql as $$ select a, 'x' $$;
create function single(out answer int) language sql return 42;
create function items() returns setof item language sql stable as $$ select * from item $$;
create function item_named(name text) returns item language sql stable as $$ select * from item $$;
create function names() returns setof item_name language sql as $$ select * from item_name $$;
create function columns(x int) returns table (a int, b text[]) language sql
    security definer set search_path = '' as $body$
        select 1, array['a;b'];
        select x, array[$$ ; $$]
    $body$;
create function label(item) returns text language sql stable parallel safe cost 10 leakproof
    begin atomic
        select case when true then 'a' else 'b' end;
        select 'c';
    end;
create or replace function label(i item) returns text language sql immutable returns null on null input
    return 'd';
create function change(new_name text) returns void volatile language sql as $$
    insert into item (id, name) values (1, new_name);
    update item set name = new_name;
    delete from item where false
$$;

comment on function one(int) is 'One.';
comment on function nothing is 'Nothing.';
comment on function pair(a int, out b int, inout c text) is 'Both.';
