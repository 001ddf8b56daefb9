-- The names that PostgreSQL makes up.

create table parent (
    a int,
    b int,
    c int unique,
    d int,
    constraint parent_natural unique nulls not distinct (c, d),
    primary key (a, b),
    unique (a, b),
    unique (d, c)
);

create table child (
    id int primary key,
    a int,
    b int check (b > 0) check (b < 10),
    c int references parent (c) on delete set null on update cascade,
    d int,
    self int references child,
    foreign key (a, b) references parent,
    foreign key (a, b) references parent (a, b) on delete cascade deferrable initially deferred,
    constraint with_a_name foreign key (d, c) references parent (d, c) match simple on delete set default,
    check (a > b),
    check (a < b),
    check (a > 0),
    constraint child_b_check2 check (d > 0)
);

alter table child add unique (a), add check (d > 1);
alter table child add constraint child_d_key unique (d) include (id);

create table one_to_one (id int primary key references child on delete restrict);

create table a_table_with_a_name_that_is_almost_as_long_as_it_can_be_ (
    a_column_with_quite_a_long_name_too int unique references child,
    b int
);

create unique index parent_d on parent (d);
create table by_index (d int references parent (d));
