-- Columns that may be read but not written, and functions whose rows are limited by a preference.

create table crate (
    id integer primary key,
    label text not null,
    seal text,
    weight integer,
    note text
);
grant select (id, label, seal), insert (id, label), update (label, weight), delete on crate to authenticated;

create function drop_crates(heavier integer) returns setof crate
    language sql security definer
    as $$ delete from crate where id > heavier returning * $$;

create function count_crates() returns bigint
    language sql stable security definer
    as $$ select count(*) from crate $$;

create function all_crates() returns setof crate
    language sql stable security definer
    as $$ select * from crate order by id $$;

create function nothing_at_all() returns void
    language sql
    as $$ select 1 $$;

create function middle(words text[], first integer default null, last integer default null) returns text[]
    language sql immutable
    as $$
        select case
            when first is null then words[:last]
            when last is null then words[first:]
            else words[first:last]
        end
    $$;
