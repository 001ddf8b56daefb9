-- Primary keys, unique constraints and foreign keys. Those of partitions repeat their table's.
select coalesce(json_agg(json_build_object(
  'relation', k.conrelid::int8,
  'name', k.conname,
  'kind', k.contype,
  'columns', k.conkey,
  'references', nullif(k.confrelid, 0)::int8,
  'referenced', k.confkey,
  'on_delete', k.confdeltype,
  'on_update', k.confupdtype,
  'deferred', k.condeferred,
  -- Since version 15.
  'nulls_not_distinct', coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false)
) order by k.conname), '[]')
from pg_constraint k
left join pg_index i on i.indexrelid = k.conindid and k.contype in ('p', 'u')
where k.contype in ('p', 'u', 'f') and k.conparentid = 0
