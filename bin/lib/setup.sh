# Finds or installs what a build and its tests need. Each function keeps what is there and says what it installs.
# Source this file after common.sh.
# shellcheck shell=bash disable=SC2154

# cargo-leptos 0.3.11 needs a newer Rust than this project.
cargo_leptos_version="0.3.10"
# Older releases of wasm-opt cannot read the WebAssembly that Rust makes today. Debian 12 and Ubuntu 24.04 have 108.
wasm_opt_oldest=119
binaryen_npm_version="132.0.0"

wasm_bindgen_version() {
  awk '/^name = "wasm-bindgen"$/ { getline; gsub(/[^0-9.]/, ""); print; exit }' "$root/Cargo.lock"
}

# rust-toolchain.toml pins a version. If rustup has that version under another name, such as "stable", the script uses that name.
# This saves a download, which some networks do not allow.
rust_by_another_name() {
  local wanted toolchain
  wanted="$(sed -n 's/^channel *= *"\([0-9][0-9.]*\)".*/\1/p' "$root/rust-toolchain.toml")"
  [ -n "$wanted" ] || return 1
  for toolchain in $(rustup toolchain list 2>/dev/null | cut -d' ' -f1); do
    case "$(RUSTUP_AUTO_INSTALL=0 rustc "+$toolchain" --version 2>/dev/null)" in
      "rustc $wanted "*)
        export RUSTUP_TOOLCHAIN="$toolchain"
        say "Rust $wanted: taking the toolchain $toolchain, which is that version"
        return 0
        ;;
    esac
  done
  return 1
}

setup_rust() {
  cd "$root" || return 1
  have cargo || {
    fail "Install Rust first: https://rustup.rs"
    return 1
  }
  have cc || have clang || have gcc || apt_install build-essential || {
    fail "Install a C compiler first: SQLite is compiled from C." \
      "Debian, Ubuntu: apt-get install build-essential   macOS: xcode-select --install"
    return 1
  }
  if have rustup; then
    # RUSTUP_AUTO_INSTALL=0: this command only asks, and the lines below install.
    if ! RUSTUP_AUTO_INSTALL=0 rustc --version >/dev/null 2>&1 && ! rust_by_another_name; then
      timed "Installing the Rust toolchain of rust-toolchain.toml" "about 1 min" rustup toolchain install >&2 || return 1
    fi
    if ! rustup target list --installed | grep -qx wasm32-unknown-unknown; then
      timed "Adding Rust's browser target" "some seconds" rustup target add wasm32-unknown-unknown >&2 || return 1
    fi
    if ! cargo clippy --version >/dev/null 2>&1 || ! cargo fmt --version >/dev/null 2>&1; then
      timed "Adding clippy and rustfmt" "some seconds" rustup component add clippy rustfmt >&2 || return 1
    fi
  elif [ ! -d "$(rustc --print target-libdir --target wasm32-unknown-unknown)" ]; then
    fail "This Rust has no target wasm32-unknown-unknown. Install the target with your system's packages, or Rust with https://rustup.rs"
    return 1
  fi
}

setup_node() {
  { have node && have npm; } || {
    fail "The tests need Node.js 20 or newer: https://nodejs.org"
    return 1
  }
}

# cargo_install CRATE VERSION MINUTES: installs into a folder of our own, so that the tools of other projects stay as they are.
# Downloads if that is possible, else compiles, which takes so many minutes of one processor.
cargo_install() {
  local crate=$1 version=$2 minutes=$3
  mkdir -p "$cache" || return 1
  if have cargo-binstall && github_reachable; then
    if timed "Downloading $crate $version with cargo-binstall" "some seconds" with_limit 180 cargo binstall --no-confirm --disable-strategies compile --root "$cache" "$crate@$version" </dev/null >&2; then
      return 0
    fi
  fi
  # Fast to compile rather than fast to run, because these tools only drive other programs. The target folder stays if the
  # build is interrupted, so the next run goes on from there.
  timed "Compiling $crate $version into $cache/bin, once" "$(estimate "$minutes")" env \
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
    cargo install "$crate" --locked --version "$version" --root "$cache" --target-dir "$cache/build" </dev/null >&2 || return 1
  rm -rf "$cache/build"
  hash -r
}

cargo_leptos_download() {
  local platform url file
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) platform=x86_64-unknown-linux-musl ;;
    Linux-aarch64 | Linux-arm64) platform=aarch64-unknown-linux-musl ;;
    Darwin-x86_64) platform=x86_64-apple-darwin ;;
    Darwin-arm64) platform=aarch64-apple-darwin ;;
    *) return 1 ;;
  esac
  github_reachable || return 1
  file="cargo-leptos-$platform.tar.gz"
  url="https://github.com/leptos-rs/cargo-leptos/releases/download/v$cargo_leptos_version/$file"
  timed "Downloading $url" "some seconds" cargo_leptos_fetch "$url" "$file" || return 1
  rm -rf "$cache/download"
  "$cache/bin/cargo-leptos" --version >/dev/null 2>&1 || {
    rm -f "$cache/bin/cargo-leptos"
    return 1
  }
}

cargo_leptos_fetch() {
  local url=$1 file=$2
  mkdir -p "$cache/download" "$cache/bin" || return 1
  (
    cd "$cache/download" || exit 1
    curl -fsSL --connect-timeout 5 --max-time 180 -O "$url" -O "$url.sha256" || exit 1
    if have sha256sum; then sha256sum -c --quiet "$file.sha256"; else shasum -a 256 -c -q "$file.sha256"; fi || exit 1
    tar -xzf "$file" && find . -type f -name cargo-leptos -exec mv -f {} "$cache/bin/cargo-leptos" \;
  ) >&2
}

cargo_leptos_found() {
  local version
  version="$(cargo leptos --version 2>/dev/null | grep -o '[0-9][0-9.]*' | head -n 1)"
  case "$version" in
    0.3.*) version_at_least "$version" "$cargo_leptos_version" ;;
    *) return 1 ;;
  esac
}

setup_cargo_leptos() {
  cargo_leptos_found || cargo_leptos_download || cargo_install cargo-leptos "$cargo_leptos_version" 12 || {
    fail "cargo-leptos $cargo_leptos_version could not be installed." "See https://github.com/leptos-rs/cargo-leptos"
    return 1
  }
}

# cargo-leptos runs the wasm-bindgen that it finds on PATH, of any version. cargo-leptos downloads the right version only if PATH
# has none.
setup_wasm_bindgen() {
  local wanted
  wanted="$(wasm_bindgen_version)"
  if have wasm-bindgen; then
    [ "$(wasm-bindgen --version 2>/dev/null)" != "wasm-bindgen $wanted" ] || return 0
    say "wasm-bindgen on this machine is $(wasm-bindgen --version); Cargo.lock needs $wanted"
  elif github_reachable; then
    return 0
  fi
  cargo_install wasm-bindgen-cli "$wanted" 5 || {
    fail "wasm-bindgen $wanted could not be installed." "Try: cargo install wasm-bindgen-cli --locked --version $wanted"
    return 1
  }
}

# cargo-leptos looks for wasm-opt in the same way. Only release builds run it.
setup_wasm_opt() {
  local version
  if have wasm-opt; then
    version="$(wasm-opt --version 2>/dev/null | grep -o '[0-9][0-9]*' | head -n 1)"
    [ "${version:-0}" -lt "$wasm_opt_oldest" ] || return 0
    say "wasm-opt on this machine is ${version:-of an unknown version}; $wasm_opt_oldest or newer is needed"
  elif github_reachable; then
    return 0
  fi
  setup_node || return 1
  timed "Fetching wasm-opt (npm's binaryen $binaryen_npm_version) into $cache" "some seconds" wasm_opt_from_npm || {
    fail "wasm-opt could not be installed." "Get Binaryen $wasm_opt_oldest or newer: https://github.com/WebAssembly/binaryen/releases"
    return 1
  }
}

wasm_opt_from_npm() {
  mkdir -p "$cache/binaryen" "$cache/bin" || return 1
  npm install --prefix "$cache/binaryen" --no-audit --no-fund --no-save --loglevel=error \
    "binaryen@$binaryen_npm_version" </dev/null >&2 || return 1
  ln -sf "$cache/binaryen/node_modules/binaryen/bin/wasm-opt" "$cache/bin/wasm-opt" || return 1
  hash -r
  "$cache/bin/wasm-opt" --version >/dev/null
}

setup_end2end() {
  setup_node || return 1
  local installed="$root/end2end/node_modules/.package-lock.json"
  # npm writes this file last. So an install that was interrupted is done again.
  if [ ! -f "$installed" ] || [ "$root/end2end/package-lock.json" -nt "$installed" ]; then
    timed "Installing the browser tests' packages (npm ci in end2end/)" "some seconds" end2end_packages || return 1
    touch "$installed"
  fi
}

end2end_packages() { (cd "$root/end2end" && npm ci --no-audit --no-fund --loglevel=error </dev/null >&2); }

playwright_chromium() {
  cd "$root/end2end" || return 1
  node -e 'console.log(require("@playwright/test").chromium.executablePath())' 2>/dev/null
}

browser_find() {
  local candidate
  for candidate in "${CHROMIUM_PATH:-}" \
    "$(command -v chromium || command -v chromium-browser || command -v google-chrome-stable || command -v google-chrome || true)" \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
    "/Applications/Chromium.app/Contents/MacOS/Chromium" \
    "$(playwright_chromium || true)"; do
    # Ubuntu's chromium-browser may be a script that only says how to install the snap. A real browser prints its version.
    if [ -n "$candidate" ] && [ -x "$candidate" ] && with_limit 60 "$candidate" --version >/dev/null 2>&1; then
      CHROMIUM_PATH="$candidate"
      export CHROMIUM_PATH
      return 0
    fi
  done
  return 1
}

playwright_install() { (cd "$root/end2end" && with_limit 600 npx playwright install chromium </dev/null >&2); }

# Run setup_end2end first.
setup_browser() {
  browser_find && return 0
  if apt_install chromium && browser_find; then return 0; fi
  if timed "Downloading Playwright's Chromium" "about 1 min" playwright_install && browser_find; then return 0; fi
  fail "The browser tests need Chromium, which could be neither found nor installed." \
    "Debian: apt-get install chromium   macOS: brew install --cask chromium   any: cd end2end && npx playwright install chromium" \
    "Or set CHROMIUM_PATH to a Chromium or Chrome."
}
