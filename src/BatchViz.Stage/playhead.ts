/**
 * The transport's model: where the viewer is looking, in the unit of the current axis. It moves the viewer's playhead
 * and nothing else; the training neither waits for it nor hears of it.
 */

/** What there is to play. */
export interface Extent {
  /** The whole budget on this axis; under a budget that is not known in this unit, what has been made so far. */
  total: number;
  /** How far the furthest run has come. */
  head: number;
  /** Every run has ended: the head will not move any more. */
  finished: boolean;
}

export type Mode = "paused" | "playing" | "live";

export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16] as const;
/** Speed 1× shows the whole budget in this time, however fast or slow the engine was. */
export const SECONDS_FOR_ALL = 90;
/** Live frames come 20 times a second and the screen refreshes three times as often: the playhead glides after the head. */
const GLIDE_SECONDS = 0.08;

export class Playhead {
  position = 0;
  mode: Mode = "playing";
  speed = 1;

  /** Moves on by `dt` seconds, again and again through `loop` where there is one. Returns true when the position or the mode changed. */
  tick(dt: number, extent: Extent, glide = true, loop: readonly [number, number] | null = null): boolean {
    const { position, mode } = this;
    if (mode === "live") {
      const gap = extent.head - position;
      const close = Math.abs(gap) <= extent.total * 1e-5 || !glide;
      this.position = close ? extent.head : position + gap * (1 - Math.exp(-dt / GLIDE_SECONDS));
    } else if (mode === "playing") {
      const next = position + (dt * this.speed * extent.total) / SECONDS_FOR_ALL;
      if (loop !== null && extent.head > loop[0]) {
        const end = Math.min(loop[1], extent.head);
        this.position = position < loop[0] || position >= end ? loop[0] : Math.min(next, end);
        return true;
      }
      this.position = Math.max(position, Math.min(next, extent.head));
      if (extent.finished && this.position >= extent.head && extent.head > 0) this.mode = "paused";
    }
    return this.position !== position || this.mode !== mode;
  }

  /** Playing from the end begins again, as every player does. */
  play(extent: Extent): void {
    if (extent.finished && this.position >= extent.head) this.position = 0;
    this.mode = "playing";
  }

  pause(): void {
    this.mode = "paused";
  }

  toggle(extent: Extent): void {
    if (this.mode === "paused") this.play(extent);
    else this.pause();
  }

  /** Scrubbing: the playhead stays where it is put, within what exists. A player that was playing goes on from there. */
  seek(position: number, extent: Extent): void {
    this.position = Math.min(Math.max(0, position), extent.head);
    if (this.mode === "live") this.mode = "paused";
  }

  /** Steps and jumps to a moment: shown and held there. */
  hold(position: number, extent: Extent): void {
    this.seek(position, extent);
    this.mode = "paused";
  }

  toEnd(extent: Extent): void {
    this.hold(extent.head, extent);
  }

  goLive(): void {
    this.mode = "live";
  }

  /** At the head: following it, or waiting there for more. */
  isLive(extent: Extent): boolean {
    return this.mode === "live" || (this.mode === "playing" && !extent.finished && extent.head > 0 && this.position >= extent.head);
  }

  faster(steps: number): void {
    const now = SPEEDS.findIndex((speed) => speed >= this.speed);
    this.speed = SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, now + steps))]!;
  }
}
