# Makes a copy of the tree for a test that changes it: a repository with one commit, "Version one", in $upstream. $work goes when the
# script exits. Source this file after common.sh.
# shellcheck shell=bash disable=SC2154

work="$(mktemp -d "${TMPDIR:-/tmp}/waymark-copy.XXXXXX")"
# shellcheck disable=SC2016 # expands when the script exits
on_exit 'rm -rf "$work"'
export GIT_AUTHOR_NAME=Test GIT_AUTHOR_EMAIL=test@example.com GIT_COMMITTER_NAME=Test GIT_COMMITTER_EMAIL=test@example.com
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
upstream="$work/upstream"
mkdir "$upstream"
# The copy has what is not committed yet, too.
(cd "$root" && git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
  if [ -e "$file" ]; then printf '%s\0' "$file"; fi
done | tar --null -T - -cf -) | tar -xf - -C "$upstream"
(cd "$upstream" && git init -q -b main && git add --all && git commit -qm "Version one")
