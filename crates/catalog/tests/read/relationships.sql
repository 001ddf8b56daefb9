-- In both directions, one to one, through junctions, and through views.
create table person (id int primary key, boss int references person, name text);
create table passport (person_id int primary key references person);
create table project (id int, region int, primary key (region, id));
create table task (
    person_id int references person,
    project_id int,
    region int,
    reviewer_id int references person,
    note text,
    foreign key (region, project_id) references project,
    primary key (person_id, region, project_id)
);
create view shown_person as select id as number, name from person;
create view shown_task as select project_id, region, person_id from task;
create view half_of_the_key as select project_id from task;
create view twice as select id, id as again from person;
