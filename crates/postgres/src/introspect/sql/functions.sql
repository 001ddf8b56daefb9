-- Functions, procedures and triggers aside.
select coalesce(json_agg(json_build_object(
  'schema', n.nspname,
  'name', p.proname,
  'arguments', coalesce(p.proallargtypes::int8[], p.proargtypes::oid[]::int8[]),
  'names', p.proargnames,
  'modes', p.proargmodes,
  'declared', (
    select json_agg(format_type(a.type, -1) order by a.position)
    from unnest(p.proargtypes) with ordinality a(type, position)
  ),
  'defaults', p.pronargdefaults,
  'returns', p.prorettype::int8,
  'set', p.proretset,
  'rows', p.prorows,
  'volatility', p.provolatile,
  'strict', p.proisstrict,
  'definer', p.prosecdef,
  'comment', d.description,
  'grants', (
    select json_agg(g.grantee::int8) from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
  )
) order by n.nspname, p.proname, p.oid), '[]')
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
left join pg_description d on d.objoid = p.oid and d.classoid = 'pg_proc'::regclass and d.objsubid = 0
where p.prokind = 'f'
  and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
  -- A range type makes its constructors itself.
  and not exists (select from pg_depend i where i.classid = 'pg_proc'::regclass and i.objid = p.oid and i.deptype = 'i')
