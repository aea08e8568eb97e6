/**
 * Asks the server for what takes it a while: after the viewer has settled, again while it is under way, and no more once nobody wants it.
 */
import type { Answer } from "./answers.ts";
import { tr } from "./language.ts";

const SETTLE_AFTER = 350,
  ASK_EVERY = 300,
  AGAIN_AFTER = 2000;

export class PollingRequest<T extends object> {
  /** The newest answer; it stays until the next one has come. */
  value: T | null = null;
  /** What `value` is of. */
  of = "";
  /** How far the recomputing is, 0 to 1; null when nothing is under way. */
  progress: number | null = null;
  error: string | null = null;
  private wanted = "";
  private cancel = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly changed: () => void) {}

  /** Harmless to call at every frame: only another key asks anew. */
  want(key: string, ask: (cancel: AbortSignal) => Promise<Answer<T>>, settle = SETTLE_AFTER): void {
    if (key === this.wanted) return;
    this.leave();
    this.wanted = key;
    this.progress = 0;
    this.timer = setTimeout(() => void this.load(ask, this.cancel.signal), settle);
  }

  /** Nobody waits any more; what is here stays. */
  leave(): void {
    this.cancel.abort();
    this.cancel = new AbortController();
    clearTimeout(this.timer);
    this.wanted = "";
    this.progress = this.error = null;
  }

  forget(): void {
    this.leave();
    this.value = null;
    this.of = "";
  }

  private async load(ask: (cancel: AbortSignal) => Promise<Answer<T>>, cancel: AbortSignal): Promise<void> {
    let again = 0;
    try {
      const answer = await ask(cancel);
      if (cancel.aborted) return;
      this.error = null;
      if ("error" in answer) {
        this.error = answer.error;
        this.progress = null;
      } else if ("progress" in answer) {
        this.progress = answer.progress;
        again = ASK_EVERY;
      } else {
        this.value = answer;
        this.of = this.wanted;
        this.progress = null;
      }
    } catch {
      if (cancel.aborted) return;
      this.error = tr("The server does not answer; trying again.", "服务器没有响应，正在重试。");
      again = AGAIN_AFTER;
    }
    if (again > 0) this.timer = setTimeout(() => void this.load(ask, cancel), again);
    this.changed();
  }
}
