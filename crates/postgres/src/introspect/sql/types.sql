-- All types but the row types of PostgreSQL's own tables, and the arrays of those.
select coalesce(json_agg(json_build_object(
  'oid', t.oid::int8,
  'schema', n.nspname,
  'name', t.typname,
  'sql', format_type(t.oid, -1),
  'kind', t.typtype,
  'element', e.oid::int8,
  'base', nullif(t.typbasetype, 0)::int8,
  'modifier', t.typtypmod,
  'not_null', t.typnotnull,
  'default', t.typdefault,
  'relation', case when c.relkind <> 'c' then c.oid::int8 end,
  'labels', labels.list,
  'attributes', attributes.list,
  'comment', d.description
)), '[]')
from pg_type t
join pg_namespace n on n.oid = t.typnamespace
left join pg_class c on c.oid = t.typrelid
left join pg_type e on e.typarray = t.oid
left join pg_class o on o.oid = coalesce(c.oid, e.typrelid)
left join pg_namespace s on s.oid = o.relnamespace
left join pg_description d on d.objoid = t.oid and d.classoid = 'pg_type'::regclass and d.objsubid = 0
left join (
  select enumtypid, json_agg(enumlabel order by enumsortorder) as list from pg_enum group by enumtypid
) labels on labels.enumtypid = t.oid
left join (
  select a.attrelid, json_agg(json_build_array(a.attname, a.atttypid::int8) order by a.attnum) as list
  from pg_attribute a join pg_class r on r.oid = a.attrelid and r.relkind = 'c'
  where a.attnum > 0 and not a.attisdropped
  group by a.attrelid
) attributes on attributes.attrelid = t.typrelid
where o.oid is null or s.nspname not in ('pg_catalog', 'information_schema') and s.nspname !~ '^pg_(toast|temp)'
