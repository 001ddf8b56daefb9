-- Computed columns and relationships: what functions of a row add to it.

create table designer (
    id integer primary key,
    first_name text not null,
    last_name text not null
);

create table game (
    id integer primary key,
    name text not null,
    designer_id integer references designer (id),
    sequel_of integer references game (id),
    price numeric(6, 2) not null
);

-- Only some columns of it are readable.
create table contract (
    id integer primary key,
    designer_id integer not null references designer (id),
    title text not null,
    fee numeric(8, 2) not null
);

-- Its rows are not everybody's.
create table sketch (
    id integer primary key,
    designer_id integer not null references designer (id),
    owner uuid not null,
    words text not null
);
alter table sketch enable row level security;
create policy sketch_own on sketch for select to authenticated using (owner = auth.uid());

grant select on designer, game to anon, authenticated;
grant insert, update, delete on game to authenticated;
grant select (id, designer_id, title) on contract to anon;
grant select on contract, sketch to authenticated;

-- Columns.
create function full_name(designer) returns text
    language sql immutable
    as $$ select $1.first_name || ' ' || $1.last_name $$;

create function initials(d designer) returns text
    language sql immutable
    as $$ select left(d.first_name, 1) || left((d).last_name, 1) $$;

create function greeting(d designer) returns text
    language sql immutable
    as $$ select 'Dear ' || full_name(d) || ' (' || d.initials || ')' $$;

create function as_document(d designer) returns jsonb
    language sql immutable
    as $$ select to_jsonb(d) $$;

create function game_count(designer) returns bigint
    language sql stable
    as $$ select count(*) from game where designer_id = $1.id $$;

create function is_cheap(game) returns boolean
    language sql immutable
    as $$ select $1.price < 20 $$;

create view game_overview as
    select g.id, upper(g.name) as title, g.designer_id, full_name(d) as by_whom, d.initials as mark
    from game g join designer d on d.id = g.designer_id;

grant select on game_overview to anon, authenticated;

create function shout(game_overview) returns text
    language sql immutable
    as $$ select $1.title || '!' $$;

create function secret_mark(designer) returns text
    language sql immutable
    as $$ select 'x' $$;
revoke execute on function secret_mark(designer) from public;
grant execute on function secret_mark(designer) to authenticated;

create function fee_class(contract) returns text
    language sql immutable
    as $$ select case when $1.fee > 1000 then 'high' else 'low' end $$;

-- Relationships.
create function designed_by(game) returns setof designer rows 1
    language sql stable
    as $$ select * from designer where id = $1.designer_id $$;

create function designed_by_one(game) returns designer
    language sql stable
    as $$ select * from designer where id = $1.designer_id $$;

create function cheap_games(designer) returns setof game
    language sql stable
    as $$ select * from game where designer_id = $1.id and is_cheap(game) order by price $$;

create function sequels(game) returns setof game
    language sql stable
    as $$ select * from game where sequel_of = $1.id order by id $$;

-- It takes the place of the relationship that the foreign key makes.
create function contract(designer) returns setof contract
    language sql stable security definer
    as $$ select * from contract where designer_id = $1.id and title <> 'Secret' $$;

create function sketches(designer) returns setof sketch
    language sql stable
    as $$ select * from sketch where designer_id = $1.id order by id $$;

create function all_sketches(designer) returns setof sketch
    language sql stable security definer
    as $$ select * from sketch where designer_id = $1.id order by id $$;

create function hidden_games(designer) returns setof game
    language sql stable
    as $$ select * from game where designer_id = $1.id $$;
revoke execute on function hidden_games(designer) from public;

-- Functions that are called.
create function games_from(lowest numeric) returns setof game
    language sql stable
    as $$ select * from game where price >= lowest order by id $$;

create function name_of(d designer) returns text
    language sql immutable strict
    as $$ select d.last_name || ', ' || d.first_name $$;

create function names_of_games() returns table (game text, designer text)
    language sql stable
    as $$ select g.name, name_of(d) from game g left join designer d on d.id = g.designer_id order by g.id $$;

create function count(contract) returns text
    language sql immutable
    as $$ select 'one ' || $1.title $$;
