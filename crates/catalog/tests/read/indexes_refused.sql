create table t (a int, b text);
create view v as select a from t;
create index i on t (a);
create index i on t (b);
create index on t using btre (a);
create unique index on t using gin (b);
create index on v (a);
create index on nothing (a);
create index on t (a) include (z);
