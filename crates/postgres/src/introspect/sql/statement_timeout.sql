-- What the database has set as the serving role's own statement timeout: the more particular setting counts.
select to_json((
  select substr(c.setting, strpos(c.setting, '=') + 1)
  from pg_db_role_setting s cross join lateral unnest(s.setconfig) c(setting)
  where s.setrole in (0, (select oid from pg_roles where rolname = session_user))
    and s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
    and c.setting like 'statement\_timeout=%'
  order by s.setrole <> 0 desc, s.setdatabase <> 0 desc
  limit 1
))
