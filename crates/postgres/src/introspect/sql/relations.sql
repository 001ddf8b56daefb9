-- Tables, views, materialised views, foreign and partitioned tables, in all schemas but PostgreSQL's own: what a view shows may be in
-- one that is not served. Partitions are parts of their table.
select coalesce(json_agg(json_build_object(
  'oid', c.oid::int8,
  'schema', n.nspname,
  'name', c.relname,
  'kind', c.relkind,
  'comment', d.description,
  'row_security', c.relrowsecurity,
  'security_invoker', coalesce((
    select o.option_value::bool from pg_options_to_table(c.reloptions) o where o.option_name = 'security_invoker'
  ), false),
  'updatable', case when c.relkind in ('v', 'f') then pg_relation_is_updatable(c.oid, true) end,
  'grants', (
    select json_agg(json_build_array(g.grantee::int8, g.privilege_type))
    from aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) g
    where g.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
  ),
  'columns', columns.list
)), '[]')
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_description d on d.objoid = c.oid and d.classoid = 'pg_class'::regclass and d.objsubid = 0
left join (
  select a.attrelid, json_agg(json_build_object(
    'number', a.attnum,
    'name', a.attname,
    'type', a.atttypid::int8,
    'modifier', a.atttypmod,
    'declared', format_type(a.atttypid, a.atttypmod),
    'not_null', a.attnotnull,
    'identity', a.attidentity,
    'generated', a.attgenerated,
    'default', pg_get_expr(f.adbin, f.adrelid),
    'comment', d.description,
    'grants', case when a.attacl is not null then (
      select json_agg(json_build_array(g.grantee::int8, g.privilege_type)) from aclexplode(a.attacl) g
    ) end
  ) order by a.attnum) as list
  from pg_attribute a
  left join pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
  left join pg_description d on d.objoid = a.attrelid and d.classoid = 'pg_class'::regclass and d.objsubid = a.attnum
  where a.attnum > 0 and not a.attisdropped
  group by a.attrelid
) columns on columns.attrelid = c.oid
where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
