#!/usr/bin/env bash
# Tests bin/remove-attribution: removes the attribution from a copy of the tree, compiles the copy, and lets it take a later
# version. `bin/test without-attribution` runs this script. bin/rename removes it.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=bin/lib/common.sh
source "$here/common.sh"
# shellcheck source=bin/lib/copy-of-tree.sh
source "$here/copy-of-tree.sh"

must() { fail "bin/remove-attribution: $1" || exit 1; }

cd "$upstream"
git clone -q "$upstream" "$work/clone"
cd "$work/clone"
git remote rename origin upstream 2>/dev/null

step "A file that the patch does not fit is named"
perl -pi -e 's/attribution/contribution/g' src/config.rs
git commit -qam "Another tree"
said="$(bin/remove-attribution 2>&1 || true)"
[[ "$said" == *src/config.rs* ]] || must "did not name src/config.rs: $said"
[ -z "$(git status --porcelain)" ] || must "left something behind although it refused"
git reset -q --hard HEAD~1

step "A tree that misses a file of the patch is told what to do"
git rm -q bin/dev && git commit -qm "A smaller tree"
said="$(bin/remove-attribution --keep 2>&1 || true)"
[[ "$said" == *"changed nothing"*bin/dev*--exclude=FILE* ]] || must "did not say what to do without bin/dev: $said"
if bin/remove-attribution --rest >/dev/null 2>&1; then must "--rest went on without the patch"; fi
[ -z "$(git status --porcelain)" ] || must "changed something although the patch does not fit"
git apply --3way --whitespace=nowarn --exclude=bin/dev bin/lib/without-attribution.patch 2>/dev/null
bin/remove-attribution --rest
[ ! -d src/attribution ] || must "--rest did not go on after the patch"
git reset -q --hard HEAD~1

step "A tree without the attribution"
bin/remove-attribution
[ -z "$(git diff --name-only)" ] || must "left changes that are not staged"
git commit -qm "Without the attribution"
left="$(git grep -IlE 'attribution::|ATTRIBUTION_' -- src tests end2end bin .env.example deploy '*.md' || true)"
[ -z "$left" ] || must "left the attribution in: $left"
left="$(git ls-files | grep -E 'attribution|beacon|campaign|consent|inspector' | grep -v '^migrations/' || true)"
[ -z "$left" ] || must "left the files: $left"
cargo fmt --check || must "left a tree that is not formatted"

step "Its documents name what is there, and imports run one way"
# These tests read files. So they need no library, and no build of it.
for name in architecture docs sql; do
  CARGO_MANIFEST_DIR="$PWD" rustc --edition 2024 --test "tests/$name.rs" -o "$work/$name"
  "$work/$name"
done

step "bin/remove-projects works there, too"
bin/remove-projects
left="$(git grep -Iil projects -- src tests/http ':!src/db/error.rs' || true)"
[ -z "$left" ] || must "leaves the example in: $left"
git reset -q --hard

step "The tree compiles"
CARGO_TARGET_DIR="$target" cargo check --features ssr --all-targets

step "The tree gets a name, and takes a later version"
bin/rename my-shop "My Shop" --blank
(cd "$upstream" && echo "waymark later" >docs/later.md && git add --all && git commit -qm "Version two")
bin/upgrade upstream/main
grep -qx 'my-shop later' docs/later.md || must "bin/upgrade did not bring the change"
[ ! -d src/attribution ] || must "bin/upgrade brought the attribution back"
bin/upgrade upstream/main 2>&1 | grep -q 'already' || must "bin/upgrade took the same version twice"
say "bin/remove-attribution works"
