# Keeps a throw-away PostgreSQL cluster for as long as standard input stays open, and leaves nothing behind.
# $1: the folder of the server programs. $2: a free port on 127.0.0.1. $3: whether commits wait for the disk, on or off.
# Prints "ready" when the cluster takes connections.
set -eu
PATH="$1:$PATH"
port=$2
folder=$(mktemp -d)
log="$folder/log"
server=

tidy() {
    status=$?
    if [ "$status" != 0 ]; then cat "$log" >&2; fi
    if [ -n "$server" ]; then
        kill -INT "$server" 2>/dev/null || true
        wait "$server" || true
    fi
    rm -rf "$folder"
}
trap tidy EXIT

initdb --pgdata="$folder/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync >"$log" 2>&1

# Nothing here needs to survive a crash: only what measures waits for the disk.
postgres -D "$folder/data" -p "$port" \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=500 -c autovacuum=off \
    -c fsync="$3" -c synchronous_commit="$3" -c full_page_writes="$3" >>"$log" 2>&1 &
server=$!

until pg_isready --quiet --host=127.0.0.1 --port="$port"; do
    kill -0 "$server"
    sleep 0.1
done

# Superusers bypass row-level security, so the tests must not be one.
psql --quiet --host=127.0.0.1 --port="$port" --username=postgres --dbname=postgres \
    --command='create role castellan login createdb' >>"$log" 2>&1

echo ready
cat >/dev/null
