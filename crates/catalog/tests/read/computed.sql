-- Functions of a row: a parameter of a relation's row type is an argument for each of its columns.
create table person (id integer primary key, first text, last text, boss integer references person (id));
create view boss as select p.id, p.first || '?' as who from person p;
create function full_name(person) returns text language sql as $$ select $1.first || ' ' || $1.last $$;
create function full_name(b boss) returns text language sql as $$ select b.who || full_name.b.id $$;
create function title(prefix text, p person, suffix text default '.') returns text
    language sql as $$ select prefix || full_name(p) || p.full_name || (p).full_name || suffix $$;
create function titles() returns setof text
    language sql as $$ select title('Dr ', p) from person p where (p).id > 1 $$;
create function document(p person) returns jsonb language sql as $$ select to_jsonb(p) $$;
create function present(p person) returns boolean language sql as $$ select p is not null $$;
create function boss_of(person) returns setof person rows 1 language sql as $$ select * from person where id = $1.boss $$;
create function boss_name(person) returns text
    language sql as $$ select b.full_name || full_name(b) from boss_of($1) b $$;
create function strict_name(person) returns text language sql strict as $$ select $1.first $$;
create function pairs() returns table (a text, b text)
    language sql as $$ select p.full_name, b.strict_name from person p left join person b on b.id = p.boss $$;
