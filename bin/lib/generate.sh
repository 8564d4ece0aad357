#!/usr/bin/env bash
# Names the tree that cargo-generate made: commits the files, runs bin/rename, and moves .git into the folder of the site.
# cargo-generate copies the files there afterwards, but not .git.
#
#   bin/lib/generate.sh FOLDER acme "Acme" --blank
set -euo pipefail

# bin/rename removes this file while it runs. bash has read the whole function by then.
generate() {
  local folder=$1 log
  shift
  cd "$(dirname "${BASH_SOURCE[0]}")/../.."
  # rustup named the toolchain that ran cargo-generate. The site has its own: rust-toolchain.toml.
  unset RUSTUP_TOOLCHAIN
  log="$(git init -q . 2>&1 && git symbolic-ref HEAD refs/heads/main && git add --all &&
    git -c user.name="The Waymark authors" -c user.email=authors@waymark.invalid commit -qm "Start from Waymark" 2>&1 &&
    bin/rename "$@" 2>&1)" || {
    # cargo-generate made the folder already. If it stayed, the next try would refuse to use it.
    rmdir "$folder" 2>/dev/null || true
    printf '%s\n' "$log" >&2
    exit 1
  }
  if [ -e "$folder/.git" ]; then
    log="$log

The folder is a git repository already, so the new files are not committed there."
  else
    mv .git "$folder/.git"
  fi
  printf '%s\n' "$log"
  exit
}
generate "$@"
