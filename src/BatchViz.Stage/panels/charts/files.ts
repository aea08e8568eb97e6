/** Hands a chart over as a file. */
import type { Stage } from "../../stage.ts";
import { csv } from "./csv.ts";
import type { Drawing } from "./drawing.ts";
import { HEIGHT, paintPicture, WIDTH, type Look } from "./picture.ts";
import { VectorCanvas } from "./vector.ts";

export type FileKind = "png" | "svg" | "csv";

/** Pixels of the picture to one of the file. */
const SHARPNESS = 2;

export async function save(kind: FileKind, drawing: Drawing, stage: Stage, look: Look, sentence: string): Promise<void> {
  const blob =
    kind === "csv"
      ? new Blob([csv(drawing.table(stage))], { type: "text/csv;charset=utf-8" })
      : kind === "svg"
        ? svg(drawing, stage, look, sentence)
        : await png(drawing, stage, look);
  if (blob === null) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${fileName(stage.manifest!.name)}-${drawing.name}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function svg(drawing: Drawing, stage: Stage, look: Look, sentence: string): Blob | null {
  const canvas = new VectorCanvas(WIDTH, HEIGHT);
  return paintPicture(canvas, drawing, stage, look) ? new Blob([canvas.write(drawing.title(), sentence)], { type: "image/svg+xml" }) : null;
}

function png(drawing: Drawing, stage: Stage, look: Look): Promise<Blob | null> {
  const canvas = document.createElement("canvas");
  canvas.width = SHARPNESS * WIDTH;
  canvas.height = SHARPNESS * HEIGHT;
  return paintPicture(canvas.getContext("2d")!, drawing, stage, look, SHARPNESS)
    ? new Promise((resolve) => canvas.toBlob(resolve, "image/png"))
    : Promise.resolve(null);
}

/** What every file system takes. */
const fileName = (name: string): string =>
  name
    .normalize("NFKC")
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 60) || "batchviz";
