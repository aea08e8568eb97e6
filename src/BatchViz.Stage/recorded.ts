/**
 * The stage's other side where there is no network: everything that is known came with the page. Blocks are those of
 * docs/wire-format.md; what is not among them is nowhere, and the reader is told so once.
 */
import { tr } from "./language.ts";
import type { BatchAnswer } from "./batch.ts";
import { columnIndex, type Manifest } from "./manifest.ts";
import type { MomentsAnswer } from "./moments.ts";
import { Change, type Remote, type Stage } from "./stage.ts";
import { decodeBlock, fromBase64, WireError } from "./wire.ts";

/** How long the sentence about detail that the file does not hold is shown. */
const NOTE_SECONDS = 10;

export class Recorded implements Remote {
  /** Blocks are being unpacked, so the picture may still change by itself. */
  busy = true;
  private noted = false;
  /** The coarsest tile of each column of each run, by `run:column`. */
  private readonly levels = new Map<string, number>();

  constructor(private readonly stage: Stage) {}

  /** Takes the manifest and the blocks, each gzipped and in base64. Blocks that are damaged leave a gap and a sentence. */
  async start(manifest: Manifest, blocks: readonly string[]): Promise<void> {
    const { stage } = this;
    const unpacked = await Promise.allSettled(blocks.map(unpack));
    stage.begin(manifest);
    if (manifest.plane !== null) stage.store.setPlane(manifest.plane.id);
    stage.report(manifest.error);
    for (const block of unpacked) {
      if (block.status === "fulfilled") this.take(block.value);
      else stage.report(tr("A part of this file is damaged; the rest of it is shown.", "此文件有一部分已损坏；其余部分照常显示。"));
    }
    this.busy = false;
    stage.changed(Change.all);
  }

  private take(bytes: Uint8Array): void {
    const { stage } = this;
    try {
      const block = decodeBlock(bytes);
      switch (block.kind) {
        case "tile":
          for (const column of block.columns) {
            const key = `${block.run}:${column}`;
            this.levels.set(key, Math.max(block.level, this.levels.get(key) ?? 0));
          }
          stage.store.ingestTile(block);
          break;
        case "evaluations":
          stage.store.ingestEvaluations(block);
          break;
        case "paths":
          stage.store.ingestPath(block);
          break;
        case "grid":
          stage.grid = block;
          break;
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      stage.report(error.message);
    }
  }

  /** A chart would like more detail than the file holds: it goes on with coarser buckets, and the first time a note says so. */
  wantTiles(run: number, column: string): void {
    const { stage } = this,
      info = stage.manifest?.runs[run];
    const level = this.levels.get(`${run}:${stage.manifest === null ? -1 : columnIndex(stage.manifest, column)}`);
    if (this.noted || this.busy || info === undefined || !level) return;
    this.noted = true;
    stage.say(
      tr(
        `This file holds detail down to ${4 ** level} updates of B = ${info.batchSize}; what is finer is in the recording it was made from.`,
        `此文件对 B = ${info.batchSize} 的细节最细为每 ${4 ** level} 次更新；更细的在生成它的录制中。`,
      ),
    );
    setTimeout(() => stage.say(null), 1000 * NOTE_SECONDS);
  }

  loading(): boolean {
    return false;
  }

  async batch(): Promise<BatchAnswer> {
    return {
      error: tr("This file holds no single batches; the recording that it was made from does.", "此文件不含单个批量；生成它的录制中有。"),
    };
  }

  async moments(): Promise<MomentsAnswer> {
    return { error: tr("This file holds no gradients; the recording that it was made from does.", "这个文件不含梯度；生成它的录制中有。") };
  }

  private readonly refused = (): Promise<{ error: string }> =>
    Promise.resolve({
      error: tr("This file holds no weights; the recording that it was made from does.", "此文件不含权重；制作它所用的录制中才有。"),
    });

  line = this.refused;
  probes = (): Promise<{ error: string }> =>
    Promise.resolve({
      error: tr("This file holds no probes; the recording that it was made from does.", "此文件不含探测结果；制作它所用的录制中才有。"),
    });
  keyframes = this.refused;
  examples = (): Promise<{ error: string }> =>
    Promise.resolve({
      error: tr("This file holds no examples; the recording that it was made from does.", "此文件不含样本；生成它的录制中有。"),
    });
  boundary = this.refused;
  points = this.refused;

  undoFork(): void {}
  redoFork(): void {}
  stepOnce(): void {}
}

async function unpack(text: string): Promise<Uint8Array> {
  const packed = new Blob([fromBase64(text) as BlobPart]);
  return new Uint8Array(await new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}
