create table parent (a int primary key, b int, c text unique, primary key (b));
create table no_key (a int);
create view shown as select a from parent;

create table child (
    a int references parnet,
    b int references parent (d),
    c int references parent (b),
    d int references no_key,
    e int references parent (c),
    f int references shown,
    g int,
    constraint twice check (a > 0),
    constraint twice check (b > 0),
    foreign key (a, b) references parent,
    foreign key (x) references parent,
    unique (a, a),
    constraint parent_pkey unique (g)
);
