select coalesce(json_agg(z.name), '[]') from pg_timezone_names z
