-- For what comes in: it goes out again.
create function echo(words text) returns text language sql immutable as $$ select words $$;
