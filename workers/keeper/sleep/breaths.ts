/** When a browser that sleeps breathes. */
export interface BreathRhythm {
  /** How long it sleeps before its first breath. Each further wait is twice as long. */
  readonly firstAfterMs: number;
  /** The longest wait between two breaths. */
  readonly everyMs: number;
  /** How long a breath lasts: more than what is overdue takes of the processor. */
  readonly forMs: number;
}

/**
 * Chromium does much of what is due later half a minute after its start, and most of the rest every few minutes (ADR
 * 93).
 */
export const BREATHS: BreathRhythm = { firstAfterMs: 30_000, everyMs: 300_000, forMs: 100 };

/** Lets the browsers of a keeper breathe one after another, so that many that sleep are no load together. */
export class Breaths {
  #tail: Promise<unknown> = Promise.resolve();

  constructor(readonly rhythm: BreathRhythm) {}

  /** Does the work of a breath, which never rejects, when it is its turn. */
  inTurn(work: () => Promise<void>): void {
    this.#tail = this.#tail.then(work);
  }

  /** The wait after a wait. */
  after(waitedMs: number): number {
    return Math.min(2 * waitedMs, this.rhythm.everyMs);
  }
}
