-- Views: with the owner's rights, and with the caller's.

create view open_job as
    select j.id, j.title, j.urgency, j.machine_id, j.opened_by, j.opened_at
    from job j
    where j.closed_at is null;

create view job_sheet as
    select j.id, j.title, c.name as customer, m.label as machine, j.cost
    from job j
    join machine m on m.id = j.machine_id
    join customer c on c.id = m.customer_id;

create view part_use as
    select p.code, p.name, count(jp.job_id) as jobs, coalesce(sum(jp.quantity), 0) as pieces
    from part p
    left join job_part jp on jp.part_code = p.code
    group by p.code, p.name;

-- Counts every memo, whoever asks.
create view memo_count as
    select shared, count(*) as memos
    from memo
    group by shared;

-- Shows what the caller may see.
create view my_memo with (security_invoker = true) as
    select id, slug, body, shared
    from memo;

grant select on open_job, job_sheet, part_use to anon, authenticated, service_role;
grant select on memo_count to authenticated, service_role;
grant select on my_memo to authenticated, service_role;
