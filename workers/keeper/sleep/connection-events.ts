/*
 * Chromium has a target of the type `browser` for each connection to itself, and tells clients that follow targets of
 * it.
 */

const APPEARED =
  /^\{"method":"Target\.target(?:Created|InfoChanged)","params":\{"targetInfo":\{"targetId":"([^"]+)","type":"browser"/;
const GONE = /^\{"method":"Target\.targetDestroyed","params":\{"targetId":"([^"]+)"\}/;

/** More of them are never open at a time; what is beyond counts as something of the pages. */
const REMEMBERED_MAX = 1_000;

/** Tells events about other connections, such as those of the service that look on, from all others. */
export class ConnectionEvents {
  readonly #targets = new Set<string>();

  /** @param head - the beginning of what the browser has sent */
  includes(head: string): boolean {
    const appeared = APPEARED.exec(head)?.[1];
    if (appeared !== undefined && this.#targets.size < REMEMBERED_MAX) {
      this.#targets.add(appeared);
      return true;
    }
    const gone = GONE.exec(head)?.[1];
    return gone !== undefined && this.#targets.delete(gone);
  }
}
