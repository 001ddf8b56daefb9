-- Who may see and do what: companies, members, skills, postings.
-- Grants say which columns a role may touch at all; policies say which rows.

alter table company enable row level security;
alter table member enable row level security;
alter table skill enable row level security;
alter table posting enable row level security;
alter table posting_skill enable row level security;

grant usage on schema public to anon, authenticated, service_role;
grant select, insert, update, delete on company, member, skill, posting, posting_skill to service_role;

-- company: everyone sees verified ones, members also their own; recruiters keep the description up to date.
grant select (id, name, slug, about, website, city, country, size, founded_year, verified, created_at)
    on company to anon, authenticated;
grant update (about, website, city, country, size) on company to authenticated;

create policy company_public_read on company
    for select to anon, authenticated
    using (verified);

create policy company_member_read on company
    for select to authenticated
    using (id in (select my_company_ids()));

create policy company_recruiter_update on company
    for update to authenticated
    using (is_recruiter(id))
    with check (is_recruiter(id));

-- member: colleagues see each other.
grant select on member to authenticated;

create policy member_colleague_read on member
    for select to authenticated
    using (company_id in (select my_company_ids()));

-- skill: the same list for everyone.
grant select on skill to anon, authenticated;

create policy skill_read on skill
    for select to anon, authenticated
    using (true);

-- posting: everyone sees published ones, members all of their company, candidates also those they applied to.
-- company_id is not among the columns that may be updated, so a posting stays with its company.
grant select on posting to anon, authenticated;
grant insert (
    company_id, contact_id, title, summary, duties, requirements, benefits, seniority, remote, city, country,
    salary_min, salary_max, currency
) on posting to authenticated;
grant update (
    contact_id, title, summary, duties, requirements, benefits, seniority, remote, city, country,
    salary_min, salary_max, currency, state, published_at, closed_at
) on posting to authenticated;
grant delete on posting to authenticated;

create policy posting_public_read on posting
    for select to anon, authenticated
    using (state = 'published');

create policy posting_member_read on posting
    for select to authenticated
    using (company_id in (select my_company_ids()));

create policy posting_applicant_read on posting
    for select to authenticated
    using (id in (select my_posting_ids()));

-- Whatever the policies above allow: no posting without its company.
create policy posting_company_visible on posting
    as restrictive
    for select to anon, authenticated
    using (exists (select 1 from company c where c.id = posting.company_id));

create policy posting_recruiter_insert on posting
    for insert to authenticated
    with check (is_recruiter(company_id) and state = 'draft');

create policy posting_recruiter_update on posting
    for update to authenticated
    using (is_recruiter(company_id) and state <> 'closed')
    with check (is_recruiter(company_id));

create policy posting_recruiter_delete on posting
    for delete to authenticated
    using (is_recruiter(company_id) and state = 'draft');

-- posting_skill: goes with its posting.
grant select on posting_skill to anon, authenticated;
grant insert (posting_id, skill_id, required, min_years) on posting_skill to authenticated;
grant update (required, min_years) on posting_skill to authenticated;
grant delete on posting_skill to authenticated;

create policy posting_skill_read on posting_skill
    for select to anon, authenticated
    using (exists (select 1 from posting p where p.id = posting_skill.posting_id));

create policy posting_skill_recruiter_write on posting_skill
    for all to authenticated
    using (exists (
        select 1 from posting p
        where p.id = posting_skill.posting_id and p.state <> 'closed' and is_recruiter(p.company_id)
    ))
    with check (exists (
        select 1 from posting p
        where p.id = posting_skill.posting_id and p.state <> 'closed' and is_recruiter(p.company_id)
    ));
