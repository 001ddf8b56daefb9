create type mood as enum ('sad', 'ok', 'happy');
create type "Odd Name" as enum ();
create domain positive as integer default 1 check (value > 0);
create domain small_positive as positive constraint small check (value < 100) not null;
create domain tags text[] check (cardinality(value) < 5) check (value is not null) constraint tags_check1 check (true);
create domain price numeric(8, 2);
create table thing (
    mood mood default 'ok',
    moods mood[],
    odd "Odd Name",
    size small_positive,
    count positive,
    tags tags,
    price price default 1.5
);
comment on type mood is 'How one feels.';
comment on domain positive is 'More than nothing.';
comment on constraint small on domain small_positive is null;
create extension if not exists pgcrypto with schema extensions;
create extension "uuid-ossp";
