-- For OPTIONS: a view that is written through, and functions of one name with different rights.

create view writable_memo with (security_invoker = true) as
    select id, slug, body
    from memo;
grant select, insert (slug, body), update (body), delete on writable_memo to authenticated;

create function half_hidden(a integer) returns integer language sql volatile as $$ select a $$;
create function half_hidden(a integer, b integer) returns integer language sql stable as $$ select a + b $$;
revoke execute on function half_hidden(integer, integer) from public;
grant execute on function half_hidden(integer, integer) to service_role;
