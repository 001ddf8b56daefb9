-- National strings are of type character: the blanks at their end mean nothing.
create function national_text() returns text language sql immutable as $$ select N'a ' || '|' $$;
create function national_length() returns integer language sql immutable as $$ select length(N'abc ') $$;
create function national_cast() returns text language sql immutable as $$ select (N'abc '::text) || '|' $$;
create function national_equal() returns boolean language sql immutable as $$ select N'abc  ' = 'abc' $$;
create function plain_text() returns text language sql immutable as $$ select 'a ' || '|' $$;
create function plain_equal() returns boolean language sql immutable as $$ select 'abc  ' = 'abc' $$;
