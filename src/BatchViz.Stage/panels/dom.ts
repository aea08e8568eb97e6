/** The few lines of DOM help that the panels share. Text is always set as text, never parsed. */

type Attributes = Record<string, string | number | boolean | ((event: Event) => void)>;

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  apply(element, attributes);
  element.append(...children);
  return element;
}

export function svg(tag: string, attributes: Attributes, ...children: Node[]): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  apply(element, attributes);
  element.append(...children);
  return element;
}

function apply(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else element.setAttribute(name, String(value));
  }
}

/** Whether a dialog or an open menu, Stage's or the owner's components', has the keys to itself. */
export const keysAreTaken = (): boolean =>
  document.querySelector("dialog[open], [role=dialog][aria-modal=true], .mud-popover-open") !== null;

/** Writes only what differs, so that a figure that stands still costs no layout. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Paths on a 16 × 16 grid. */
const ICONS = {
  start: "M4 3v10M13 3 6 8l7 5z",
  back: "M10.5 3.5 6 8l4.5 4.5",
  play: "M4.5 2.5 13 8l-8.5 5.5z",
  pause: "M5 3v10M11 3v10",
  forward: "M5.5 3.5 10 8l-4.5 4.5",
  epochBack: "M8 3.500 3.500 8 8 12.500M13 3.500 8.500 8 13 12.500",
  epochForward: "M8 3.500 12.500 8 8 12.500M3 3.500 7.500 8 3 12.500",
  range: "M3 3v10M13 3v10M5.500 8h5M5.500 8l1.500-1.500M5.500 8 7 9.500M10.500 8 9 6.500M10.500 8 9 9.500",
  loop: "M4 5.500h6.500a2.500 2.500 0 0 1 0 6.500H5M6.500 3 4 5.500 6.500 8",
  into: "M6.500 2.500a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM9.500 9.500l4 4M5 6.500h3",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  all: "M2 4v8M14 4v8M4.500 8h7M4.500 8l2-2M4.500 8l2 2M11.500 8l-2-2M11.500 8l-2 2",
  fork: "M5 2.500v3a3 3 0 0 0 3 3h0v5M11 2.500v3a3 3 0 0 1-3 3",
  end: "M12 3v10M3 3l7 5-7 5z",
  theme: "M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12",
  eye: "M1.5 8S4 3.5 8 3.5 14.500 8 14.500 8 12 12.500 8 12.500 1.500 8 1.500 8zM8 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
  hidden: "M1.500 8S4 3.500 8 3.500 14.500 8 14.500 8 12 12.500 8 12.500 1.500 8 1.500 8zM3 13 13 3",
  undo: "M6 3 2.5 6.5 6 10M3 6.500h6.500a4 4 0 0 1 0 7H7",
  redo: "M10 3l3.500 3.500L10 10M13 6.500H6.500a4 4 0 0 0 0 7H9",
  edit: "M3 13l.7-3L10.5 3.200l2.300 2.300L6 12.300z",
  panels: "M2 3h12v10H2zM6 3v10M6 9h8",
  left: "M10 4 6 8l4 4",
  right: "M6 4l4 4-4 4",
  down: "M4 6l4 4 4-4",
  frame: "M2.500 6V2.500H6M10 2.500h3.500V6M13.500 10v3.500H10M6 13.500H2.500V10M6 8a2 2 0 1 0 4 0 2 2 0 0 0-4 0z",
  top: "M8 2v7M5 6.500 8 9.500l3-3M2.500 12.500h11",
  follow: "M8 4.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7zM8 1.500v3M8 11.500v3M1.500 8h3M11.500 8h3",
  home: "M3 7.500a5 5 0 1 1 1.200 4M3 12.500v-3.500h3.500",
  picture: "M2 5h3l1-1.500h4L11 5h3v8H2zM8 6.500a2.300 2.300 0 1 0 0 4.600 2.300 2.300 0 0 0 0-4.600z",
  language: "M2.500 4.500h11M8 2.500v2M5 4.500c.600 4 3.500 7.300 7.500 9M11 4.500c-.600 4-3.500 7.300-7.500 9",
  more: "M3 8h.01M8 8h.01M13 8h.01",
} as const;

/** Icons whose shape is an area; the others are strokes only. */
const FILLED: ReadonlySet<string> = new Set(["start", "play", "end"]);

export function icon(name: keyof typeof ICONS): SVGElement {
  const path = svg("path", { d: ICONS[name] });
  return svg("svg", { viewBox: "0 0 16 16", class: FILLED.has(name) ? "icon filled" : "icon", "aria-hidden": "true" }, path);
}

export function button(label: string, content: Node | string, press: () => void, className = ""): HTMLButtonElement {
  return el("button", { type: "button", class: className, "aria-label": label, title: label, onclick: press }, content);
}

/** A choice between a few: a row of buttons of which one is pressed. */
export function choice<T extends string>(
  label: string,
  options: readonly (readonly [T, string])[],
  choose: (value: T) => void,
): { root: HTMLElement; show(value: T): void } {
  const buttons = options.map(([value, text]) => el("button", { type: "button", "data-value": value, onclick: () => choose(value) }, text));
  return {
    root: el("div", { class: "segmented", role: "group", "aria-label": label }, ...buttons),
    show(value) {
      for (const b of buttons) setAttribute(b, "aria-pressed", String(b.dataset["value"] === value));
    },
  };
}

/** A figure and its unit, which stands beside it, quieter. */
export type Reading = readonly [value: string, unit: string];

export interface Line {
  nodes: readonly [HTMLElement, HTMLElement];
  show(reading: Reading): void;
}

export function line(label: string): Line {
  const value = document.createTextNode(""),
    unit = el("small", {});
  return {
    nodes: [el("dt", {}, label), el("dd", {}, value, unit)],
    show([text, name]) {
      setText(value, text);
      setText(unit, name === "" ? "" : ` ${name}`);
    },
  };
}

export const table = (lines: readonly Line[]): HTMLElement => el("dl", { class: "figures" }, ...lines.flatMap((l) => l.nodes));
