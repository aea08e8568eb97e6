/** The track's picture: the selected run's batch losses in the window, one bar for each batch or, from afar, the range of many. */
import { columnIndex, COLUMN, type RunInfo } from "../../manifest.ts";
import type { Stage } from "../../stage.ts";
import { Buckets, MOST_DRAWN } from "../../store.ts";
import { Scale } from "../charts/scale.ts";

/** Narrower than this a batch is no place to click on. */
const LEAST_CELL = 2;

export class Batches {
  readonly row = new Buckets();
  /** Each bar is one batch. */
  single = false;
  low = 0;
  high = 1;
  private readonly scale = new Scale();
  private hatch: { colour: string; pattern: CanvasPattern } | null = null;

  /** Looks up what there is in the window, and asks for what is missing. */
  read(stage: Stage, run: RunInfo, width: number): void {
    const { row } = this,
      clock = stage.clocks[run.index]!,
      { made } = stage.store.runs[run.index]!;
    const column = columnIndex(stage.manifest!, COLUMN.loss);
    const from = Math.max(0, Math.floor(clock.toUpdates(stage.axis, stage.from))),
      to = Math.min(made, Math.ceil(clock.toUpdates(stage.axis, stage.to)));
    row.clear(0);
    if (column >= 0 && to > from) {
      stage.store.query(run.index, column, from, to, Math.min(MOST_DRAWN, Math.max(16, width / LEAST_CELL)), row);
      if (row.missing.length > 0) stage.remote.wantTiles(run.index, COLUMN.loss, row.level, row.missing);
    }
    this.single = row.count > 0;
    this.low = Infinity;
    this.high = -Infinity;
    for (let i = 0; i < row.count; i++) {
      if (row.to[i]! - row.from[i]! > 1) this.single = false;
      if (row.min[i]! < this.low) this.low = row.min[i]!;
      if (row.max[i]! > this.high) this.high = row.max[i]!;
    }
  }

  paint(
    ctx: CanvasRenderingContext2D,
    stage: Stage,
    run: RunInfo,
    x: (value: number) => number,
    top: number,
    bottom: number,
    red: string,
  ): void {
    const { row, scale } = this,
      clock = stage.clocks[run.index]!,
      { axis } = stage;
    const colour = stage.styles[run.index]!.colour[stage.theme];
    if (row.count === 0 || !Number.isFinite(this.low)) return;
    // Bars of single batches begin at zero; ranges of many may be on a logarithm, as the losses in the chart.
    const log = !this.single && stage.lossScale === "log" && this.low > 0;
    scale.set(
      log ? "log" : "linear",
      this.single ? Math.min(0, this.low) : this.low,
      this.single ? Math.max(0, this.high) : this.high,
      bottom,
      top,
    );
    const zero = scale.at(this.single ? 0 : this.low);
    ctx.fillStyle = colour;
    ctx.globalAlpha = this.single ? 1 : 0.7;
    for (let i = 0; i < row.count; i++) {
      const left = x(clock.toAxis(axis, row.from[i]!)),
        right = x(clock.toAxis(axis, row.to[i]!));
      const gap = right - left > 4 ? 1 : 0;
      if (row.nonFinite[i]! > 0) {
        ctx.fillStyle = red;
        ctx.fillRect(left, top, Math.max(1, right - left - gap), bottom - top);
        ctx.fillStyle = colour;
      }
      const high = scale.at(row.max[i]!),
        low = this.single ? zero : scale.at(row.min[i]!);
      if (!Number.isFinite(high) || !Number.isFinite(low)) continue;
      const short = this.single && clock.isRemainder(row.to[i]!);
      if (short) ctx.fillStyle = this.hatched(ctx, colour);
      ctx.fillRect(left, Math.min(high, low), Math.max(1, right - left - gap), Math.max(1, Math.abs(low - high)));
      if (short) ctx.fillStyle = colour;
    }
    ctx.globalAlpha = 1;
  }

  private hatched(ctx: CanvasRenderingContext2D, colour: string): CanvasPattern | string {
    if (this.hatch?.colour === colour) return this.hatch.pattern;
    const tile = document.createElement("canvas");
    tile.width = tile.height = 6;
    const t = tile.getContext("2d")!;
    t.strokeStyle = colour;
    t.lineWidth = 1.8;
    for (const shift of [-6, 0, 6]) {
      t.moveTo(shift, 6);
      t.lineTo(shift + 6, 0);
    }
    t.stroke();
    const pattern = ctx.createPattern(tile, "repeat");
    if (pattern === null) return colour;
    this.hatch = { colour, pattern };
    return pattern;
  }
}
