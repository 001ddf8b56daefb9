-- The parsed queries of views, as PostgreSQL's tree of nodes.
select coalesce(json_agg(json_build_array(r.ev_class::int8, r.ev_action::text)), '[]')
from pg_rewrite r
join pg_class c on c.oid = r.ev_class and c.relkind in ('v', 'm')
join pg_namespace n on n.oid = c.relnamespace
where r.rulename = '_RETURN' and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
