create type mood as enum ('ok');
create type mood as enum ('sad');
create domain mood as text;
create domain a as b;
create domain b as a;
create domain c as moood;
create table mood (id int);
