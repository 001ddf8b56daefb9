-- Hidden columns: team.plan, account.email, account.token, account.score, account.backup_team_id, document.secret_note.
-- Hidden rows: whatever is not "listed". Hidden tables: audit, and the function audit_size.

create table team (
    id integer primary key,
    name text not null,
    listed boolean not null,
    plan text,
    lead_id integer
);

create table account (
    id integer primary key,
    user_id uuid,
    team_id integer references team (id),
    manager_id integer references account (id),
    name text not null,
    listed boolean not null,
    profile jsonb not null default '{}',
    email text unique,
    token text unique,
    score integer not null default 1,
    backup_team_id integer references team (id)
);
alter table team add constraint team_lead_fkey foreign key (lead_id) references account (id);

create table document (
    id integer primary key,
    account_id integer not null references account (id) on delete cascade,
    title text not null,
    secret_note text,
    size integer not null default 0
);

create table label (
    id integer primary key,
    name text not null
);

create table document_label (
    document_id integer not null references document (id) on delete cascade,
    label_id integer not null references label (id),
    primary key (document_id, label_id)
);

create table audit (
    id integer primary key,
    account_id integer references account (id),
    what text not null
);

alter table team enable row level security;
alter table account enable row level security;
alter table document enable row level security;
alter table document_label enable row level security;

create policy team_listed on team for select to anon, authenticated using (listed);
create policy account_listed on account for select to anon, authenticated using (listed);
create policy account_own on account for update to authenticated
    using (user_id = auth.uid()) with check (user_id = auth.uid());
create policy document_read on document for select to anon, authenticated
    using (exists (select 1 from account a where a.id = document.account_id));
create policy document_own on document for all to authenticated
    using (account_id in (select a.id from account a where a.user_id = auth.uid()))
    with check (account_id in (select a.id from account a where a.user_id = auth.uid()));
create policy document_label_read on document_label for select to anon, authenticated
    using (exists (select 1 from document d where d.id = document_label.document_id));

grant select (id, name, lead_id) on team to anon, authenticated;
grant select (id, user_id, team_id, manager_id, name, profile) on account to anon, authenticated;
grant update (name, profile) on account to authenticated;
grant select (id, account_id, title, size) on document to anon, authenticated;
grant insert (id, account_id, title, size), update (title, size), delete on document to authenticated;
grant select on label, document_label to anon, authenticated;
grant select, insert, update, delete on team, account, document, label, document_label, audit to service_role;

-- With the caller's rights: what is not seen is not counted, and must not make a division or a cast fail.
create view account_document with (security_invoker = true) as
    select a.id, a.name, count(d.id) as documents, sum(d.size) as size
    from account a
    left join document d on d.account_id = a.id
    group by a.id, a.name;

create view size_share with (security_invoker = true) as
    select d.id, 1000 / d.size as share
    from document d;

grant select on account_document, size_share to anon, authenticated;

-- Conditions that can fail, in each place where a database may evaluate them before the policies.
create view share_of_common with (security_invoker = true) as
    with sized as (select d.id, d.size from document d)
    select s.id from sized s where 1000 / s.size > 40;

create view share_of_group with (security_invoker = true) as
    select d.size, count(*) as documents from document d group by d.size having 1000 / d.size > 40;

create view share_joined with (security_invoker = true) as
    select d.id, l.id as label_id from document d join label l on 1000 / d.size > l.id;

create view share_left_joined with (security_invoker = true) as
    select l.id as label_id, d.id from label l left join document d on 1000 / d.size > l.id;

create view share_right_joined with (security_invoker = true) as
    select l.id as label_id, d.id from document d right join label l on 1000 / d.size > l.id;

create view share_full_joined with (security_invoker = true) as
    select l.id as label_id, d.id from document d full join label l on 1000 / d.size > l.id;

create view share_nested with (security_invoker = true) as
    select q.id, l.id as label_id
    from (select d.id, d.size from document d) q join label l on 1000 / q.size > l.id;

grant select on share_of_common, share_of_group, share_joined, share_left_joined, share_right_joined,
    share_full_joined, share_nested to anon, authenticated;

create table gauge (
    id integer primary key,
    account_id integer not null references account (id),
    size integer not null
);
alter table gauge enable row level security;
create policy gauge_of_listed on gauge for all to anon, authenticated
    using (exists (select 1 from account a where a.id = gauge.account_id));
create view gauge_share with (security_invoker = true) as
    select g.id, g.size, 1000 / g.size as share from gauge g;
grant select, update, delete on gauge, gauge_share to anon, authenticated;
grant select, insert, update, delete on gauge to service_role;

-- Rights on a view with the caller's rights are not rights on the table behind it.
create table notice (
    id integer generated by default as identity primary key,
    words text not null default 'none'
);
create view notice_board with (security_invoker = true) as select n.id, n.words from notice n;
grant select on notice to anon, authenticated;
grant select, insert, update, delete on notice_board to anon, authenticated;

create function older_than(years integer) returns table (id integer)
    language sql stable
    as $$ select a.id from account a where (profile ->> 'age')::integer > years $$;

create function account_count() returns bigint
    language sql stable
    as $$ select count(*) from account $$;

create function find_document(words text) returns table (id integer, title text)
    language sql stable
    as $$ select d.id, d.title from document d where d.title ilike '%' || words || '%' order by d.id $$;

create function audit_size() returns bigint
    language sql stable security definer set search_path = ''
    as $$ select count(*) from public.audit $$;
revoke execute on function audit_size() from public;
grant execute on function audit_size() to service_role;
