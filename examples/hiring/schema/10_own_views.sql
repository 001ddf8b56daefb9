-- What a signed-in user may see of rows or columns that the tables keep back.
-- These views read with the rights of their owner; the condition in each ties the rows to the caller.

create view my_company with (security_barrier = true) as
    select c.id, c.name, c.slug, c.verified, c.billing_email
    from company c
    where c.id in (select my_company_ids());

comment on view my_company is 'The caller''s companies, with the column that is private to members.';

create view my_stage_event with (security_barrier = true) as
    select e.id, e.application_id, e.from_stage, e.to_stage, e.changed_at
    from stage_event e
    join application a on a.id = e.application_id
    where a.candidate_id = (select my_candidate_id());

comment on view my_stage_event is 'The history of the caller''s own applications, without names and reasons.';

create view my_interview with (security_barrier = true) as
    select i.id, i.application_id, i.kind, i.starts_at, i.duration_minutes, i.place
    from interview i
    join application a on a.id = i.application_id
    where a.candidate_id = (select my_candidate_id());

comment on view my_interview is 'The caller''s own interviews, without the outcome.';

grant select on my_company, my_stage_event, my_interview to authenticated, service_role;
