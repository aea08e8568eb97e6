/** What the page remembers from visit to visit, in this browser only. A browser that refuses storage just forgets. */

export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(`batchviz.${key}`);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`batchviz.${key}`, value);
  } catch {
    // Private windows may refuse; the choice then holds until the page is closed.
  }
}
