-- Manuals that are searched: a vector kept beside the row, an index on an expression, and text without either.

create table manual (
    id integer primary key,
    title text,
    body text not null,
    facts jsonb not null default '{}',
    shelf text not null default 'open',
    words tsvector generated always as (
        setweight(to_tsvector('english', coalesce(title, '')), 'A') || setweight(to_tsvector('english', body), 'B')
    ) stored
);
create index manual_words on manual using gin (words);
create index manual_body on manual using gin (to_tsvector('english', body));

alter table manual enable row level security;
create policy manual_open on manual for select using (shelf = 'open');
create policy manual_staff on manual for all to authenticated using (true) with check (true);
grant select on manual to anon;
grant select, insert, update, delete on manual to authenticated;

create table found_word (id integer primary key, words tsvector, wanted tsquery);
grant select, insert, update, delete on found_word to authenticated;

create view manual_search with (security_invoker = true) as
select id, title, words, length(words) as different_words from manual;
grant select on manual_search to anon, authenticated;

create function search_manuals(query text) returns table (id integer, title text, rank real) language sql stable as $$
    select m.id, m.title, ts_rank(m.words, websearch_to_tsquery('english', query)) as rank
    from manual m
    where m.words @@ websearch_to_tsquery('english', query)
    order by rank desc, m.id
$$;
