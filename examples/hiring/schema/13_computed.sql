-- What functions of a row add to it: a column, and a relationship.

create function demand(skill) returns bigint
    language sql stable
    as $$ select count(*) from posting_skill where skill_id = $1.id $$;

comment on function demand(skill) is 'How many of the postings that the caller sees ask for the skill.';

create function alternatives(skill) returns setof skill
    language sql stable
    as $$ select * from skill where category = $1.category and id <> $1.id order by name $$;

comment on function alternatives(skill) is 'The other skills of the same category.';
