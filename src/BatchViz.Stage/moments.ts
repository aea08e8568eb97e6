/**
 * Gradients at the playhead as they look on the plane: of the next batch and of the whole training split, and how far the
 * gradients of other batches would scatter. Asked for when the viewer stands still, forgotten when they move on.
 */

import type { Answer } from "./answers.ts";
import type { Moments, ProjectedGradient } from "./contracts.ts";

export type { Moments } from "./contracts.ts";
export type Projected = ProjectedGradient;

export type MomentsAnswer = Answer<Moments>;

export type MomentsView =
  { kind: "waiting" } | { kind: "progress"; progress: number } | { kind: "shown"; moments: Moments } | { kind: "refused"; error: string };

export const SETTLE_AFTER = 350,
  ASK_EVERY = 300;
const AGAIN_AFTER = 2000,
  KEPT = 24;

interface Wish {
  run: number;
  view: MomentsView;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** Several runs at a time; what was answered is kept for a while, so that stepping back shows it at once. */
export class MomentsLoader {
  private wishes = new Map<string, Wish>();
  private readonly known = new Map<string, Moments>();
  private cancel = new AbortController();
  private signature = "";

  constructor(
    private readonly ask: (run: number, update: number, plane: number, cancel: AbortSignal) => Promise<MomentsAnswer>,
    private readonly changed: () => void,
  ) {}

  /** The viewer stands at these updates of these runs. Harmless to call at every frame. */
  look(generation: number, plane: number, runs: readonly number[], updates: readonly number[]): void {
    const signature = `${generation}/${plane}/${runs.join()}/${updates.join()}`;
    if (signature === this.signature) return;
    this.leave();
    this.signature = signature;
    runs.forEach((run, i) => {
      const key = `${generation}/${plane}/${run}/${updates[i]!}`;
      const known = this.known.get(key);
      const wish: Wish = { run, view: known ? { kind: "shown", moments: known } : { kind: "waiting" }, timer: undefined };
      this.wishes.set(key, wish);
      if (!known) this.after(SETTLE_AFTER, key, wish, updates[i]!, plane);
    });
  }

  leave(): void {
    if (this.signature === "") return;
    this.signature = "";
    for (const { timer } of this.wishes.values()) clearTimeout(timer);
    this.wishes.clear();
    this.cancel.abort();
    this.cancel = new AbortController();
  }

  view(run: number): MomentsView | null {
    for (const wish of this.wishes.values()) if (wish.run === run) return wish.view;
    return null;
  }

  pending(run: number): boolean {
    const kind = this.view(run)?.kind;
    return kind === "waiting" || kind === "progress";
  }

  private after(milliseconds: number, key: string, wish: Wish, update: number, plane: number): void {
    const { signal } = this.cancel;
    wish.timer = setTimeout(() => void this.load(key, wish, update, plane, signal), milliseconds);
  }

  private async load(key: string, wish: Wish, update: number, plane: number, cancel: AbortSignal): Promise<void> {
    let again = 0;
    try {
      const answer = await this.ask(wish.run, update, plane, cancel);
      if (cancel.aborted) return;
      if ("error" in answer) wish.view = { kind: "refused", error: answer.error };
      else if ("full" in answer) {
        wish.view = { kind: "shown", moments: answer };
        if (this.known.size === KEPT) this.known.delete(this.known.keys().next().value!);
        this.known.set(key, answer);
      } else {
        wish.view = { kind: "progress", progress: answer.progress };
        again = ASK_EVERY;
      }
    } catch {
      if (cancel.aborted) return;
      wish.view = { kind: "waiting" }; // the page says itself that the server does not answer
      again = AGAIN_AFTER;
    }
    if (again > 0) this.after(again, key, wish, update, plane);
    this.changed();
  }
}
