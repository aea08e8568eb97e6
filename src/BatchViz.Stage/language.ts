/**
 * The page's language: English or 简体中文. Both texts of everything that is said stand side by side where it is said, so
 * that neither can be forgotten (docs/decisions/0011). The server has set the document's language; a page that is a file asks
 * its address, then the browser.
 */
export type Language = "en" | "zh";

export const language: Language = decide();

/** `English` or `中文`, whichever the page is read in. */
export const tr = (english: string, chinese: string): string => (language === "zh" ? chinese : english);

function decide(): Language {
  if (typeof document === "undefined") return "en"; // the store runs in Node, too
  const asked = new URLSearchParams(location.search).get("lang");
  if (asked === "en" || asked === "zh") return asked;
  const { lang } = document.documentElement;
  const fromServer = lang !== "" && document.documentElement.dataset["language"] === "decided";
  return (fromServer ? lang : navigator.language).startsWith("zh") ? "zh" : "en";
}
