-- A small model with every kind of thing that planning has to look at.
create role editor nologin;
grant editor to authenticated;

create type mood as enum ('sad', 'ok', 'happy');

create table clients (
    id integer primary key,
    name text not null,
    secret text
);
create table projects (
    id integer primary key,
    client_id integer references clients (id),
    name text not null,
    budget numeric,
    data jsonb,
    raw json,
    tags text[],
    done boolean not null default false,
    mood mood,
    label text generated always as (upper(name)) stored
);
create table users (
    id integer primary key,
    name text not null
);
create table project_users (
    project_id integer references projects (id),
    user_id integer references users (id),
    primary key (project_id, user_id)
);
create table messages (
    id bigint generated always as identity primary key,
    sender integer constraint messages_sender_fkey references users (id),
    receiver integer constraint messages_receiver_fkey references users (id),
    body text
);
create table nodes (
    id integer primary key,
    parent integer references nodes (id),
    name text
);
-- Nobody but the owner has anything to do with these.
create table vaults (
    id integer primary key,
    project_id integer references projects (id),
    code text
);
create table vault_users (
    vault_id integer references vaults (id),
    user_id integer references users (id),
    primary key (vault_id, user_id)
);
create table notes (
    id integer primary key,
    owner uuid not null,
    body text,
    unique (owner, body)
);
create table circles (id integer primary key, other integer);
create table squares (id integer primary key);

create view project_names as select id, name, client_id from projects;
create view own_names with (security_invoker = true) as select id, name from clients;

create view totals_by_client as select client_id, sum(budget) as total from projects group by client_id;

create function visible_clients() returns setof integer
    language sql stable security definer
    as $$ select id from clients where secret is null $$;
create function is_member(project integer) returns boolean
    language sql stable
    as $$ select exists (select 1 from project_users pu where pu.project_id = project) $$;
create function client_count() returns bigint
    language sql stable security definer
    as $$ select count(*) from clients where secret is not null $$;
create function add(a integer, b integer default 1) returns integer
    language sql immutable strict
    as $$ select a + b $$;
create function find_projects(word text) returns setof projects
    language sql stable
    as $$ select * from projects where name like word $$;
create function one_client(client integer) returns clients
    language sql stable
    as $$ select * from clients where id = client $$;
create function totals() returns table (client integer, total numeric)
    language sql stable
    as $$ select client_id, sum(budget) from projects group by client_id $$;
create function take(json) returns text
    language sql immutable
    as $$ select $1 ->> 'a' $$;
create function rename_client(client integer, new_name text) returns setof clients
    language sql
    as $$ update clients set name = new_name where id = client returning * $$;
create function reset_notes() returns void
    language sql security definer
    as $$ delete from notes $$;
create function private_answer() returns integer
    language sql immutable
    as $$ select 42 $$;
create function over(a integer) returns integer language sql immutable as $$ select a $$;
create function over(a text) returns integer language sql immutable as $$ select 1 $$;
create function sum_all(variadic numbers integer[]) returns integer
    language sql immutable
    as $$ select cardinality(numbers) $$;

revoke execute on function private_answer() from public;

grant select (id, name), insert (id, name), update (name), delete on clients to anon, authenticated;
grant select, insert, update, delete on projects to anon, authenticated;
grant select, insert on users, project_users, messages, nodes to anon;
grant select, insert, update on users, project_users, messages, nodes to editor;
grant select, insert, update, delete on notes to authenticated;
grant select on project_names, own_names to anon, authenticated, service_role;
grant insert, update, delete on project_names to authenticated;
grant insert, update on own_names to authenticated;
grant select, insert on totals_by_client to service_role;
grant select on circles, squares to anon;
grant all on clients, projects, users, project_users, messages, nodes, notes, vaults to service_role;

alter table projects enable row level security;
create policy projects_read on projects for select to anon, authenticated
    using (client_id in (select visible_clients()));
create policy projects_done on projects as restrictive for select to anon using (not done);
create policy projects_write on projects for insert to authenticated with check (is_member(id));
create policy projects_change on projects for update to authenticated
    using (not done) with check (budget < 1000);
create policy projects_small on projects as restrictive for update to authenticated
    using (true) with check (length(name) < 100);

alter table notes enable row level security;
create policy notes_own on notes to authenticated using (owner = auth.uid());

alter table nodes enable row level security;

alter table circles enable row level security;
alter table squares enable row level security;
create policy round on circles to anon using (exists (select 1 from squares s where s.id = other));
create policy flat on squares to anon using (exists (select 1 from circles c where c.id = squares.id));
