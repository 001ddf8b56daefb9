-- Functions that change a table by others.

create table ledger (
    id integer primary key,
    parent integer references ledger (id),
    amount integer not null,
    tag text
);
create table rate (
    tag text primary key,
    factor integer not null
);
alter table rate enable row level security;
create policy rate_small on rate for select to authenticated using (factor < 10);
grant select, update, delete on ledger to authenticated;
grant select on rate to authenticated;

create function apply_rates(lowest integer default 0) returns setof ledger
    language sql
    as $$
        update ledger l set amount = l.amount * r.factor, tag = r.tag || '!'
        from rate r where r.tag = l.tag and l.amount >= lowest
        returning l.*
    $$;

create function take_from_parent() returns setof ledger
    language sql
    as $$ update ledger set amount = p.amount from ledger p where p.id = ledger.parent returning ledger.* $$;

create function drop_rated(only_tag text default null) returns setof integer
    language sql
    as $$
        delete from ledger using rate r, generate_series(1, 2) as n
        where r.tag = ledger.tag and (only_tag is null or r.tag = only_tag) and n = r.factor - r.factor + 1
        returning ledger.id
    $$;
