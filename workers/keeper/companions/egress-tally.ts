import type { Logger } from '../../../src/core/logger';
import { NO_TRAFFIC, type Traffic, type TrafficCounts } from '../../../src/core/traffic';

/** Adds up what browsers send and receive through their forward proxies, and what is refused to them. */
export class EgressTally {
  #sentBytes = 0;
  #receivedBytes = 0;
  #refused = 0;

  constructor(private readonly log: Logger) {}

  /** Since the keeper's start. */
  get counts(): TrafficCounts {
    return { sentBytes: this.#sentBytes, receivedBytes: this.#receivedBytes, refused: this.#refused };
  }

  /**
   * Adds what has changed since the last look at a browser's traffic, and says what was refused.
   *
   * @param before - null: nothing was seen of it
   */
  add(directory: string, before: Traffic | null, now: Traffic): void {
    const { sentBytes, receivedBytes, refused } = before ?? NO_TRAFFIC;
    this.#sentBytes += Math.max(0, now.sentBytes - sentBytes);
    this.#receivedBytes += Math.max(0, now.receivedBytes - receivedBytes);
    const more = Math.max(0, now.refused - refused);
    this.#refused += more;
    if (more > 0) this.log.info({ directory, refused: more, hosts: now.refusedHosts }, 'egress was refused');
  }
}
