-- Functions to call.

create function add(a integer, b integer default 10) returns integer
    language sql immutable
    as $$ select a + b $$;

create function greet(name text default 'you') returns text
    language sql immutable
    as $$ select 'Hello, ' || name || '!' $$;

create function halve(n numeric) returns numeric
    language sql immutable
    as $$ select n / 2 $$;

create function letters(word text) returns setof text
    language sql immutable
    as $$ select letter from unnest(string_to_array(word, null)) as l (letter) $$;

create function jobs_of(customer integer) returns setof job
    language sql stable
    as $$
        select j.* from job j
        join machine m on m.id = j.machine_id
        where m.customer_id = customer
        order by j.id
    $$;

create function first_job() returns job
    language sql stable
    as $$ select * from job order by id limit 1 $$;

create function turnover(since date default null) returns table (customer text, jobs bigint, total numeric)
    language sql stable
    as $$
        select c.name, count(*), sum(j.cost)
        from job j
        join machine m on m.id = j.machine_id
        join customer c on c.id = m.customer_id
        where since is null or j.opened_at >= since
        group by c.name
        order by c.name
    $$;

create function echo(value jsonb) returns jsonb
    language sql immutable
    as $$ select value $$;

create function measure(json) returns text
    language sql immutable
    as $$ select json_typeof($1) $$;

create function total(numbers integer[]) returns bigint
    language sql immutable
    as $$ select sum(n) from unnest(numbers) as x (n) $$;

create function urgent_first(lowest urgency) returns setof open_job
    language sql stable
    as $$ select * from open_job where urgency >= lowest order by urgency desc, id $$;

-- Overloads, told apart by the names of their parameters.
create function describe(part text) returns text
    language sql stable
    as $$ select p.name from part p where p.code = part $$;

create function describe(job bigint) returns text
    language sql stable
    as $$ select j.title from job j where j.id = job $$;

-- Who is asking, as policies see it.
create function who() returns json
    language sql stable
    as $$
        select json_build_object('role', auth.role(), 'uid', auth.uid(), 'team', auth.jwt() ->> 'team')
    $$;

-- With the caller's rights, and with the owner's.
create function memos_i_see() returns bigint
    language sql stable
    as $$ select count(*) from memo $$;

create function memos_there_are() returns bigint
    language sql stable security definer set search_path = ''
    as $$ select count(*) from public.memo $$;

-- Writes.
create function add_ticket(label text) returns setof ticket
    language sql volatile
    as $$ insert into ticket (label) values (label) returning * $$;

create function rename_box(box_id integer, new_content text) returns integer
    language sql volatile
    as $$ update box set content = new_content where id = box_id returning id $$;

-- Not for everyone.
create function for_editors() returns text
    language sql stable
    as $$ select 'well done' $$;
revoke execute on function for_editors() from public;
grant execute on function for_editors() to editor;
