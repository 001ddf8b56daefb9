-- Comments on what the model has.
with own as (
  select n.* from pg_namespace n
  where n.nspname not in ('information_schema', 'plinth') and n.nspname !~ '^pg_'
),
classes as (
  select c.*, format('%I.%I', n.nspname, c.relname) as sql,
    case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' when 'i' then 'index'
      when 'I' then 'index' when 'c' then 'type' else 'table' end as word
  from pg_class c join own n on n.oid = c.relnamespace
),
described as (
  select d.objoid as oid, d.classoid, d.objsubid, d.description from pg_description d
),
said as (
  select 'schema ' || quote_ident(n.nspname) as what, d.description
  from own n join described d on d.classoid = 'pg_namespace'::regclass and d.oid = n.oid
  where (n.nspname, d.description) <> ('public', 'standard public schema')
  union all
  select c.word || ' ' || c.sql, d.description
  from classes c join described d on d.classoid = 'pg_class'::regclass and d.oid = c.oid and d.objsubid = 0
  union all
  select format('column %s.%I', c.sql, a.attname), d.description
  from classes c join described d on d.classoid = 'pg_class'::regclass and d.oid = c.oid and d.objsubid > 0
  join pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid
  union all
  select format('%s %I.%I', case t.typtype when 'd' then 'domain' else 'type' end, n.nspname, t.typname), d.description
  from pg_type t join own n on n.oid = t.typnamespace
  join described d on d.classoid = 'pg_type'::regclass and d.oid = t.oid
  union all
  select format('%s %I.%I(%s)', case p.prokind when 'p' then 'procedure' else 'function' end, n.nspname, p.proname,
    pg_get_function_identity_arguments(p.oid)), d.description
  from pg_proc p join own n on n.oid = p.pronamespace
  join described d on d.classoid = 'pg_proc'::regclass and d.oid = p.oid
  where p.prokind <> 'a' and not exists (
    select from pg_depend x where x.classid = 'pg_proc'::regclass and x.objid = p.oid and x.deptype in ('e', 'i'))
  union all
  select format('constraint %I on %s', k.conname, c.sql), d.description
  from pg_constraint k join classes c on c.oid = k.conrelid
  join described d on d.classoid = 'pg_constraint'::regclass and d.oid = k.oid
  union all
  select format('policy %I on %s', p.polname, c.sql), d.description
  from pg_policy p join classes c on c.oid = p.polrelid
  join described d on d.classoid = 'pg_policy'::regclass and d.oid = p.oid
  union all
  select format('trigger %I on %s', g.tgname, c.sql), d.description
  from pg_trigger g join classes c on c.oid = g.tgrelid
  join described d on d.classoid = 'pg_trigger'::regclass and d.oid = g.oid
  where not g.tgisinternal
)
select 'comments' as file, what as name, format('comment on %s is %L;', what, description) as text from said
