-- The roles that the model names, and what they may do beyond what PostgreSQL gives by itself.
with own as (
  select n.* from pg_namespace n
  where n.nspname not in ('information_schema', 'plinth') and n.nspname !~ '^pg_'
),
brought as (
  select d.classid, d.objid from pg_depend d where d.deptype in ('e', 'i')
),
held as (
  select 'schema' as kind, '0' || n.nspname as name, format('%I', n.nspname) as sql, n.nspowner as owner,
    coalesce(n.nspacl, acldefault('n', n.nspowner)) as acl, acldefault('n', n.nspowner) as usual, null::text as part
  from own n
  union all
  select case c.relkind when 'S' then 'sequence' else 'table' end, '1' || n.nspname || '.' || c.relname,
    format('%I.%I', n.nspname, c.relname), c.relowner,
    coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner)),
    acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner), null
  from pg_class c join own n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'S')
    and not exists (select from brought b where b.classid = 'pg_class'::regclass and b.objid = c.oid and c.relkind <> 'S')
  union all
  select 'table', '1' || n.nspname || '.' || c.relname || '.' || a.attname, format('%I.%I', n.nspname, c.relname), c.relowner,
    a.attacl, null, format('%I', a.attname)
  from pg_attribute a join pg_class c on c.oid = a.attrelid join own n on n.oid = c.relnamespace
  where a.attacl is not null and not a.attisdropped
  union all
  select case p.prokind when 'p' then 'procedure' else 'function' end,
    '2' || format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
    format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), p.proowner,
    coalesce(p.proacl, acldefault('f', p.proowner)), acldefault('f', p.proowner), null
  from pg_proc p join own n on n.oid = p.pronamespace
  where p.prokind in ('f', 'p', 'w') and not exists (select from brought b where b.classid = 'pg_proc'::regclass and b.objid = p.oid)
),
granted as (
  select h.kind, h.name, h.sql, h.part, g.grantee, g.is_grantable, g.privilege_type
  from held h, aclexplode(h.acl) g
  where g.grantee <> h.owner
),
named as (
  select grantee as oid from granted
  union
  select unnest(polroles) from pg_policy
),
roles as (
  select r.* from pg_roles r where r.oid in (select oid from named) and r.rolname !~ '^pg_' and not r.rolsuper
)
select 'roles' as file, r.rolname as name, format(
  'do $$ begin create role %I %s%s%s; exception when duplicate_object or unique_violation then null; end $$;', r.rolname,
  case when r.rolcanlogin then 'login' else 'nologin' end, case when r.rolinherit then ' inherit' else ' noinherit' end,
  case when r.rolbypassrls then ' bypassrls' end) as text
from roles r
union all
select 'roles', '~' || g.rolname || ' ' || m.rolname, format('grant %I to %I;', g.rolname, m.rolname)
from pg_auth_members a join roles g on g.oid = a.roleid join roles m on m.oid = a.member
union all
-- What everyone usually has and has not here.
select 'grants', h.name || ' 0', format('revoke %s on %s %s from public;', string_agg(lower(u.privilege_type), ', ' order by u.privilege_type), h.kind, h.sql)
from held h, aclexplode(h.usual) u
where u.grantee = 0 and not exists (
  select from aclexplode(h.acl) g where g.grantee = 0 and g.privilege_type = u.privilege_type)
group by h.kind, h.name, h.sql
union all
-- A schema about which nothing is said could be opened to everyone by whoever makes it again.
select 'grants', h.name || ' 0', format('revoke all on schema %s from public;', h.sql)
from held h
where h.kind = 'schema' and h.sql <> 'public' and not exists (select from aclexplode(h.acl) g where g.grantee = 0)
union all
select 'grants', concat(g.name, ' 1', case g.grantee when 0 then '' else pg_get_userbyid(g.grantee) end, g.is_grantable),
  format('grant %s on %s %s to %s%s;',
    string_agg(lower(g.privilege_type) || coalesce(' (' || g.part || ')', ''), ', ' order by g.privilege_type), g.kind, g.sql,
    case g.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(g.grantee)) end,
    case when g.is_grantable then ' with grant option' end)
from granted g
where not (g.grantee = 0 and g.part is null and g.privilege_type in (
  select u.privilege_type from held h, aclexplode(h.usual) u where h.name = g.name and h.kind = g.kind and u.grantee = 0))
group by g.kind, g.name, g.sql, g.part, g.grantee, g.is_grantable
