-- How much of the running attempt's output is kept, counted by the server itself.
alter table task add column output_bytes bigint not null default 0;
