//! Files of the built site: the browser's half under `/pkg`, and what lies in `public/`. These routes use no session
//! and no database.

use std::path::Path;

use axum::{
    Router,
    http::{HeaderValue, header},
    response::Response,
};
use leptos::config::LeptosOptions;
use tower::ServiceBuilder;
use tower_http::{
    services::{ServeDir, ServeFile},
    set_header::SetResponseHeaderLayer,
};

/// Returns routes for every file of the built site.
///
/// Each file of `public/` gets a route when the server starts. Looking on the disk for each page's path would slow
/// every page down.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(options: &LeptosOptions) -> Router<S> {
    let root = Path::new(&*options.site_root);
    let package = format!("/{}", options.site_pkg_dir);
    // A file whose name has a hash never changes. Without hashes the browser asks again each time.
    let caching = if options.hash_files { "public, max-age=31536000, immutable" } else { "no-cache" };
    let cached = |value: &'static str| {
        SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, move |response: &Response<_>| {
            response.status().is_success().then_some(HeaderValue::from_static(value))
        })
    };
    let mut router = Router::new().nest_service(
        &package,
        ServiceBuilder::new()
            .layer(cached(caching))
            .service(ServeDir::new(root.join(&*options.site_pkg_dir)).precompressed_br().precompressed_gzip()),
    );
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("/{name}");
        // The package is served above, and axum would read braces as a pattern.
        if path == package || name.contains(['{', '}']) {
            continue;
        }
        let service = ServiceBuilder::new().layer(cached("public, max-age=3600"));
        router = if entry.path().is_dir() {
            router.nest_service(&path, service.service(ServeDir::new(entry.path())))
        } else {
            router.route_service(&path, service.service(ServeFile::new(entry.path())))
        };
    }
    router
}
