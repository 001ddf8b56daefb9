create table base (id int);
create function f() returns bigint language sql stable as $$ select g() $$;
create function g() returns bigint language sql stable as $$ select count(*) from v $$;
create view v as select f() as n from base;
