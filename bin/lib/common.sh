# Functions that all scripts in bin/ share. Scripts source this file. The file has to work with the bash 3.2 of macOS.
# shellcheck shell=bash

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
# Tools and servers that the scripts fetch go here: outside the clone, so that a second clone can use them and `cargo clean`
# keeps them. All sites made from the starter share the folder, whatever bin/rename called them: tools take minutes to compile.
cache="${WAYMARK_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/waymark}"
target="${CARGO_TARGET_DIR:-$root/target}"
case "$target" in /*) ;; *) target="$root/$target" ;; esac
PATH="$cache/bin:$PATH"
export PATH

say() { printf '%s\n' "$*" >&2; }
step() { printf '==> %s\n' "$*" >&2; }
# Prints each argument as a line of an error and returns 1. The caller decides whether the script ends.
fail() {
  printf 'error: %s\n' "$1" >&2
  shift
  if [ "$#" -gt 0 ]; then printf '       %s\n' "$@" >&2; fi
  return 1
}

# duration SECONDS: 75 → 1 min 15 s
duration() {
  if [ "$1" -lt 60 ]; then echo "$1 s"; else echo "$(($1 / 60)) min $(($1 % 60)) s"; fi
}

# estimate MINUTES: how long work of so many minutes of one processor takes here, about. 12 on four processors → about 3 min
estimate() {
  local processors
  processors="$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)"
  echo "about $((($1 + processors - 1) / processors)) min"
}

# timed WHAT ESTIMATE COMMAND…: says what begins and how long that takes, and afterwards how long the command took.
timed() {
  local what=$1 time=$2 start=$SECONDS status=0
  shift 2
  step "$what ($time)"
  "$@" || status=$?
  if [ "$status" = 0 ]; then say "    took $(duration $((SECONDS - start)))"; else say "    failed after $(duration $((SECONDS - start)))"; fi
  return "$status"
}

have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }

# on_exit COMMAND: runs the command when the script ends, whether by itself or by a signal. The last registered runs first.
exit_commands=()
on_exit() {
  exit_commands+=("$1")
  trap run_exit_commands EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}
run_exit_commands() {
  local status=$? i
  set +e
  for ((i = ${#exit_commands[@]} - 1; i >= 0; i--)); do eval "${exit_commands[$i]}"; done
  exit "$status"
}

# Sets TMPDIR to a folder in memory, on a machine that has 2 GB free there. A disk that is shared with other machines may keep a
# write waiting for longer than the site waits, and that fails tests. Leaves a TMPDIR that is set as it is.
use_memory() {
  local free probe
  [ -z "${TMPDIR:-}" ] || return 0
  free="$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')"
  [ "${free:-0}" -ge 2097152 ] || return 0
  # Some machines let no program run from there.
  probe="$(mktemp /dev/shm/waymark-probe.XXXXXX 2>/dev/null)" || return 0
  printf '#!/bin/sh\n' >"$probe"
  chmod +x "$probe"
  if "$probe" 2>/dev/null; then export TMPDIR=/dev/shm; fi
  rm -f "$probe"
}

# version_at_least HAVE WANT: 0.3.12 0.3.10 → true
version_at_least() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -t. -k1,1n -k2,2n -k3,3n | head -n 1)" = "$2" ]
}

# with_limit SECONDS COMMAND…: ends the command after that time. macOS has no timeout(1).
with_limit() {
  local seconds=$1
  shift
  if have timeout; then
    timeout "$seconds" "$@"
  else
    perl -e 'alarm shift; exec @ARGV or exit 127' "$seconds" "$@"
  fi
}

free_port() {
  node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}

# http_ok URL: true if the response is a 2xx.
http_ok() {
  if have curl; then
    curl -fs -o /dev/null --max-time 5 "$1"
  else
    node -e 'fetch(process.argv[1]).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))' "$1"
  fi
}

# apt_install PACKAGE…: installs as root on Debian or Ubuntu. Elsewhere it fails at once, and the caller says what to do.
apt_install() {
  is_root && have apt-get || return 1
  timed "apt-get install $*" "about 1 min" apt_get "$@"
}
apt_get() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq </dev/null >&2 && apt-get install -y -qq --no-install-recommends "$@" </dev/null >&2
}

# True if release files on GitHub can be reached. Some networks reach crates.io and npm only. A run asks once.
github_answer=""
github_reachable() {
  if [ -z "$github_answer" ]; then
    if have curl && curl -fsIL -o /dev/null --connect-timeout 5 --max-time 15 \
      https://github.com/wasm-bindgen/wasm-bindgen/releases/latest; then
      github_answer=yes
    else
      github_answer=no
    fi
  fi
  [ "$github_answer" = yes ]
}
