-- Upserts in functions: what becomes of a row that is there already.

create table tally (
    word text primary key,
    hits integer not null default 1 check (hits < 100),
    best integer,
    loud text generated always as (upper(word)) stored,
    seen_by text[] not null default '{}'
);
create table diary (
    day date primary key,
    owner uuid not null default auth.uid(),
    words text not null
);
alter table diary enable row level security;
create policy diary_own on diary to authenticated using (owner = auth.uid()) with check (owner = auth.uid());
grant select, insert, update on tally, diary to authenticated;
grant insert (word, hits), select (word), update (hits) on tally to anon;

create function hit(word text, points integer) returns setof tally
    language sql
    as $$
        insert into tally as t (word, best) values (hit.word, points)
        on conflict (word) do update
        set hits = t.hits + excluded.hits, best = greatest(t.best, excluded.best),
            seen_by = t.seen_by || (excluded.loud || ':' || t.loud)
        returning *
    $$;

create function raise_best(word text, points integer) returns setof tally
    language sql
    as $$
        insert into tally (word, best) values (raise_best.word, points)
        on conflict (word) do update set best = excluded.best where tally.best is null or tally.best < excluded.best
        returning *
    $$;

create function hits_of(words text[]) returns bigint
    language sql
    as $$
        insert into tally (word) select w from unnest(words) u (w)
        on conflict on constraint tally_pkey do update set hits = tally.hits + (select count(*) from unnest(words));
        select sum(hits) from tally;
    $$;

create function write_day(day date, words text) returns text
    language sql
    as $$
        insert into diary as d (day, words) values (write_day.day, write_day.words)
        on conflict (day) do update set words = d.words || ' / ' || excluded.words
        returning words
    $$;
