# Builds the release and starts servers on free ports, until the script exits. Source this file after common.sh and setup.sh.
# shellcheck shell=bash disable=SC2154

release_built=""

# Sets the LEPTOS_* variables that cargo-leptos sets for `cargo leptos serve --release`.
release_environment() {
  export LEPTOS_OUTPUT_NAME=waymark LEPTOS_SITE_ROOT="$root/target/site" LEPTOS_SITE_PKG_DIR=pkg LEPTOS_ENV=PROD
  if grep -q '^hash-files *= *true' "$root/Cargo.toml"; then export LEPTOS_HASH_FILES=true; fi
}

# Builds the release, once in a run of a script.
release_build() {
  [ -z "$release_built" ] || return 0
  setup_rust && setup_cargo_leptos && setup_wasm_bindgen && setup_wasm_opt || return 1
  # An earlier build left files with other hashes in their names. These files would be served and counted too.
  rm -rf "$root/target/site/pkg"
  timed "cargo leptos build --release --split --features split" "$(estimate 25), less if parts are built" cargo_leptos_release || return 1
  release_built=yes
}
# release_options hold further arguments. A build that is only tested is done sooner in as many units as a build for development has:
# see Cargo.toml.
release_options=()
quick_release() { release_options=(--bin-cargo-args="--config=profile.release.package.waymark.codegen-units=16"); }
cargo_leptos_release() {
  (cd "$root" && cargo leptos build --release --split --features split ${release_options[@]+"${release_options[@]}"})
}

# make_admin DATABASE_URL: creates an admin with a random password, and sets ADMIN_EMAIL and ADMIN_PASSWORD.
make_admin() {
  export ADMIN_EMAIL=admin@example.com ADMIN_PASSWORD
  ADMIN_PASSWORD="$(node -e 'console.log(require("crypto").randomBytes(18).toString("base64url"))')" || return 1
  (
    cd "$root" && release_environment &&
      printf '%s\n' "$ADMIN_PASSWORD" |
      DATABASE_URL="$1" "$target/release/waymark" admin create --email "$ADMIN_EMAIL" --password-stdin
  )
}

server_pid=""
server_pids=""

# server_start DATABASE_URL LOG COMMAND…: starts the command, sets server_pid and base_url, and returns when /readyz answers.
# The command has to listen on LEPTOS_SITE_ADDR.
server_start() {
  local database_url=$1 log=$2 port tries=0
  shift 2
  port="$(free_port)" || return 1
  base_url="http://127.0.0.1:$port"
  (
    cd "$root" || exit 1
    release_environment
    export LEPTOS_SITE_ADDR="127.0.0.1:$port" DATABASE_URL="$database_url" RUST_LOG="${RUST_LOG:-warn}"
    exec "$@"
  ) </dev/null >"$log" 2>&1 &
  server_pid=$!
  [ -n "$server_pids" ] || on_exit servers_stop
  server_pids="$server_pids $server_pid"
  until http_ok "$base_url/readyz"; do
    tries=$((tries + 1))
    if [ "$tries" -ge 150 ] || ! kill -0 "$server_pid" 2>/dev/null; then
      cat "$log" >&2
      fail "The server did not start. Its log is above."
      return 1
    fi
    sleep 0.2
  done
}

servers_stop() {
  local pid
  for pid in $server_pids; do
    if kill "$pid" 2>/dev/null; then wait "$pid" 2>/dev/null || true; fi
  done
  server_pids=""
}
