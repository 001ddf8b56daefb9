-- What is in the database and not written, for people to know.
with own as (
  select n.* from pg_namespace n
  where n.nspname not in ('information_schema', 'plinth') and n.nspname !~ '^pg_'
),
brought as (
  select d.classid, d.objid from pg_depend d where d.deptype = 'e'
),
found as (
  select 'pg_class'::regclass::oid as classid, c.oid, format('foreign table %I.%I', n.nspname, c.relname) as what
  from pg_class c join own n on n.oid = c.relnamespace where c.relkind = 'f'
  union all
  select 'pg_class'::regclass, c.oid, format('table %I.%I, which inherits from another', n.nspname, c.relname)
  from pg_class c join own n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition and exists (select from pg_inherits h where h.inhrelid = c.oid)
  union all
  select 'pg_proc'::regclass, p.oid, format('aggregate %I.%I', n.nspname, p.proname)
  from pg_proc p join own n on n.oid = p.pronamespace where p.prokind = 'a'
  union all
  select 'pg_type'::regclass, t.oid, format('base type %I.%I', n.nspname, t.typname)
  from pg_type t join own n on n.oid = t.typnamespace where t.typtype = 'b' and t.typelem = 0
  union all
  select 'pg_operator'::regclass, o.oid, format('operator %I.%s', n.nspname, o.oprname)
  from pg_operator o join own n on n.oid = o.oprnamespace
  union all
  select 'pg_collation'::regclass, o.oid, format('collation %I.%I', n.nspname, o.collname)
  from pg_collation o join own n on n.oid = o.collnamespace
  union all
  select 'pg_ts_config'::regclass, o.oid, format('text search configuration %I.%I', n.nspname, o.cfgname)
  from pg_ts_config o join own n on n.oid = o.cfgnamespace
  union all
  select 'pg_cast'::regclass, o.oid, format('cast from %s to %s', format_type(o.castsource, null), format_type(o.casttarget, null))
  from pg_cast o where o.oid >= 16384
    and not exists (select from pg_depend d where d.classid = 'pg_cast'::regclass and d.objid = o.oid and d.deptype = 'i')
  union all
  select 'pg_event_trigger'::regclass, o.oid, format('event trigger %I', o.evtname) from pg_event_trigger o
  union all
  select 'pg_statistic_ext'::regclass, o.oid, format('statistics %I.%I', n.nspname, o.stxname)
  from pg_statistic_ext o join own n on n.oid = o.stxnamespace
  union all
  select 'pg_publication'::regclass, o.oid, format('publication %I', o.pubname) from pg_publication o
  union all
  select 'pg_default_acl'::regclass, o.oid, format('default privileges of %I', pg_get_userbyid(o.defaclrole)) from pg_default_acl o
)
select f.what from found f
where not exists (select from brought b where b.classid = f.classid and b.objid = f.oid)
order by 1
