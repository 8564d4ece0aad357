// Before the first paint: the colours chosen on an earlier visit. Switching is the theme switch's (src/components/islands).
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is refused: the system's colours, then.
}
