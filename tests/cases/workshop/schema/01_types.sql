-- Words and value types.

create type urgency as enum ('low', 'normal', 'high', 'critical');

create domain sku as text check (value ~ '^[A-Z]{2}-[0-9]{3}$');
create domain percentage as numeric(5, 2) check (value between 0 and 100);

-- Roles beside anon, authenticated and service_role. An editor is a signed-in user who may do more, a chief is an editor.
create role editor;
create role chief;
grant authenticated to editor;
grant editor to chief;
