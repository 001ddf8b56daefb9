create table person (id integer primary key, first text);
create table animal (id integer primary key, name text);
create function full_name(person) returns text language sql as $$ select $1.first $$;
create function a(animal) returns text language sql as $$ select full_name($1) $$;
create function b(animal) returns text language sql as $$ select $1.full_name $$;
create function c(animal) returns text language sql as $$ select $1 $$;
create function d(animal) returns text language sql as $$ select upper(animal) from animal $$;
create function e() returns setof text language sql
    as $$ select full_name(p) from animal a left join person p on p.id = a.id $$;
create function f() returns text language sql as $$ select full_name(null) $$;
create function g(animal) returns text language sql as $$ select $2.name $$;
create function h(animal) returns text language sql as $$ select ($1).nam $$;
create function i(animal) returns text language sql as $$ select max(animal) from animal $$;
