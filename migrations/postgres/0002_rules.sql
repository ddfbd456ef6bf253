-- Rules that wait for confirmation, by the digest that their request in confirmation names.
create table rules_proposal (
    tenant_id  uuid not null references tenant (id),
    digest     bytea not null,
    body       text not null,
    created_at bigint not null,
    primary key (tenant_id, digest)
);
alter table rules_proposal enable row level security;
alter table rules_proposal force row level security;
create policy tenant_only on rules_proposal using ((select castellan_system()) or tenant_id = (select castellan_tenant()))
    with check ((select castellan_system()) or tenant_id = (select castellan_tenant()));
