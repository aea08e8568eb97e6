// The theme that the page will have and whether its type is a projector's, set before it is painted; BatchViz.Stage takes over from here. On pages without it,
// a button with data-theme-toggle changes the theme.
(() => {
  let theme = null, projector = null;
  try {
    projector = localStorage.getItem('batchviz.projector');
    theme = localStorage.getItem('batchviz.theme');
  } catch {
    // Storage may be refused; then the system decides.
  }
  if (theme !== 'dark' && theme !== 'light') theme = matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
  document.documentElement.dataset.theme = theme;
  document.documentElement.toggleAttribute('data-projector', projector === 'on' || (projector !== 'off' && matchMedia('(min-width: 1800px)').matches));
  document.addEventListener('click', (event) => {
    if (event.target.closest?.('[data-theme-toggle]') == null) return;
    theme = theme === 'dark' ? 'light' : 'dark';
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem('batchviz.theme', theme);
    } catch {
      // Then it holds for this page.
    }
  });
})();
