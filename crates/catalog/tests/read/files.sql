-- Statements may stand in any order, over several files.
-- file: 1.sql
comment on column post.title is 'In ' 'two'
    ' parts.';
create policy read on post for select using (is_public(id) and state = 'open');
alter table post enable row level security;
create view open_post as select id, title from post where state = 'open' and is_public(id);
grant select on open_post to anon;
create index on post (title);
-- file: 2.sql
create function is_public(post_id int) returns boolean language sql stable as $$ select post_id > 0 $$;
create table post (id int primary key, title text, state state not null default 'open', author int references author);
-- file: 3.sql
create type state as enum ('open', 'closed');
create table author (id int primary key);
