/**
 * One batch, recomputed: what the server says of it, and the request that asks for it. It is asked for when the viewer has
 * stayed on it for a moment, and forgotten as soon as they move on.
 */

import type { Answer } from "./answers.ts";
import type { Batch } from "./contracts.ts";
import { tr } from "./language.ts";

export type { Batch } from "./contracts.ts";

export type BatchAnswer = Answer<Batch>;

export type BatchView =
  | { kind: "nothing" }
  | { kind: "waiting" }
  | { kind: "progress"; progress: number; updates: number }
  | { kind: "shown"; batch: Batch }
  | { kind: "refused"; error: string };

export const SETTLE_AFTER = 350,
  ASK_EVERY = 300;
const AGAIN_AFTER = 2000;

export class BatchLoader {
  view: BatchView = { kind: "nothing" };
  private wanted = "";
  private cancel = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly ask: (run: number, update: number, cancel: AbortSignal) => Promise<BatchAnswer>,
    private readonly changed: () => void,
  ) {}

  /** The viewer looks at this update of this run of this experiment. Harmless to call at every frame. */
  look(generation: number, run: number, update: number): void {
    const wanted = `${generation}/${run}/${update}`;
    if (wanted === this.wanted) return;
    this.leave();
    this.wanted = wanted;
    this.view = { kind: "waiting" };
    this.cancel = new AbortController();
    this.after(SETTLE_AFTER, run, update);
  }

  /** The viewer looks at no batch. */
  leave(): void {
    if (this.wanted === "") return;
    this.wanted = "";
    this.view = { kind: "nothing" };
    this.cancel.abort();
    clearTimeout(this.timer);
  }

  private after(milliseconds: number, run: number, update: number): void {
    this.timer = setTimeout(() => void this.load(run, update, this.cancel.signal), milliseconds);
  }

  private async load(run: number, update: number, cancel: AbortSignal): Promise<void> {
    let again = 0;
    try {
      const answer = await this.ask(run, update, cancel);
      if (cancel.aborted) return;
      if ("error" in answer) this.view = { kind: "refused", error: answer.error };
      else if ("examples" in answer) this.view = { kind: "shown", batch: answer };
      else {
        this.view = { kind: "progress", progress: answer.progress, updates: answer.updates };
        again = ASK_EVERY;
      }
    } catch {
      if (cancel.aborted) return;
      this.view = { kind: "refused", error: tr("The server does not answer; trying again.", "服务器没有应答，正在重试。") };
      again = AGAIN_AFTER;
    }
    if (again > 0) this.after(again, run, update);
    this.changed();
  }
}
