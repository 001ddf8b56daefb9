create role editor noinherit nologin;
create role reader;
create role manager with login bypassrls in role editor;
create role service with noinherit;
grant reader to editor, manager;
grant anon to service;
grant editor to authenticated;
revoke editor from manager;

alter default privileges in schema public grant select on tables to reader;
alter default privileges revoke execute on functions from public;
alter default privileges in schema public grant execute on functions to anon;

create table post (id int primary key, title text, body text, secret text);
create table draft (id int);
create view post_title as select id, title from post;
create function hello() returns text language sql as $$ select 'hello' $$;

alter default privileges in schema public revoke select on tables from reader;

grant select (id, title), update (title) on post to anon;
grant select, insert on table post, draft to authenticated;
grant all privileges on post to service_role;
grant all (id, body) on draft_of_tomorrow, post to editor;
revoke delete on post from service_role;
revoke select (secret) on post from authenticated;
revoke all on draft from authenticated;
grant delete on all tables in schema public to manager;
grant execute on function hello() to public;
revoke execute on all functions in schema public from anon;
grant usage on schema public to anon, authenticated;
grant usage, select on all sequences in schema public to anon;
grant truncate, references, trigger on post to anon;

create table draft_of_tomorrow (id int, body text);
create function later() returns int language sql as $$ select 1 $$;

alter table post enable row level security;
create policy read on post for select to anon, authenticated using (true);
create policy "write it" on post as restrictive for insert to authenticated with check (id > 0);
create policy everything on post to public, anon using (id > 0) with check (id > 1);
create policy everyone on post;
comment on policy read on post is 'Everyone reads.';
comment on role editor is 'Writes.';
