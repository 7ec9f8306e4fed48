/** User ids from `first` to `last`, both included. */
export interface UidRange {
  readonly first: number;
  readonly last: number;
}

/** `nobody`: no session ever gets it, since other programs use it. */
const NOBODY_UID = 65_534;

/**
 * Where ids are taken from, best first: what systemd's table of ids leaves unused, then for a container with 65,536 ids
 * the upper end of those for people, whom containers do not have.
 */
const CANDIDATES: readonly UidRange[] = [
  { first: 1_879_048_192, last: 2_147_483_645 },
  { first: 40_000, last: 59_999 },
];

/**
 * The range for sessions, of those that this process may use.
 *
 * @param maps - /proc/self/uid_map and gid_map: each id is used as both
 * @param wished - the operator's range; if set, nothing else is considered
 * @returns the range, or why there is none.
 */
export function uidRange(
  maps: readonly string[],
  wished: UidRange | null,
): { readonly range: UidRange } | { readonly why: string } {
  const candidates = wished === null ? CANDIDATES : [wished];
  const range = candidates.find(candidate => maps.every(map => isMapped(map, candidate)));
  if (range !== undefined) return { range };
  const names = candidates.map(({ first, last }) => `${first}-${last}`).join(' or ');
  return { why: `the user ids ${names} are not available in this user namespace` };
}

/* Each line: first id here, first id outside, how many. */
function isMapped(map: string, { first, last }: UidRange): boolean {
  return map.split('\n').some(line => {
    const [from, , count] = line.trim().split(/\s+/).map(Number);
    return from !== undefined && count !== undefined && from <= first && last < from + count;
  });
}

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
