-- The words of tasks' titles, in lower case: what a text is sought among, by an index and in the order of ids. The order of
-- words is that of their bytes, as on SQLite, whatever the database's language.
create table task_word (
    tenant_id uuid not null,
    task_id   uuid not null,
    word      text collate "C" not null,
    primary key (tenant_id, task_id, word),
    foreign key (tenant_id, task_id) references task (tenant_id, id)
);
create index task_word_found on task_word (tenant_id, word, task_id);

-- Titles from before. (New ones are cut by the program, which knows every script.) Statements see the rows of one tenant;
-- this one is about all of them.
select set_config('castellan.system', 'on', true);
insert into task_word (tenant_id, task_id, word)
select distinct t.tenant_id, t.id, left(w.word, 32)
from task t cross join regexp_split_to_table(lower(t.title), '[^[:alnum:]]+') as w (word)
where w.word <> '';

alter table task_word enable row level security;
alter table task_word force row level security;
create policy tenant_only on task_word using (castellan_sees(tenant_id)) with check (castellan_sees(tenant_id));
