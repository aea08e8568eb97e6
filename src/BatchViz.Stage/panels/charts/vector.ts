/** Writes the calls that a chart makes of a canvas as SVG: paths stay paths, text stays text. Pure. */

/** What charts use of a canvas. */
export type Canvas = Pick<
  CanvasRenderingContext2D,
  | "save"
  | "restore"
  | "beginPath"
  | "moveTo"
  | "lineTo"
  | "closePath"
  | "rect"
  | "arc"
  | "clip"
  | "fill"
  | "stroke"
  | "fillRect"
  | "setLineDash"
  | "fillText"
  | "strokeStyle"
  | "fillStyle"
  | "globalAlpha"
  | "lineWidth"
  | "lineJoin"
  | "font"
  | "textAlign"
  | "textBaseline"
>;

interface Pen {
  strokeStyle: string;
  fillStyle: string;
  globalAlpha: number;
  lineWidth: number;
  lineJoin: CanvasLineJoin;
  font: string;
  textAlign: CanvasTextAlign;
  textBaseline: CanvasTextBaseline;
  dash: readonly number[];
  clip: string;
}

const ANCHOR: Readonly<Record<CanvasTextAlign, string>> = { left: "start", start: "start", center: "middle", right: "end", end: "end" };
/** How far below the point the baseline lies, in heights of the type. */
const DROP: Readonly<Record<CanvasTextBaseline, number>> = {
  top: 0.8,
  hanging: 0.8,
  middle: 0.35,
  alphabetic: 0,
  ideographic: 0,
  bottom: -0.2,
};

export class VectorCanvas implements Canvas {
  strokeStyle = "#000";
  fillStyle = "#000";
  globalAlpha = 1;
  lineWidth = 1;
  lineJoin: CanvasLineJoin = "miter";
  font = "10px sans-serif";
  textAlign: CanvasTextAlign = "start";
  textBaseline: CanvasTextBaseline = "alphabetic";
  private dash: readonly number[] = [];
  private clipped = "";
  private path: string[] = [];
  private readonly body: string[] = [];
  private readonly clips: string[] = [];
  private readonly saved: Pen[] = [];

  constructor(
    private readonly width: number,
    private readonly height: number,
  ) {}

  save(): void {
    const { strokeStyle, fillStyle, globalAlpha, lineWidth, lineJoin, font, textAlign, textBaseline, dash, clipped } = this;
    this.saved.push({ strokeStyle, fillStyle, globalAlpha, lineWidth, lineJoin, font, textAlign, textBaseline, dash, clip: clipped });
  }

  restore(): void {
    const pen = this.saved.pop();
    if (pen === undefined) return;
    const { dash, clip, ...rest } = pen;
    Object.assign(this, rest);
    this.dash = dash;
    this.clipped = clip;
  }

  beginPath(): void {
    this.path = [];
  }

  moveTo(x: number, y: number): void {
    this.path.push(`M${n(x)} ${n(y)}`);
  }

  lineTo(x: number, y: number): void {
    this.path.push(`${this.path.length === 0 ? "M" : "L"}${n(x)} ${n(y)}`);
  }

  closePath(): void {
    this.path.push("Z");
  }

  rect(x: number, y: number, width: number, height: number): void {
    this.path.push(`M${n(x)} ${n(y)}h${n(width)}v${n(height)}h${n(-width)}Z`);
  }

  /** Whole circles only: charts draw no other arcs. */
  arc(x: number, y: number, radius: number): void {
    this.path.push(
      `M${n(x - radius)} ${n(y)}a${n(radius)} ${n(radius)} 0 1 0 ${n(2 * radius)} 0a${n(radius)} ${n(radius)} 0 1 0 ${n(-2 * radius)} 0Z`,
    );
  }

  /** Inside what was clipped before, too. */
  clip(): void {
    const id = `c${this.clips.length + 1}`;
    this.clips.push(`<clipPath id="${id}"${this.clipped}><path d="${this.path.join("")}"/></clipPath>`);
    this.clipped = ` clip-path="url(#${id})"`;
  }

  fill(): void {
    if (this.path.length > 0)
      this.body.push(`<path d="${this.path.join("")}" fill="${paint(this.fillStyle)}"${this.opacity()}${this.clipped}/>`);
  }

  stroke(): void {
    if (this.path.length === 0) return;
    const dash = this.dash.length > 0 ? ` stroke-dasharray="${this.dash.map(n).join(" ")}"` : "";
    this.body.push(
      `<path d="${this.path.join("")}" fill="none" stroke="${paint(this.strokeStyle)}" stroke-width="${n(this.lineWidth)}" stroke-linejoin="${this.lineJoin}"${dash}${this.opacity()}${this.clipped}/>`,
    );
  }

  fillRect(x: number, y: number, width: number, height: number): void {
    this.body.push(
      `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" fill="${paint(this.fillStyle)}"${this.opacity()}${this.clipped}/>`,
    );
  }

  setLineDash(dash: Iterable<number>): void {
    this.dash = [...dash];
  }

  fillText(text: string, x: number, y: number): void {
    const { weight, size, family } = fontOf(this.font);
    const anchor = ANCHOR[this.textAlign];
    this.body.push(
      `<text x="${n(x)}" y="${n(y + DROP[this.textBaseline] * size)}" font-family="${escaped(family)}" font-size="${n(size)}"${weight === "400" ? "" : ` font-weight="${weight}"`}${anchor === "start" ? "" : ` text-anchor="${anchor}"`} fill="${paint(this.fillStyle)}"${this.opacity()}${this.clipped}>${escaped(text)}</text>`,
    );
  }

  /** The document; `title` and `description` are what a screen reader says. */
  write(title: string, description: string): string {
    const defs = this.clips.length > 0 ? `<defs>${this.clips.join("")}</defs>` : "";
    return (
      `<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="${this.width}" height="${this.height}" viewBox="0 0 ${this.width} ${this.height}" role="img">` +
      `<title>${escaped(title)}</title><desc>${escaped(description)}</desc>${defs}\n${this.body.join("\n")}\n</svg>\n`
    );
  }

  private opacity(): string {
    return this.globalAlpha < 1 ? ` opacity="${n(this.globalAlpha)}"` : "";
  }
}

/** Two decimals; what is not finite must not break the file. */
const n = (value: number): string => (Number.isFinite(value) ? String(Math.round(value * 100) / 100) : "0");
const paint = (colour: string): string => escaped(colour);

function fontOf(font: string): { weight: string; size: number; family: string } {
  const match = /^(?:(\d{3}) )?([\d.]+)px (.+)$/.exec(font);
  return { weight: match?.[1] ?? "400", size: Number(match?.[2] ?? 10), family: match?.[3] ?? "sans-serif" };
}

/** Characters that XML forbids even escaped are left out. */
function escaped(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "")
    .replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!);
}
