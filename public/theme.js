// Sets the colours that were chosen on an earlier visit, before the first paint. The island in
// src/components/islands/theme_switch.rs changes them.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // The browser refuses storage. The system's colours stay.
}
