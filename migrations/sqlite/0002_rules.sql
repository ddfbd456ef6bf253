-- Rules that wait for confirmation, by the digest that their request in confirmation names.
create table rules_proposal (
    tenant_id  blob not null references tenant (id),
    digest     blob not null,
    body       text not null,
    created_at bigint not null,
    primary key (tenant_id, digest)
);
