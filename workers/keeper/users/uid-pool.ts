import { NOBODY_UID, type UidRange } from '../../../src/core/browser-uids';

/** Which ids of a range are in use. Goes round the range, so that an id rests for as long as possible. */
export class UidPool {
  readonly #inUse = new Set<number>();
  readonly #range: UidRange;
  #next: number;

  /** @param start - where in the range to begin, from 0 to 1: keepers that begin elsewhere seldom meet */
  constructor(range: UidRange, start: number) {
    this.#range = range;
    this.#next = range.first + Math.floor(start * this.size);
  }

  get size(): number {
    return this.#range.last - this.#range.first + 1;
  }

  /** The next free id, which is in use from now on; null if there is none. */
  take(): number | null {
    for (let tries = 0; tries < this.size; tries += 1) {
      const uid = this.#next;
      this.#next = uid === this.#range.last ? this.#range.first : uid + 1;
      if (uid === NOBODY_UID || this.#inUse.has(uid)) continue;
      this.#inUse.add(uid);
      return uid;
    }
    return null;
  }

  /** An id is in use, for whatever reason. */
  mark(uid: number): void {
    this.#inUse.add(uid);
  }

  free(uid: number): void {
    this.#inUse.delete(uid);
  }
}
