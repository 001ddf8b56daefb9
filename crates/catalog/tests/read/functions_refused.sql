create function a() returns trigger language plpgsql as $$ begin return new; end $$;
create function b() returns int language plpgsql as $$ begin return 1; end $$;
create function c() returns int as $$ select 1 $$;
create function d() returns int language sql;
create function e() returns int language sql set timezone = 'UTC' as $$ select 1 $$;
create function f() returns int language sql as $$ create table x (id int) $$;
create function g() returns int language sql as $$
    select 1;
    select 1 from
$$;
create function h() returns int language sql as 'a', 'b';
create function i() returns int language sql as $$ select 'it is $$;
create procedure j() language sql as $$ select 1 $$;
create function k() returns int language sql as $$
    do something
$$;
create function l() returns int language sql begin atomic select 1;
