use leptos::prelude::*;
use qrcode::{Color, EcLevel, QrCode as Code};

/// The quiet zone around a code, in modules: ISO/IEC 18004 asks for four.
const MARGIN: usize = 4;

/// A QR code as SVG. The colours are in the style sheet, because the site has no inline styles. A text that is too long for a code
/// renders nothing.
#[component]
pub fn QrCode(#[prop(into)] text: String, #[prop(into)] label: String) -> impl IntoView {
    let code = Code::with_error_correction_level(text, EcLevel::M).ok()?;
    let (width, modules) = (code.width(), code.to_colors());
    let path: String = modules
        .iter()
        .enumerate()
        .filter(|(_, module)| **module == Color::Dark)
        .map(|(place, _)| format!("M{} {}h1v1h-1z", place % width + MARGIN, place / width + MARGIN))
        .collect();
    let size = width + 2 * MARGIN;
    Some(view! {
        <svg class="qr" viewBox=format!("0 0 {size} {size}") role="img" aria-label=label shape-rendering="crispEdges">
            <rect class="qr-light" width=size height=size/>
            <path class="qr-dark" d=path/>
        </svg>
    })
}
