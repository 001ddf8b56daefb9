create view a as select 1 as one with check option;
create view b with (check_option = local) as select 1 as one;
create view c with (strange = 1) as select 1 as one;
create recursive view d (n) as select 1;
create temp view e as select 1 as one;
create view f as select 1 from;
create materialized view g as select 1 as one with no data;
