-- Which object needs which, by the identities of `objects.sql`: parts stand for what they are a part of.
with owner as (
  select 'pg_attrdef'::regclass::oid as classid, oid as objid, 'pg_class:' || adrelid as key from pg_attrdef
  union all
  select 'pg_rewrite'::regclass, oid, 'pg_class:' || ev_class from pg_rewrite where rulename = '_RETURN'
  union all
  select 'pg_constraint'::regclass, oid,
    case when conrelid <> 0 then 'pg_class:' || conrelid else 'pg_type:' || contypid end
  from pg_constraint where contype <> 'f'
  union all
  -- Row types, arrays and multiranges come with their table, element and range.
  select 'pg_type'::regclass, t.oid, case
    when c.relkind <> 'c' then 'pg_class:' || c.oid
    when ec.relkind <> 'c' then 'pg_class:' || ec.oid
    else 'pg_type:' || coalesce(e.oid, m.oid, t.oid) end
  from pg_type t
  left join pg_class c on c.oid = t.typrelid
  left join pg_type e on e.typarray = t.oid
  left join pg_class ec on ec.oid = e.typrelid
  left join lateral (
    select d.refobjid as oid from pg_depend d
    where t.typtype = 'm' and d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'i' and d.refclassid = 'pg_type'::regclass
    limit 1
  ) m on true
  union all
  -- A composite type's relation is the type.
  select 'pg_class'::regclass, c.oid, 'pg_type:' || c.reltype from pg_class c where c.relkind = 'c'
)
select distinct coalesce(a.key, d.classid::regclass::text || ':' || d.objid) as needs,
  coalesce(b.key, d.refclassid::regclass::text || ':' || d.refobjid) as needed
from pg_depend d
left join owner a on a.classid = d.classid and a.objid = d.objid
left join owner b on b.classid = d.refclassid and b.objid = d.refobjid
-- A sequence belongs to its column, but the column's default needs it.
where d.deptype = 'n' or d.deptype in ('a', 'i') and d.classid <> 'pg_class'::regclass
union
select 'pg_class:' || inhrelid, 'pg_class:' || inhparent from pg_inherits
union
select 'pg_class:' || indexrelid, 'pg_class:' || indrelid from pg_index
