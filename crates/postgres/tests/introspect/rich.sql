-- One of everything that introspection tells apart.
create schema api;
create schema private;
comment on schema api is 'what is served';
-- Roles belong to the cluster, which other tests share.
do $$ begin
  create role rich_reader nologin;
  create role rich_group nologin;
  create role rich_loner nologin noinherit;
  create role rich_admin nologin bypassrls;
  grant rich_group to rich_reader;
  grant rich_group to rich_loner;
exception when duplicate_object then null;
end $$;

create type api.mood as enum ('sad', 'ok', 'happy');
create type api.point3 as (x int, y int, z numeric(6, 2));
create type api.floats as range (subtype = float8);
create domain api.email as varchar(80) not null default 'a@b' check (value ~ '@');
create domain api.work_email as api.email;
comment on domain api.email is 'an address';

create table private.team (
  id int generated always as identity primary key,
  name text not null,
  secret text
);
create table private.person (
  id bigserial primary key,
  team_id int not null references private.team on delete cascade,
  boss_id bigint references private.person deferrable initially deferred,
  email api.work_email,
  feeling api.mood default 'ok',
  moods api.mood[],
  place api.point3,
  places api.point3[],
  span int4range,
  spans api.floats,
  price numeric(10, 2) default 0,
  code char(3),
  born timestamptz(3),
  since interval,
  net inet,
  bits bit(3),
  flags varbit(8),
  extra jsonb,
  upper_email text generated always as (upper(email)) stored,
  unique nulls not distinct (code, price)
);
alter table private.person drop column flags;
alter table private.person enable row level security;
comment on table private.person is 'who works here';
comment on column private.person.email is 'work';

create view api.teams as select id, name, 1 as one from private.team;
create view api.people with (security_invoker = true) as
  select p.id as person_id, p.email, p.team_id, t.name || '!' as team_name, p.boss_id
  from private.person p join private.team t on t.id = p.team_id;
create view api.people_again as select person_id, team_id from (select * from api.people) as inner_people;
create materialized view api.counts as select team_id, count(*) as number from private.person group by team_id;
create view api.both as select id from private.team union select id from private.team;

create table api.log (at date not null, what text, primary key (at, what)) partition by range (at);
create table api.log_2024 partition of api.log for values from ('2024-01-01') to ('2025-01-01');
create table api."Odd ""Name""" ("a b" int, "select" text unique);

grant usage on schema api to rich_group;
grant select (id, name), update (name) on api.teams to rich_group;
grant select, insert on api.people to rich_reader;
grant select on api.counts to public;

create function api.add(a int, b int default 2) returns int language sql immutable strict as 'select a + b';
create function api.add(a text) returns text language sql stable as 'select a';
create function api.sums(variadic numbers numeric[]) returns numeric language sql as 'select sum(n) from unnest(numbers) n';
create function api.body(json) returns json language sql as 'select $1';
create function api.outs(a int, out b int, inout c text, out d api.mood) language sql as 'select 1, c, ''ok''::api.mood';
create function api.one_out(out single int) language sql as 'select 1';
create function api.list() returns table (id int, name text) language sql rows 5 as 'select 1, ''a''';
create function api.all_people() returns setof api.people language sql stable as 'select * from api.people';
create function api.boss(api.people) returns setof api.people language sql stable rows 1 as 'select * from api.people';
create function api.shout(api.teams) returns text language sql stable as 'select upper($1.name)';
create function api.nowhere() returns point language sql as 'select point(1, 2)';
create function api.middle() returns api.point3 language sql as 'select row(1, 2, 3)::api.point3';
create function api.nothing() returns void language plpgsql security definer as 'begin end';
create function api.anything() returns setof record language sql as 'select 1';
create function api.address() returns api.work_email language sql as 'select ''a@b''::api.work_email';
create function api.touched() returns trigger language plpgsql as 'begin return new; end';
revoke execute on function api.nothing() from public;
grant execute on function api.nothing() to rich_reader;
comment on function api.body is 'gives back what it gets';
create function api.bits(three bit, letters char) returns bit language sql as 'select three';
