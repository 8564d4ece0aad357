//! The addresses of the files that cargo-leptos builds: style sheet, script and WASM.
//!
//! With `hash-files`, each name has a hash of the file's content. `hash.txt` beside the binary lists the hashes and is read once.

use std::{path::Path, sync::OnceLock};

use leptos::config::LeptosOptions;

/// Addresses on this site, for example `/pkg/waymark.4f1c.css`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assets {
    pub css: String,
    pub js: String,
    pub wasm: String,
}

static ASSETS: OnceLock<Assets> = OnceLock::new();

/// Returns the addresses. The first call reads `hash.txt`.
pub fn assets(options: &LeptosOptions) -> &'static Assets {
    ASSETS.get_or_init(|| {
        let hashes = options.hash_files.then(|| read_hashes(&options.hash_file));
        Assets::new(&options.output_name, &options.site_pkg_dir, hashes.as_deref())
    })
}

/// Returns the address of the style sheet, for pages that are written without Leptos. Until a Leptos page has called
/// [`assets`], the address has no hash.
pub fn css() -> &'static str {
    ASSETS.get().map_or("/pkg/waymark.css", |assets| &assets.css)
}

fn read_hashes(file: &str) -> String {
    let path = std::env::current_exe().ok().and_then(|exe| exe.parent().map(|folder| folder.join(file)));
    let path = path.as_deref().unwrap_or(Path::new(file));
    std::fs::read_to_string(path).unwrap_or_else(|error| {
        tracing::error!(path = %path.display(), %error, "the names of the hashed files cannot be read");
        String::new()
    })
}

impl Assets {
    /// Makes the addresses. `hashes` is the content of `hash.txt`, with lines such as `css: 4f1c`.
    fn new(name: &str, pkg: &str, hashes: Option<&str>) -> Self {
        // without cargo-leptos, the file has the name that wasm-bindgen gives it
        let suffix = if hashes.is_none() && option_env!("LEPTOS_OUTPUT_NAME").is_none() { "_bg" } else { "" };
        let hash = |kind: &str| {
            hashes
                .into_iter()
                .flat_map(str::lines)
                .filter_map(|line| line.split_once(':'))
                .find(|(of, _)| of.trim() == kind)
                .map_or_else(String::new, |(_, hash)| format!(".{}", hash.trim()))
        };
        Self {
            css: format!("/{pkg}/{name}{}.css", hash("css")),
            js: format!("/{pkg}/{name}{}.js", hash("js")),
            wasm: format!("/{pkg}/{name}{suffix}{}.wasm", hash("wasm")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_the_hashes_of_their_kind() {
        let assets = Assets::new("waymark", "pkg", Some("js: aaa\nwasm: bbb\ncss: ccc\n"));
        assert_eq!(assets.css, "/pkg/waymark.ccc.css");
        assert_eq!(assets.js, "/pkg/waymark.aaa.js");
        assert_eq!(assets.wasm, "/pkg/waymark.bbb.wasm");
    }

    #[test]
    fn an_empty_list_leaves_the_plain_names() {
        let assets = Assets::new("waymark", "pkg", Some(""));
        assert_eq!(assets.js, "/pkg/waymark.js");
        assert_eq!(assets.wasm, "/pkg/waymark.wasm");
    }
}
