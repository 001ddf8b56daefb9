create function total(x int) returns int language sql as $$ select 1 $$;
create function total(x text) returns int language sql as $$ select 1 $$;
comment on function total is 'Which?';
comment on function totl(int) is 'A typo.';
comment on function total(bigint) is 'Another type.';
grant execute on function nowhere.total(int) to anon;
create function again() returns int language sql as $$ $$;
