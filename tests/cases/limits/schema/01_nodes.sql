create table node (
    id integer primary key,
    parent_id integer references node (id),
    name text not null default '',
    body text not null default ''
);
grant select, insert, update, delete on node to anon, service_role;

-- A thousand million rows are counted: minutes.
create view slow as
    select count(*) as rows
    from generate_series(1, 1000) a (x), generate_series(1, 1000) b (y), generate_series(1, 1000) c (z)
    where a.x + b.y + c.z > 0;
grant select on slow to anon;
