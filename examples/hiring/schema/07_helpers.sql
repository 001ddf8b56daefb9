-- Who is asking? Small questions that the policies share.
--
-- They are security definer because they must see rows that the caller's own policies are still being decided about.
-- Each tells callers only about themselves. Those that return a set are asked once per query, not once per row, when a
-- policy says "in (select ...)".

create function my_company_ids() returns setof bigint
    language sql stable security definer set search_path = ''
    as $$
        select m.company_id from public.member m where m.user_id = auth.uid()
    $$;

create function is_recruiter(company bigint) returns boolean
    language sql stable security definer set search_path = ''
    as $$
        select exists (
            select 1 from public.member m
            where m.company_id = company and m.user_id = auth.uid() and m.role = 'recruiter'
        )
    $$;

create function my_candidate_id() returns bigint
    language sql stable security definer set search_path = ''
    as $$
        select c.id from public.candidate c where c.user_id = auth.uid()
    $$;

create function my_posting_ids() returns setof bigint
    language sql stable security definer set search_path = ''
    as $$
        select a.posting_id
        from public.application a
        join public.candidate c on c.id = a.candidate_id
        where c.user_id = auth.uid()
    $$;

create function company_application_ids() returns setof bigint
    language sql stable security definer set search_path = ''
    as $$
        select a.id
        from public.application a
        join public.posting p on p.id = a.posting_id
        join public.member m on m.company_id = p.company_id
        where m.user_id = auth.uid()
    $$;

create function company_candidate_ids() returns setof bigint
    language sql stable security definer set search_path = ''
    as $$
        select a.candidate_id
        from public.application a
        join public.posting p on p.id = a.posting_id
        join public.member m on m.company_id = p.company_id
        where m.user_id = auth.uid()
    $$;

comment on function my_company_ids() is 'The companies that the caller is a member of.';
comment on function is_recruiter(bigint) is 'Whether the caller is a recruiter of the company.';
comment on function my_candidate_id() is 'The caller''s candidate row, or null.';
comment on function my_posting_ids() is 'The postings that the caller has applied to.';
comment on function company_application_ids() is 'The applications to the caller''s companies.';
comment on function company_candidate_ids() is 'The candidates who have applied to the caller''s companies.';

revoke execute on function my_company_ids() from public;
revoke execute on function is_recruiter(bigint) from public;
revoke execute on function my_candidate_id() from public;
revoke execute on function my_posting_ids() from public;
revoke execute on function company_application_ids() from public;
revoke execute on function company_candidate_ids() from public;

grant execute on function my_company_ids() to authenticated, service_role;
grant execute on function is_recruiter(bigint) to authenticated, service_role;
grant execute on function my_candidate_id() to authenticated, service_role;
grant execute on function my_posting_ids() to authenticated, service_role;
grant execute on function company_application_ids() to authenticated, service_role;
grant execute on function company_candidate_ids() to authenticated, service_role;
