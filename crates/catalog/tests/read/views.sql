-- Views read each other in any order.
create view third as select * from second;
create view second (number, label, extra) with (security_invoker) as select id, title, 1 from first;
create view first as select id, name as title from base;
create or replace view replaced as select 1 as one;
create or replace view replaced with (security_barrier = true, security_invoker = off) as select 2 as two;

create table base (id int primary key, name varchar(10) not null, other int references base);

create view joined as select b.id, o.name, count(*) as how_many
    from base b join base o on o.id = b.other group by b.id, o.name;
create view with_cte as
    with base as (select id, name from base), again as (select * from base)
    select name, id from again;
create view in_subquery as select s.n from (select name as n from base) s;
create view together as select id from base union select other from base;
create materialized view kept as select id from base with data;
alter view first set (security_invoker = true);
create function from_view() returns setof first language sql stable as $$ select * from first $$;
create view from_function as select title from from_view();
comment on view joined is 'Joined.';
comment on materialized view kept is 'Kept.';
comment on column joined.how_many is 'A number.';
