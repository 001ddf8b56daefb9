-- Figures for the public: only published postings of verified companies count.
-- A percentile is the smallest value that at least that share of the postings does not exceed.

create view salary_by_seniority as
    with ranked as (
        select
            p.seniority,
            p.currency,
            p.salary_min,
            p.salary_max,
            p.salary_mid,
            row_number() over (partition by p.seniority, p.currency order by p.salary_mid, p.id) as place,
            count(*) over (partition by p.seniority, p.currency) as total
        from posting p
        join company c on c.id = p.company_id
        where p.state = 'published' and c.verified
    )
    select
        seniority,
        currency,
        count(*) as postings,
        min(salary_min) as lowest,
        max(salary_max) as highest,
        round(avg(salary_mid), 2) as average,
        min(salary_mid) filter (where 4 * place >= total) as percentile_25,
        min(salary_mid) filter (where 2 * place >= total) as median,
        min(salary_mid) filter (where 4 * place >= 3 * total) as percentile_75
    from ranked
    group by seniority, currency;

comment on view salary_by_seniority is 'Yearly salaries of published postings per seniority and currency.';
comment on column salary_by_seniority.average is 'Of the middles of the salary ranges, like the percentiles.';

create view salary_by_skill as
    with ranked as (
        select
            s.id as skill_id,
            s.name as skill,
            p.currency,
            p.salary_min,
            p.salary_max,
            p.salary_mid,
            row_number() over (partition by s.id, p.currency order by p.salary_mid, p.id) as place,
            count(*) over (partition by s.id, p.currency) as total
        from posting p
        join company c on c.id = p.company_id
        join posting_skill ps on ps.posting_id = p.id
        join skill s on s.id = ps.skill_id
        where p.state = 'published' and c.verified
    )
    select
        skill_id,
        skill,
        currency,
        count(*) as postings,
        min(salary_min) as lowest,
        max(salary_max) as highest,
        round(avg(salary_mid), 2) as average,
        min(salary_mid) filter (where 2 * place >= total) as median
    from ranked
    group by skill_id, skill, currency;

comment on view salary_by_skill is 'Yearly salaries of published postings per skill and currency; also shows demand.';

grant select on salary_by_seniority, salary_by_skill to anon, authenticated, service_role;

-- Figures for members: these run with the caller's rights, so everyone counts only what they may see.

create view posting_overview with (security_invoker = true) as
    select
        p.id,
        p.company_id,
        p.title,
        p.state,
        p.published_at,
        count(a.id) as applications,
        count(a.id) filter (where a.stage in ('received', 'screening', 'interview', 'offer')) as in_progress,
        count(a.id) filter (where a.stage = 'hired') as hired,
        max(a.applied_at) as last_application_at
    from posting p
    left join application a on a.posting_id = p.id
    group by p.id, p.company_id, p.title, p.state, p.published_at;

comment on view posting_overview is 'Postings with the number of applications that the caller may see.';

create view time_to_hire with (security_invoker = true) as
    with hire as (
        select
            p.company_id,
            date_trunc('month', e.changed_at at time zone 'UTC')::date as month,
            (e.changed_at at time zone 'UTC')::date - (a.applied_at at time zone 'UTC')::date as days
        from stage_event e
        join application a on a.id = e.application_id
        join posting p on p.id = a.posting_id
        where e.to_stage = 'hired'
    ),
    ranked as (
        select
            company_id,
            month,
            days,
            row_number() over (partition by company_id, month order by days) as place,
            count(*) over (partition by company_id, month) as total
        from hire
    )
    select
        company_id,
        month,
        count(*) as hires,
        min(days) as shortest_days,
        max(days) as longest_days,
        round(avg(days), 1) as average_days,
        min(days) filter (where 2 * place >= total) as median_days
    from ranked
    group by company_id, month;

comment on view time_to_hire is 'Days from application to hire, per company and month of the hire (UTC).';

grant select on posting_overview, time_to_hire to authenticated, service_role;

create function hiring_funnel(company bigint)
    returns table (stage application_stage, reached bigint, share numeric)
    language sql stable
    as $$
        with scope as (
            select a.id
            from application a
            join posting p on p.id = a.posting_id
            where p.company_id = company
        ),
        reached as (
            select 'received'::application_stage as stage, s.id from scope s
            union all
            select e.to_stage, e.application_id
            from stage_event e
            join scope s on s.id = e.application_id
        )
        select
            r.stage,
            count(distinct r.id),
            round(count(distinct r.id) * 100.0 / (select count(*) from scope), 1)
        from reached r
        group by r.stage
        order by r.stage
    $$;

comment on function hiring_funnel(bigint) is
    'How many applications to the company ever reached each stage, and their share of all in percent.';

revoke execute on function hiring_funnel(bigint) from public;
grant execute on function hiring_funnel(bigint) to authenticated, service_role;
