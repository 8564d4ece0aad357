#!/usr/bin/env bash
# Tests bin/rename, bin/remove-projects and bin/upgrade: renames a copy of the tree, compiles the copy, and lets it take a later
# version. If cargo-generate is installed, it makes a second copy. `bin/test rename` runs this script. bin/rename removes it.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=bin/lib/common.sh
source "$here/common.sh"
# shellcheck source=bin/lib/copy-of-tree.sh
source "$here/copy-of-tree.sh"

# Fails with a message unless the last command did what the message says.
must() { fail "bin/rename: $1" || exit 1; }

cd "$upstream"

step "Names that are refused"
for name in fn my--shop My-Shop 1shop axum waymark auth "a b" std checkout; do
  if bin/rename "$name" >/dev/null 2>&1; then must "took the name $name"; fi
done
for title in 'A "B"' "<b>" "Waymark Two" "A & B"; do
  if bin/rename acme "$title" >/dev/null 2>&1; then must "took the title $title"; fi
done
echo >untidy
if bin/rename acme >/dev/null 2>&1; then must "took a tree with changes"; fi
rm untidy
[ -z "$(git status --porcelain)" ] || must "changed something although it refused"

git clone -q "$upstream" "$work/clone"
cd "$work/clone"
git remote rename origin upstream 2>/dev/null
step "A clone called My Shop"
bin/rename my-shop "My Shop" --blank
[ -z "$(git status --porcelain)" ] || must "left changes that are not committed"
left="$(git grep -Iil waymark | LC_ALL=C sort | tr '\n' ' ')"
# The workflow, the common script and the image name the folder of the tools, which all sites share.
[ "$left" = ".github/workflows/test.yml NOTICE README.md bin/lib/common.sh deploy/Dockerfile docs/upgrade.md " ] ||
  must "left the old name in: $left"
# shellcheck disable=SC2016 # the clone's shell expands
[ "$(bash -c 'source bin/lib/common.sh && echo "$cache"')" = "$cache" ] || must "moved the folder of the tools"
[ ! -e bin/rename ] || must "did not remove itself"
if grep -qE "a rename|without attribution" CONTRIBUTING.md; then must "left suites in CONTRIBUTING.md that are gone"; fi
cargo fmt --check || must "left a tree that is not formatted"
grep -q 'NAME: &str = "My Shop"' src/site.rs || must "did not name the site"

# The tests of the documents need no crate but the standard library.
documents_hold() {
  CARGO_MANIFEST_DIR="$PWD" rustc --edition 2024 --test tests/docs.rs -o "$work/docs" && "$work/docs" --quiet
}
documents_hold || must "left documents with wrong links"

if cargo generate --version >/dev/null 2>&1; then
  step "cargo generate makes the same tree"
  # cargo-generate refuses to work without USER, which containers do not set.
  (cd "$work" && USER="${USER:-test}" cargo generate --git "$upstream" --name my-shop --define title="My Shop" --define blank=true \
    --allow-commands --silent) >"$work/generate.log" 2>&1 || {
    cat "$work/generate.log" >&2
    must "did not run in cargo generate"
  }
  [ -z "$(git -C "$work/my-shop" status --porcelain)" ] || must "left changes that are not committed, in cargo generate"
  # Cargo.toml names the commit that the site began with. cargo generate begins with a commit of its own.
  files_of() { git -C "$1" ls-tree -r HEAD | grep -v '[[:space:]]Cargo.toml$'; }
  [ "$(files_of "$work/my-shop")" = "$(files_of "$work/clone")" ] || must "made another tree in cargo generate"
else
  say "cargo generate is not tested: cargo install cargo-generate"
fi

step "The owner's words beside those of the example"
cp migrations/sqlite/5001_projects.sql migrations/sqlite/5002_invoices.sql
perl -pi -e 's{"Projects", "/projects"}{"Projects and invoices", "/projects"}' src/components/header.rs
git add --all && git commit -qm "A line of both"
said="$(bin/remove-projects 2>&1 || true)"
[[ "$said" == *src/components/header.rs:* ]] || must "bin/remove-projects did not name a line of both: $said"
[ -z "$(git status --porcelain)" ] || must "bin/remove-projects changed something although it refused"
git checkout -q HEAD~1 -- src/components/header.rs
perl -pi -e 's/^    projects$/    projects invoices/' tests/architecture.rs
perl -pi -e 's/"projects" => "user_id/"projects" | "invoices" => "user_id/' src/privacy/tests/export.rs
git commit -qam "Lists of both"
bin/remove-projects
{ grep -qx '    invoices' tests/architecture.rs && grep -q '^ *"invoices" => "user_id' src/privacy/tests/export.rs; } ||
  must "bin/remove-projects did not leave the owner's names in a list"
git reset -q --hard HEAD~2

step "The clone without the example"
bin/remove-projects
left="$(git grep -Iil projects -- src tests/http ':!src/attribution' ':!src/db/error.rs' || true)"
[ -z "$left" ] || must "left the example in: $left"
documents_hold || must "left documents with wrong links, without the example"
git add --all && git commit -qm "Without projects"

step "The clone compiles"
CARGO_TARGET_DIR="$target" cargo check --features ssr --all-targets

step "The clone takes a later version"
# The owner changes a page. Upstream changes a file that has the old name in it, and adds a migration.
perl -pi -e 's/One sentence: what it does, and for whom\./We sell shoes./' README.md
git commit -qam "Our words"
(cd "$upstream" && echo "waymark later" >docs/later.md && perl -pi -e 's/^(#.*Waymark.*)$/$1, version two/ if $. == 1' ARCHITECTURE.md &&
  git add --all && git commit -qm "Version two")
bin/upgrade upstream/main
grep -q 'My Shop, version two' ARCHITECTURE.md || must "bin/upgrade did not bring the change"
grep -qx 'my-shop later' docs/later.md || must "bin/upgrade did not rename what is new"
grep -q 'We sell shoes' README.md || must "bin/upgrade lost the owner's change"
if [ -e bin/rename ] || [ -n "$(git status --porcelain)" ]; then must "bin/upgrade left something behind"; fi
bin/upgrade upstream/main 2>&1 | grep -q 'already' || must "bin/upgrade took the same version twice"

step "A version that conflicts is given up, and taken later"
perl -pi -e 's/^# .*/# Our map/ if $. == 1' ARCHITECTURE.md
git commit -qam "Our map"
(cd "$upstream" && perl -pi -e 's/^(#.*Waymark.*)$/$1 and three/ if $. == 1' ARCHITECTURE.md && git commit -qam "Version three")
if bin/upgrade upstream/main >/dev/null 2>&1; then must "bin/upgrade merged what conflicts"; fi
bin/upgrade --abort
[ -z "$(git status --porcelain)" ] || must "bin/upgrade --abort left something behind"
said="$(bin/upgrade upstream/main 2>&1 || true)"
[[ "$said" == *"changed the same lines"* ]] || must "bin/upgrade did not begin again after --abort: $said"
bin/upgrade --abort
say "bin/rename and bin/upgrade work"
