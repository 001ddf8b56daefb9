-- The schemas that are not PostgreSQL's own.
select coalesce(json_agg(json_build_object(
  'name', n.nspname,
  'comment', obj_description(n.oid, 'pg_namespace')
) order by n.nspname <> 'public', n.nspname), '[]')
from pg_namespace n
where n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
