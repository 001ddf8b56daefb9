-- All roles, each with the roles whose rights it has by membership alone.
select coalesce(json_agg(json_build_object(
  'oid', r.oid::int8,
  'name', r.rolname,
  'superuser', r.rolsuper,
  'bypass', r.rolbypassrls,
  'member_of', (
    select json_agg(g.rolname order by g.rolname)
    from pg_auth_members m join pg_roles g on g.oid = m.roleid
    -- Up to version 15 the role says whether it inherits, later each membership.
    where m.member = r.oid and coalesce((to_jsonb(m) ->> 'inherit_option')::bool, r.rolinherit)
  )
) order by r.rolname), '[]')
from pg_roles r
