use axum::http::{StatusCode, request::Parts};
use leptos::{either::Either, prelude::*};
use leptos_router::components::Outlet;

use super::sections::menu;
use crate::{auth::require_admin, components::AdminFrame, pages::error::ErrorPage};

/// The frame around every admin page, and the guard in front of it.
///
/// A layer in front of `/admin` has checked the role before (`server/require_role.rs`). The check here keeps the pages closed
/// wherever the routes are mounted. Without the outlet no page is made, so no page queries the database.
#[component]
pub fn AdminLayout() -> impl IntoView {
    if require_admin().is_err() {
        return Either::Left(view! { <ErrorPage status=StatusCode::FORBIDDEN/> });
    }
    let uri = use_context::<Parts>().map(|parts| parts.uri).unwrap_or_default();
    let menu = menu(uri.path(), uri.query().unwrap_or_default());
    Either::Right(view! { <AdminFrame menu><Outlet/></AdminFrame> })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use leptos::reactive::owner::Owner;
    use leptos_meta::provide_meta_context;
    use leptos_router::{
        components::{ParentRoute, Route, Router, Routes},
        location::RequestUrl,
        path,
    };

    use super::*;
    use crate::components::FrameContext;

    /// Renders `/admin/page` in a layout, with nobody signed in. Returns the HTML, and whether the page was made.
    macro_rules! render {
        ($layout:expr) => {{
            static MADE: AtomicBool = AtomicBool::new(false);
            let page = || MADE.store(true, Ordering::Relaxed);
            let html = Owner::new().with(|| {
                provide_meta_context();
                provide_context(RequestUrl::new("/admin/page"));
                provide_context(FrameContext { viewer: None, sign_up: true, notice: ViewFn::default() });
                let routes = view! {
                    <Router>
                        <Routes fallback=|| "no route">
                            <ParentRoute path=path!("/admin") view=$layout>
                                <Route path=path!("page") view=page/>
                            </ParentRoute>
                        </Routes>
                    </Router>
                };
                routes.to_html()
            });
            (html, MADE.load(Ordering::Relaxed))
        }};
    }

    #[test]
    fn without_an_admin_no_page_is_made() {
        let (html, made) = render!(AdminLayout);
        assert!(html.contains("This page is not for your account"), "{html}");
        assert!(!made);
        let (_, made) = render!(Outlet);
        assert!(made, "without the guard it is made");
    }
}
