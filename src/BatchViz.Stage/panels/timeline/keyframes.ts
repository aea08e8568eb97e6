/** Keyframes of the run that the timeline shows. There are more and more: they are asked for now and then, and by one request at a time. */
import type { Answer, Keyframes } from "../../answers.ts";

const ASK_AGAIN_AFTER = 5000;

export class KeyframeList {
  updates: readonly number[] = [];
  private of = "";
  private made = -1;
  private next = 0;
  private asking = false;

  constructor(
    private readonly ask: (run: number, cancel: AbortSignal) => Promise<Answer<Keyframes>>,
    private readonly changed: () => void,
  ) {}

  /** Harmless to call at every frame: asks when the run has grown, every few seconds. */
  look(generation: number, run: number, made: number, now: number): void {
    const key = `${generation}/${run}`;
    if (key !== this.of) {
      this.of = key;
      this.updates = [];
      this.made = -1;
      this.next = 0;
    }
    if (this.asking || made === this.made || now < this.next) return;
    this.made = made;
    this.next = now + ASK_AGAIN_AFTER;
    void this.load(key, run);
  }

  private async load(key: string, run: number): Promise<void> {
    this.asking = true;
    try {
      const answer = await this.ask(run, new AbortController().signal);
      if (key === this.of && "updates" in answer && Array.isArray(answer.updates)) this.updates = answer.updates;
    } catch {
      this.made = -1; // asked for once more after the pause
    }
    this.asking = false;
    this.changed();
  }
}
