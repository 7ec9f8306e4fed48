import type { ServiceEvent } from '../../client/event-stream';

/** How long a rate looks back, milliseconds. */
export const RATES_WINDOW_MS = 60_000;

/** Sessions that have begun and ended within the last minute. */
export interface Rates {
  /** How much of the minute was observed, milliseconds. */
  readonly windowMs: number;
  readonly created: number;
  /** By end reason. */
  readonly ended: Readonly<Record<string, number>>;
}

/** Counts beginnings and ends of sessions over the last minute, from its creation on. */
export class RateCounter {
  #seen: { readonly atMs: number; readonly endReason: string | null }[] = [];

  constructor(private readonly sinceMs: number) {}

  /** Counts an event, if it is a beginning or an end. */
  add(event: ServiceEvent, nowMs: number): void {
    if (event.type !== 'transition') return;
    const { from, endReason } = event;
    if (from === null || endReason !== null) this.#seen.push({ atMs: nowMs, endReason });
  }

  /** The counts at a given time. */
  at(nowMs: number): Rates {
    this.#seen = this.#seen.filter(({ atMs }) => atMs > nowMs - RATES_WINDOW_MS);
    const ended: Record<string, number> = {};
    let created = 0;
    for (const { endReason } of this.#seen) {
      if (endReason === null) created += 1;
      else ended[endReason] = (ended[endReason] ?? 0) + 1;
    }
    return { windowMs: Math.min(RATES_WINDOW_MS, nowMs - this.sinceMs), created, ended };
  }
}
