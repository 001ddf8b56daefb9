-- Every object that SQL can make again, as its statement: which file it goes to, an identity for its dependencies, a name to sort by.
-- What an extension brought comes with the extension.
with own as (
  select n.oid, n.nspname from pg_namespace n
  where n.nspname not in ('information_schema', 'plinth') and n.nspname !~ '^pg_'
),
brought as (
  select d.classid, d.objid from pg_depend d where d.deptype = 'e'
),
classes as (
  select c.*, format('%I.%I', n.nspname, c.relname) as sql
  from pg_class c join own n on n.oid = c.relnamespace
  where not exists (select from brought b where b.classid = 'pg_class'::regclass and b.objid = c.oid)
),
types as (
  select t.*, format('%I.%I', n.nspname, t.typname) as sql
  from pg_type t join own n on n.oid = t.typnamespace
  where not exists (select from brought b where b.classid = 'pg_type'::regclass and b.objid = t.oid)
),
functions as (
  select p.*, format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as sql
  from pg_proc p join own n on n.oid = p.pronamespace
  where p.prokind in ('f', 'p', 'w')
    and not exists (select from brought b where b.classid = 'pg_proc'::regclass and b.objid = p.oid)
    -- A range type makes its constructors itself.
    and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'i')
)
select 'schemas' as file, 'pg_extension:' || e.oid as key, '1' || e.extname as name,
  format('create extension if not exists %I with schema %I;', e.extname, n.nspname) as text
from pg_extension e join pg_namespace n on n.oid = e.extnamespace
where e.extname <> 'plpgsql' and n.nspname = 'pg_catalog'
union all
select 'schemas', 'pg_extension:' || e.oid, '1' || e.extname,
  format('create extension if not exists %I with schema %I;', e.extname, n.nspname)
from pg_extension e join own n on n.oid = e.extnamespace
union all
select 'schemas', 'pg_namespace:' || n.oid, '0' || n.nspname, format('create schema if not exists %I;', n.nspname)
from own n
union all
select 'types', 'pg_type:' || t.oid, t.sql, format('create type %s as enum (%s);', t.sql, (
    select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid))
from types t where t.typtype = 'e'
union all
select 'types', 'pg_type:' || t.oid, t.sql, format('create type %s as (%s);', t.sql, (
    select string_agg(format(E'\n  %I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ',' order by a.attnum)
    from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped) || E'\n')
from types t join pg_class c on c.oid = t.typrelid and c.relkind = 'c'
union all
select 'types', 'pg_type:' || t.oid, t.sql, format('create type %s as range (subtype = %s%s);', t.sql,
    format_type(r.rngsubtype, null),
    case when r.rngsubdiff <> 0 then ', subtype_diff = ' || r.rngsubdiff::regproc else '' end)
from types t join pg_range r on r.rngtypid = t.oid
union all
select 'types', 'pg_type:' || t.oid, t.sql, format('create domain %s as %s%s%s%s;', t.sql,
    format_type(t.typbasetype, t.typtypmod), ' default ' || t.typdefault, case when t.typnotnull then ' not null' end, (
    select string_agg(format(E'\n  constraint %I %s', k.conname, pg_get_constraintdef(k.oid)), '' order by k.conname)
    from pg_constraint k where k.contypid = t.oid and k.contype = 'c'))
from types t where t.typtype = 'd'
union all
select 'functions', 'pg_proc:' || p.oid, p.sql, pg_get_functiondef(p.oid) || ';' from functions p
union all
select 'tables', 'pg_class:' || c.oid, c.sql, format(
    'create sequence %s as %s start %s increment %s minvalue %s maxvalue %s cache %s%s;', c.sql,
    format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
    case when s.seqcycle then ' cycle' end)
from classes c join pg_sequence s on s.seqrelid = c.oid
where not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'i')
union all
select 'tables', 'pg_class:' || c.oid, c.sql, case
  when c.relispartition then format('create table %s partition of %s %s%s;', c.sql, i.inhparent::regclass,
    pg_get_expr(c.relpartbound, c.oid), ' partition by ' || pg_get_partkeydef(c.oid))
  else format(E'create %stable %s (%s\n)%s%s;', case c.relpersistence when 'u' then 'unlogged ' end, c.sql, (
    select string_agg(E'\n  ' || part, ',' order by position, name) from (
      select 0 as position, lpad(a.attnum::text, 5, '0') as name, concat(quote_ident(a.attname), ' ',
        format_type(a.atttypid, a.atttypmod),
        case when a.attcollation <> t.typcollation then format(' collate %s', a.attcollation::regcollation) end,
        case
          when a.attgenerated = 's' then format(' generated always as (%s) stored', pg_get_expr(d.adbin, d.adrelid))
          when a.attidentity <> '' then format(' generated %s as identity (start %s increment %s minvalue %s maxvalue %s cache %s%s)',
            case a.attidentity when 'a' then 'always' else 'by default' end,
            s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, case when s.seqcycle then ' cycle' end)
          when d.adbin is not null then format(' default %s', pg_get_expr(d.adbin, d.adrelid))
        end,
        case when a.attnotnull then ' not null' end) as part
      from pg_attribute a join pg_type t on t.oid = a.atttypid
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      left join pg_depend o on o.refclassid = 'pg_class'::regclass and o.refobjid = a.attrelid and o.refobjsubid = a.attnum
        and o.classid = 'pg_class'::regclass and o.deptype = 'i'
      left join pg_sequence s on s.seqrelid = o.objid
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      union all
      select case k.contype when 'p' then 1 when 'u' then 2 when 'x' then 3 else 4 end, k.conname,
        format('constraint %I %s', k.conname, pg_get_constraintdef(k.oid))
      from pg_constraint k where k.conrelid = c.oid and k.contype in ('p', 'u', 'x', 'c') and k.convalidated
    ) parts), ' partition by ' || pg_get_partkeydef(c.oid), ' with (' || array_to_string(c.reloptions, ', ') || ')')
  end
from classes c left join pg_inherits i on i.inhrelid = c.oid and c.relispartition
where c.relkind in ('r', 'p') and (c.relispartition or not exists (select from pg_inherits h where h.inhrelid = c.oid))
union all
select 'keys', 'owned:' || c.oid, '0' || c.sql, format('alter sequence %s owned by %s.%I;', c.sql, d.refobjid::regclass, a.attname)
from classes c
join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'a' and d.refobjsubid > 0
join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
where c.relkind = 'S'
union all
select 'keys', 'pg_constraint:' || k.oid, '1' || c.sql || k.conname,
  format('alter table %s add constraint %I %s;', c.sql, k.conname, pg_get_constraintdef(k.oid))
from pg_constraint k join classes c on c.oid = k.conrelid
where k.conparentid = 0 and (k.contype = 'f' or k.contype = 'c' and not k.convalidated)
union all
select case when t.relkind = 'm' then 'views' else 'keys' end, 'pg_class:' || c.oid, '2' || c.sql,
  replace(pg_get_indexdef(c.oid), ' ON ONLY ', ' ON ') || ';'
from classes c join pg_index i on i.indexrelid = c.oid join pg_class t on t.oid = i.indrelid
where c.relkind in ('i', 'I') and not c.relispartition
  and not exists (select from pg_constraint k where k.conindid = c.oid and k.contype in ('p', 'u', 'x'))
union all
select 'views', 'pg_class:' || c.oid, c.sql, format(E'create %sview %s%s as\n%s',
  case c.relkind when 'm' then 'materialized ' end, c.sql,
  ' with (' || array_to_string(c.reloptions, ', ') || ')', pg_get_viewdef(c.oid))
from classes c where c.relkind in ('v', 'm')
union all
select 'triggers', 'pg_rewrite:' || r.oid, '0' || c.sql || r.rulename, pg_get_ruledef(r.oid)
from pg_rewrite r join classes c on c.oid = r.ev_class where r.rulename <> '_RETURN'
union all
select 'triggers', 'pg_trigger:' || g.oid, '1' || c.sql || g.tgname, pg_get_triggerdef(g.oid) || ';'
from pg_trigger g join classes c on c.oid = g.tgrelid
where not g.tgisinternal and coalesce((to_jsonb(g) ->> 'tgparentid')::int8, 0) = 0
union all
select 'policies', 'security:' || c.oid, c.sql, concat_ws(E'\n',
  case when c.relrowsecurity then format('alter table %s enable row level security;', c.sql) end,
  case when c.relforcerowsecurity then format('alter table %s force row level security;', c.sql) end)
from classes c where c.relrowsecurity or c.relforcerowsecurity
union all
select 'policies', 'pg_policy:' || p.oid, c.sql || ' ' || p.polname, format('create policy %I on %s as %s for %s to %s%s%s;',
  p.polname, c.sql, case when p.polpermissive then 'permissive' else 'restrictive' end,
  case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end, (
    select string_agg(case role when 0 then 'public' else quote_ident(pg_get_userbyid(role)) end, ', ' order by pg_get_userbyid(role))
    from unnest(p.polroles) role),
  E'\n  using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
  E'\n  with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
from pg_policy p join classes c on c.oid = p.polrelid
