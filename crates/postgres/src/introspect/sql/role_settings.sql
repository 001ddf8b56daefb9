-- What the database has set for the sessions of roles that requests may run as, as far as the serving role may set it.
select coalesce(json_agg(json_build_array(s.role, s.name, s.value) order by s.role, s.name), '[]')
from (
  select r.rolname as role, c.name, c.value
  from pg_roles r
  cross join lateral (
    select split_part(setting, '=', 1) as name, substr(setting, strpos(setting, '=') + 1) as value
    from unnest(r.rolconfig) setting
  ) c
  join pg_settings p on p.name = c.name
  where pg_has_role(current_user, r.oid, 'member') and (p.context = 'user' or {may_set})
) s
