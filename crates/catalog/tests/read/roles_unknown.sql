create role editor;
create role editor;
create role anon bypassrls;
grant editor to editor;
grant editor to anon;
grant anon to editor;
grant nobody to editor;
grant public to anon;
