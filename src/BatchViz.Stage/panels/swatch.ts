/** The look of a run in small: a piece of its line with its dash and marker, for the tree and the legend. */
import type { Marker, RunStyle, Theme } from "../style.ts";
import { svg } from "./dom.ts";

const SHAPES: Readonly<Record<Marker, string>> = {
  circle: "M16 8a4 4 0 1 1-8 0 4 4 0 0 1 8 0z",
  square: "M8.500 4.500h7v7h-7z",
  diamond: "M12 3l5 5-5 5-5-5z",
  triangle: "M12 3.500 16.500 12h-9z",
  pentagon: "M12 3.500l4.500 3.400-1.700 5.200H9.200L7.500 6.900z",
  cross: "M10.500 3.500h3v3h3v3h-3v3h-3v-3h-3v-3h3z",
};

export function swatch({ dash, marker }: RunStyle): SVGElement {
  return svg(
    "svg",
    { viewBox: "0 0 24 16", class: "swatch", "aria-hidden": "true" },
    svg("path", { d: "M0 8h24", class: "line", "stroke-dasharray": dash.join(" ") || "none" }),
    svg("path", { d: SHAPES[marker], class: "mark" }),
  );
}

/** Hands the colour of a run to the style sheet. */
export function setRunColour(element: HTMLElement | SVGElement, { colour }: RunStyle, theme: Theme): void {
  element.style.setProperty("--run", colour[theme]);
}
