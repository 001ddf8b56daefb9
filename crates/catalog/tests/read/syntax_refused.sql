-- An error in one statement, or in one file, does not hide those in others.
create table a (id int references);
create table b id int);
create table c (id int check id > 0);
comment on table a 'no is';
create table "" (id int);
-- file: strings.sql
create table d (name text default 'never closed);
-- file: last.sql
create table e (id int) xyz;
create index on e (;
