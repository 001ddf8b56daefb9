-- Who may see and do what: candidates, applications and what belongs to them.
-- anon has no grant on any of these tables.

alter table candidate enable row level security;
alter table application enable row level security;
alter table stage_event enable row level security;
alter table interview enable row level security;
alter table note enable row level security;

grant select, insert, update, delete on candidate, application, stage_event, interview, note to service_role;

-- candidate: one's own row, and read-only for the companies one has applied to.
grant select, delete on candidate to authenticated;
grant insert (
    user_id, given_name, family_name, email, city, country, headline, years_experience, expected_salary, currency,
    languages, links, cv
) on candidate to authenticated;
grant update (
    given_name, family_name, email, city, country, headline, years_experience, expected_salary, currency,
    languages, links, cv
) on candidate to authenticated;

create policy candidate_own on candidate
    for all to authenticated
    using (user_id = auth.uid())
    with check (user_id = auth.uid());

create policy candidate_company_read on candidate
    for select to authenticated
    using (id in (select company_candidate_ids()));

-- application: candidates apply and withdraw; recruiters move it; its candidate and posting never change, because
-- stage is the only column that may be updated.
grant select on application to authenticated;
grant insert (posting_id, candidate_id, source, cover_letter) on application to authenticated;
grant update (stage) on application to authenticated;

create policy application_candidate_read on application
    for select to authenticated
    using (candidate_id = (select my_candidate_id()));

create policy application_member_read on application
    for select to authenticated
    using (exists (
        select 1 from posting p
        where p.id = application.posting_id and p.company_id in (select my_company_ids())
    ));

create policy application_candidate_insert on application
    for insert to authenticated
    with check (
        candidate_id = (select my_candidate_id())
        and stage = 'received'
        and exists (select 1 from posting p where p.id = application.posting_id and p.state = 'published')
    );

create policy application_candidate_withdraw on application
    for update to authenticated
    using (
        candidate_id = (select my_candidate_id())
        and stage in ('received', 'screening', 'interview', 'offer')
    )
    with check (candidate_id = (select my_candidate_id()) and stage = 'withdrawn');

create policy application_recruiter_move on application
    for update to authenticated
    using (
        stage <> 'withdrawn'
        and exists (select 1 from posting p where p.id = application.posting_id and is_recruiter(p.company_id))
    )
    with check (
        stage <> 'withdrawn'
        and exists (select 1 from posting p where p.id = application.posting_id and is_recruiter(p.company_id))
    );

-- A recruiter who applies at the own company cannot move that application, only withdraw it.
create policy application_not_ones_own on application
    as restrictive
    for update to authenticated
    using (true)
    with check (candidate_id is distinct from (select my_candidate_id()) or stage = 'withdrawn');

-- stage_event: added by whoever moves the application, in their own name and now; read by members.
grant select on stage_event to authenticated;
grant insert (application_id, from_stage, to_stage, changed_by, reason) on stage_event to authenticated;

create policy stage_event_member_read on stage_event
    for select to authenticated
    using (application_id in (select company_application_ids()));

create policy stage_event_recruiter_insert on stage_event
    for insert to authenticated
    with check (
        changed_by = auth.uid()
        and to_stage <> 'withdrawn'
        and exists (
            select 1
            from application a
            join posting p on p.id = a.posting_id
            where a.id = stage_event.application_id
              and a.stage = stage_event.from_stage
              and a.candidate_id is distinct from (select my_candidate_id())
              and is_recruiter(p.company_id)
        )
    );

create policy stage_event_candidate_insert on stage_event
    for insert to authenticated
    with check (
        changed_by = auth.uid()
        and to_stage = 'withdrawn'
        and exists (
            select 1 from application a
            where a.id = stage_event.application_id
              and a.stage = stage_event.from_stage
              and a.candidate_id = (select my_candidate_id())
        )
    );

-- interview: planned by recruiters, read by members.
grant select, delete on interview to authenticated;
grant insert (application_id, kind, starts_at, duration_minutes, interviewer_id, place) on interview to authenticated;
grant update (kind, starts_at, duration_minutes, interviewer_id, place, outcome) on interview to authenticated;

create policy interview_member_read on interview
    for select to authenticated
    using (application_id in (select company_application_ids()));

create policy interview_recruiter_insert on interview
    for insert to authenticated
    with check (exists (
        select 1
        from application a
        join posting p on p.id = a.posting_id
        join member m on m.company_id = p.company_id
        where a.id = interview.application_id
          and is_recruiter(p.company_id)
          and m.user_id = interview.interviewer_id
    ));

create policy interview_recruiter_update on interview
    for update to authenticated
    using (exists (
        select 1
        from application a
        join posting p on p.id = a.posting_id
        where a.id = interview.application_id and is_recruiter(p.company_id)
    ))
    with check (exists (
        select 1
        from application a
        join posting p on p.id = a.posting_id
        join member m on m.company_id = p.company_id
        where a.id = interview.application_id
          and is_recruiter(p.company_id)
          and m.user_id = interview.interviewer_id
    ));

create policy interview_recruiter_delete on interview
    for delete to authenticated
    using (exists (
        select 1
        from application a
        join posting p on p.id = a.posting_id
        where a.id = interview.application_id and is_recruiter(p.company_id)
    ));

-- note: any member writes, authors change their own, all members of the company read.
grant select, delete on note to authenticated;
grant insert (application_id, author_id, body, rating) on note to authenticated;
grant update (body, rating) on note to authenticated;

-- Whatever the policies below allow: notes stay within the company, and away from the candidate, even one who works there.
create policy note_company_only on note
    as restrictive
    for all to authenticated
    using (exists (
        select 1
        from application a
        join posting p on p.id = a.posting_id
        where a.id = note.application_id
          and p.company_id in (select my_company_ids())
          and a.candidate_id is distinct from (select my_candidate_id())
    ));

create policy note_read on note
    for select to authenticated
    using (true);

create policy note_insert on note
    for insert to authenticated
    with check (author_id = auth.uid());

create policy note_author_update on note
    for update to authenticated
    using (author_id = auth.uid())
    with check (author_id = auth.uid());

create policy note_author_delete on note
    for delete to authenticated
    using (author_id = auth.uid());
