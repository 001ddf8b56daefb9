-- Search over published postings, with the caller's rights.

create function search_postings(
    query text,
    level seniority_level default null,
    workplace remote_policy default null,
    salary_at_least numeric default null,
    skill_slug text default null
)
    returns setof posting
    language sql stable
    as $$
        select p.*
        from posting p
        where p.state = 'published'
          and not exists (
              select 1
              from unnest(string_to_array(query, ' ')) as words (word)
              where (p.title || ' ' || p.summary || ' ' || p.duties || ' ' || p.requirements)
                    not ilike '%' || words.word || '%'
          )
          and (level is null or p.seniority = level)
          and (workplace is null or p.remote = workplace)
          and (salary_at_least is null or p.salary_max >= salary_at_least)
          and (skill_slug is null or exists (
              select 1
              from posting_skill ps
              join skill s on s.id = ps.skill_id
              where ps.posting_id = p.id and s.slug = skill_slug
          ))
        order by p.published_at desc, p.id
    $$;

comment on function search_postings(text, seniority_level, remote_policy, numeric, text) is
    'Published postings that contain every word of the query, the newest first.';

revoke execute on function search_postings(text, seniority_level, remote_policy, numeric, text) from public;
grant execute on function search_postings(text, seniority_level, remote_policy, numeric, text)
    to anon, authenticated, service_role;

-- The same search with words instead of patterns: stems, "phrases", or, -without, and the best match first.
-- posting_words_idx serves it: the condition is written as the index is.

create function find_postings(query text)
    returns setof posting
    language sql stable
    as $$
        select p.*
        from posting p
        where p.state = 'published'
          and to_tsvector('english', p.title || ' ' || p.summary || ' ' || p.duties || ' ' || p.requirements)
              @@ websearch_to_tsquery('english', query)
        order by
            ts_rank(
                setweight(to_tsvector('english', p.title), 'A')
                    || to_tsvector('english', p.summary || ' ' || p.duties || ' ' || p.requirements),
                websearch_to_tsquery('english', query)
            ) desc,
            p.id
    $$;

comment on function find_postings(text) is
    'Published postings that match a query as people type it, the best match first; what the title says counts most.';

revoke execute on function find_postings(text) from public;
grant execute on function find_postings(text) to anon, authenticated, service_role;
