create table post (
    id int primary key,
    title text default titel,
    a int default (select 1),
    b int check (exists (select 1 from post)),
    c int generated always as (id + 1) stored,
    d int generated always as (c + 1) stored,
    e timestamptz generated always as (now()) stored,
    f int default 'x',
    g boolean check (title),
    h int check (nothing > 0)
);
create index on post (now());
create index on post (id) where tilte = 'a';
create domain short as text check (lenght(value) < 10) check (valeu = 'a');
create policy p on post using (
    auth.uid() is not null
    and ownr = auth.uid()
);
create function wrong(x int) returns text language sql as $body$
    select title
    from post
    where id = x
      and titel = 'a'
$body$;
create function wrong_type() returns int language sql as 'select title from post';
create function count_of(x text) returns bigint language sql as $$
    insert into post (id, titel) values (1, 'a');
    select count(*) from post
$$;
