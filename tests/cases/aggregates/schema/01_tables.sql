-- Shops and what they sell.

create table shop (
    id integer primary key,
    name text not null
);

create table item (
    id integer primary key,
    shop_id integer references shop (id),
    name text not null,
    price numeric(6, 2) not null
);

create function price_class(item) returns text
    language sql immutable
    as $$ select case when $1.price < 10 then 'cheap' else 'dear' end $$;

create function with_tax(item) returns numeric
    language sql immutable
    as $$ select round($1.price * 1.2, 2) $$;

create function dear_items(shop) returns setof item
    language sql stable
    as $$ select * from item where shop_id = $1.id and price >= 10 $$;

grant select on shop, item to anon;
