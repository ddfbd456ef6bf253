-- The words of tasks' titles, in lower case: what a text is sought among, by an index and in the order of ids.
create table task_word (
    tenant_id blob not null,
    task_id   blob not null,
    word      text not null,
    primary key (tenant_id, task_id, word),
    foreign key (tenant_id, task_id) references task (tenant_id, id)
) without rowid;
create index task_word_found on task_word (tenant_id, word, task_id);

-- Titles from before: cut at the marks of ASCII. (New ones are cut by the program, which knows every script.)
with recursive
    plain (tenant_id, task_id, rest) as (
        select tenant_id, id, lower(
            replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
            replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
                title, '-', ' '), '_', ' '), '.', ' '), ',', ' '), ':', ' '), ';', ' '), '/', ' '), '\', ' '), '(', ' '),
                ')', ' '), '[', ' '), ']', ' '), '{', ' '), '}', ' '), '<', ' '), '>', ' '), '"', ' '), '''', ' '), '#', ' '),
                '=', ' '), '+', ' '), '*', ' '), '@', ' '), '&', ' '), '|', ' '), '!', ' '), '?', ' '), '%', ' ')
        ) || ' '
        from task
    ),
    cut (tenant_id, task_id, word, rest) as (
        select tenant_id, task_id, '', rest from plain
        union all
        select tenant_id, task_id, substr(rest, 1, instr(rest, ' ') - 1), substr(rest, instr(rest, ' ') + 1)
        from cut where rest <> ''
    )
insert or ignore into task_word (tenant_id, task_id, word)
select tenant_id, task_id, substr(word, 1, 32) from cut where word <> '';
