// The theme that the page will have, set before it is painted; BatchViz.Stage takes over from here.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem('batchviz.theme');
  } catch {
    // Storage may be refused; then the system decides.
  }
  if (theme !== 'dark' && theme !== 'light') theme = matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
  document.documentElement.dataset.theme = theme;
})();
