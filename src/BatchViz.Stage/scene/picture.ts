/** The scene as a PNG that explains itself: the canvas and, drawn as text, every word and mark that lies over it on the page. */
import { AXIS_LABELS } from "../axis.ts";
import { short } from "../format.ts";
import { tr } from "../language.ts";
import type { Stage } from "../stage.ts";

const FOOT = 28;

/** `canvas` has just been drawn. `around` holds it and what lies over it. */
export function compose(canvas: HTMLCanvasElement, around: HTMLElement, stage: Stage): HTMLCanvasElement {
  const box = around.getBoundingClientRect(),
    place = canvas.getBoundingClientRect();
  const scale = canvas.width / place.width;
  const picture = document.createElement("canvas");
  picture.width = Math.round(box.width * scale);
  picture.height = Math.round((box.height + FOOT) * scale);
  const context = picture.getContext("2d")!;
  const style = getComputedStyle(document.documentElement);
  context.fillStyle = getComputedStyle(document.documentElement).backgroundColor;
  context.fillRect(0, 0, picture.width, picture.height);
  context.drawImage(canvas, (place.x - box.x) * scale, (place.y - box.y) * scale);
  const base = new DOMMatrix([scale, 0, 0, scale, -box.x * scale, -box.y * scale]);
  context.setTransform(base);
  const walker = document.createTreeWalker(around, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, (node) =>
    node instanceof Element && (node.matches("[data-picture=no], .tooltip, .view, .status") || !node.checkVisibility())
      ? NodeFilter.FILTER_REJECT
      : NodeFilter.FILTER_ACCEPT,
  );
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    if (node instanceof Text) drawText(context, node);
    else if (node instanceof SVGGeometryElement) drawShape(context, node, base);
    else if (node instanceof HTMLElement) drawBox(context, node);
  }
  context.setTransform(base);
  context.fillStyle = style.getPropertyValue("color");
  context.font = `600 12px ${getComputedStyle(document.body).fontFamily}`;
  context.textBaseline = "middle";
  context.fillText(`${stage.manifest?.name ?? ""} · ${moment(stage)} · BatchViz`, box.x + 16, box.bottom + FOOT / 2 - 4);
  return picture;
}

/** "1.2M of 3M examples", in the axis that everything is compared by. */
function moment(stage: Stage): string {
  const axis = AXIS_LABELS[stage.axis];
  return tr(
    `at ${short(stage.playhead.position)} of ${short(stage.extent().total)} ${axis}`,
    `${axis} ${short(stage.playhead.position)} / ${short(stage.extent().total)}`,
  );
}

/** "mnist-examples-60000.png": what it shows and when. */
export function fileName(stage: Stage): string {
  const name =
    (stage.manifest?.name ?? "batchviz")
      .normalize("NFKC")
      .replace(/[^\p{L}\p{N}]+/gu, "-")
      .replace(/^-|-$/g, "")
      .toLowerCase() || "batchviz";
  return `${name}-${stage.axis}-${Number(stage.playhead.position.toPrecision(6))}.png`;
}

/** A text may break into lines: each word goes where the browser has put it. */
function drawText(context: CanvasRenderingContext2D, node: Text): void {
  if (node.data.trim() === "") return;
  const style = getComputedStyle(node.parentElement!);
  context.fillStyle = style.color;
  context.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  context.textBaseline = "alphabetic";
  const range = document.createRange();
  const draw = (from: number, to: number, top: DOMRect): void => {
    const text = node.data.slice(from, to).replace(/\s+$/, "");
    const { fontBoundingBoxAscent: up, fontBoundingBoxDescent: down } = context.measureText(text);
    context.fillText(text, top.x, top.y + (top.height - up - down) / 2 + up);
  };
  let from = 0,
    first: DOMRect | null = null;
  for (const { index, 0: word } of node.data.matchAll(/\S\s*/gu)) {
    // by character: Chinese has no spaces to break at
    range.setStart(node, index);
    range.setEnd(node, index + word.trimEnd().length);
    const rect = range.getBoundingClientRect();
    if (first === null) {
      first = rect;
      from = index;
    } else if (rect.y > first.y + first.height / 2) {
      draw(from, index, first);
      first = rect;
      from = index;
    }
  }
  if (first !== null) draw(from, node.data.length, first);
}

function drawShape(context: CanvasRenderingContext2D, shape: SVGGeometryElement, base: DOMMatrix): void {
  const style = getComputedStyle(shape),
    matrix = shape.getScreenCTM();
  if (matrix === null) return;
  const path =
    shape instanceof SVGLineElement
      ? new Path2D(`M${shape.x1.baseVal.value} ${shape.y1.baseVal.value}L${shape.x2.baseVal.value} ${shape.y2.baseVal.value}`)
      : new Path2D(shape.getAttribute("d") ?? "");
  context.setTransform(base.multiply(matrix));
  if (style.fill !== "none") {
    context.fillStyle = style.fill;
    context.fill(path);
  }
  if (style.stroke !== "none") {
    context.strokeStyle = style.stroke;
    context.lineWidth = parseFloat(style.strokeWidth);
    context.setLineDash(style.strokeDasharray === "none" ? [] : style.strokeDasharray.split(/[ ,]+/).map(parseFloat));
    context.stroke(path);
    context.setLineDash([]);
  }
  context.setTransform(base);
}

/** Grounds and edges of labels and panes. */
function drawBox(context: CanvasRenderingContext2D, element: HTMLElement): void {
  if (element instanceof HTMLCanvasElement) return;
  const style = getComputedStyle(element),
    rect = element.getBoundingClientRect();
  if (style.backgroundColor !== "rgba(0, 0, 0, 0)") {
    context.fillStyle = style.backgroundColor;
    context.beginPath();
    context.roundRect(rect.x, rect.y, rect.width, rect.height, parseFloat(style.borderTopLeftRadius) || 0);
    context.fill();
  }
  const radius = parseFloat(style.borderTopLeftRadius) || 0,
    width = parseFloat(style.borderBottomWidth);
  if (!(width > 0)) return;
  context.strokeStyle = style.borderBottomColor;
  context.lineWidth = width;
  context.beginPath();
  const x = rect.x + width / 2,
    y = rect.y + width / 2,
    right = rect.right - width / 2,
    bottom = rect.bottom - width / 2;
  if (parseFloat(style.borderTopWidth) > 0) context.roundRect(x, y, right - x, bottom - y, radius);
  else {
    // a bar with its two ends
    context.moveTo(x, rect.y);
    context.lineTo(x, bottom);
    context.lineTo(right, bottom);
    context.lineTo(right, rect.y);
  }
  context.stroke();
}

export function save(picture: HTMLCanvasElement, name: string): void {
  picture.toBlob((blob) => {
    if (blob === null) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }, "image/png");
}
