/**
 * What the page remembers from visit to visit, in this browser only: what its visitor has chosen, never what a link has set. A browser that
 * refuses storage just forgets.
 */

let visiting = false;

/** What this sets holds for this visit, and nothing of it is remembered: it came by a link. */
export function forThisVisit<T>(set: () => T): T {
  const before = visiting;
  visiting = true;
  try {
    return set();
  } finally {
    visiting = before;
  }
}

export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(`batchviz.${key}`);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  if (visiting) return;
  try {
    localStorage.setItem(`batchviz.${key}`, value);
  } catch {
    // Private windows may refuse; the choice then holds until the page is closed.
  }
}

/**
 * The server renders pages in a language, so that one is a cookie; that of a link (`?lang=`), which is before it, ends. See
 * PageLanguage.cs.
 */
export function rememberLanguage(language: string): void {
  document.cookie = `batchviz.language.chosen=${language}; Path=/; Max-Age=31536000; SameSite=Strict`;
  document.cookie = "batchviz.language.visit=; Path=/; Max-Age=0; SameSite=Strict";
}
