#!/usr/bin/env bash
# Checks what is in deploy/, with the tools that this machine has. `bin/test deploy` runs this script. The last line is the count.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=bin/lib/common.sh
source "$here/common.sh"
cd "$root"
work="$(mktemp -d "${TMPDIR:-/tmp}/deploy-test.XXXXXX")"
# shellcheck disable=SC2016 # expands when the script exits
on_exit 'rm -rf "$work"'
passed=0
failed=0

# check NAME COMMAND…: counts the command's result, and shows its output if it failed.
check() {
  local name=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    passed=$((passed + 1)) && say "ok      $name"
  else
    failed=$((failed + 1)) && say "FAILED  $name" && cat "$work/log" >&2
  fi
}
# with_tool TOOL NAME COMMAND…: the same, if the tool is there.
with_tool() {
  if have "$1"; then check "${@:2}"; else say "left    $2: there is no $1 here"; fi
}

scripts() { git ls-files bin deploy .ci | while read -r file; do if head -n 1 "$file" | grep -qE '^#!.*(bash|sh)$'; then echo "$file"; fi; done; }
parses() { scripts | while read -r file; do bash -n "$file" || exit 1; done; }
# shellcheck disable=SC2046 # the names have no spaces
lints() { shellcheck --severity=warning --external-sources $(scripts); }
check "the scripts parse" parses
with_tool shellcheck "shellcheck finds nothing" lints

same_rust() { grep -qF "FROM rust:$(sed -n 's/^channel = "\([0-9]*\.[0-9]*\).*/\1/p' rust-toolchain.toml)-" deploy/Dockerfile; }
check "the image is built with the Rust of rust-toolchain.toml" same_rust
with_tool hadolint "hadolint finds nothing" hadolint --failure-threshold warning deploy/Dockerfile

# The program and systemd's own units are not here, so the check names another program.
units() {
  sed 's#^ExecStart=/opt/[^ ]*#ExecStart=/bin/true#' deploy/systemd/site.service >"$work/waymark.service"
  sed 's#^ExecStart=/opt/[^ ]*#ExecStart=/bin/true#' deploy/systemd/backup.service >"$work/waymark-backup.service"
  cp deploy/systemd/backup.timer "$work/waymark-backup.timer"
  systemd-analyze verify "$work"/waymark*.service "$work"/waymark*.timer 2>&1 | tee "$work/units"
  ! grep -qF "$work" "$work/units"
}
with_tool systemd-analyze "the units are right" units
# From 0 (nothing allowed) to 10.
exposure() { systemd-analyze security --offline=yes --threshold=20 "$work/waymark.service"; }
if have systemd-analyze && systemd-analyze security --help 2>/dev/null | grep -q offline; then
  check "the site's unit is exposed by at most 2.0 of 10" exposure
fi

with_tool caddy "Caddy takes its configuration" env DOMAIN=www.example.com UPSTREAM=127.0.0.1:3000 \
  caddy validate --adapter caddyfile --config deploy/Caddyfile
nginx_takes() {
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/privkey.pem" -out "$work/fullchain.pem" -subj /CN=www.example.com || return 1
  sed "s#/etc/letsencrypt/live/www.example.com#$work#" deploy/nginx.conf >"$work/site.conf"
  printf 'pid %s/pid; error_log stderr; events {} http { include %s/site.conf; }' "$work" "$work" >"$work/nginx.conf"
  nginx -t -c "$work/nginx.conf"
}
with_tool nginx "nginx takes its configuration" nginx_takes

dry_run() { deploy/server --dry-run --release bin/build www.example.com | grep -q 'because of --dry-run\|Nothing to change'; }
if have dpkg-query; then check "deploy/server says what it would do" dry_run; fi
refuses() { ! deploy/server --dry-run "$1"; }
for domain in localhost "www.example.com;reboot" -x ""; do check "deploy/server refuses the name ${domain:-(none)}" refuses "$domain"; done

backups() {
  local folder="$work/backups" program="$work/program"
  mkdir "$folder"
  # shellcheck disable=SC2016
  printf '#!/bin/sh\n[ "$1" = backup ] && [ -z "${BREAK:-}" ] && echo data >"$2"\n' >"$program"
  chmod +x "$program"
  touch -d '40 days ago' "$folder/waymark-2020-01-01T000000Z.backup" "$folder/other.backup"
  touch -d '10 days ago' "$folder/waymark-2020-02-01T000000Z.backup"
  ! BREAK=yes deploy/backup "$program" "$folder" || return 1
  [ "$(find "$folder" -type f | wc -l)" -eq 3 ] || return 1
  BACKUP_AFTER="cp -t $work" deploy/backup "$program" "$folder" || return 1
  [ -z "$(find "$folder" -name '*2020-01-01*' -o -name '*.part')" ] && [ -e "$folder/other.backup" ] || return 1
  [ "$(find "$folder" -name 'waymark-*' -type f | wc -l)" -eq 2 ] && [ -n "$(find "$work" -maxdepth 1 -name '*.backup')" ] || return 1
  [ "$(stat -c %a "$(find "$work" -maxdepth 1 -name '*.backup')")" = 600 ]
}
if stat -c %a . >/dev/null 2>&1; then check "a backup is made, old ones go, and a failure removes nothing" backups; fi

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
