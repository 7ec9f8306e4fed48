import type { UidRange } from '../../../src/core/browser-uids';
import type { ProcessTable } from '../../../src/core/process-identity';
import { browserUser, type User } from '../process/run-root';
import { UidPool } from './uid-pool';
import type { UidReservations } from './uid-reservations';

/** Whom the browsers of a keeper run as. */
export interface BrowserUsers {
  /**
   * The user for the browser of a run directory, which is made only after that.
   *
   * @throws if there is none left; what the file system throws.
   */
  take(directory: string): Promise<User>;
  /** The browser's run directory and all processes of its user are gone. */
  free(user: User): Promise<void>;
}

/**
 * Whether a user has one browser alone, so that all its processes end with it. Not the keeper's own user, nor `nobody`,
 * who has the browsers of keepers without users for each, and of earlier versions.
 */
export function hasOneBrowser({ uid }: User): boolean {
  return process.getuid?.() === 0 && uid !== 0 && uid !== browserUser().uid;
}

/** One user for all browsers. */
export class SharedUser implements BrowserUsers {
  constructor(private readonly user: User) {}

  take(): Promise<User> {
    return Promise.resolve(this.user);
  }

  free(): Promise<void> {
    return Promise.resolve();
  }
}

/** What {@link UserForEach} needs. */
export interface UserForEachParts {
  readonly range: UidRange;
  readonly reservations: UidReservations;
  readonly processes: ProcessTable;
  readonly nowMs: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/**
 * A user for each browser, out of a range. An id is in use as long as a run directory or a process of it exists, on the
 * whole machine: it is reserved before the directory is made, and freed after all its processes have been killed.
 */
export class UserForEach implements BrowserUsers {
  private constructor(
    private readonly parts: UserForEachParts,
    private pool: UidPool,
  ) {}

  static async open(parts: UserForEachParts): Promise<UserForEach> {
    return new UserForEach(parts, await poolOf(parts));
  }

  async take(directory: string): Promise<User> {
    let uid = this.pool.take();
    // What others had reserved may be free again.
    if (uid === null) uid = (this.pool = await poolOf(this.parts)).take();
    if (uid === null) throw new Error('all user ids for browsers are in use');
    // One that is reserved by another keeper stays marked.
    return (await this.parts.reservations.add({ uid, directory })) ? { uid, gid: uid } : this.take(directory);
  }

  async free(user: User): Promise<void> {
    if (!hasOneBrowser(user)) return;
    await this.parts.reservations.remove(user.uid);
    this.pool.free(user.uid);
  }
}

async function poolOf({ range, reservations, processes, nowMs, random }: UserForEachParts): Promise<UidPool> {
  const running = new Set((await processes.list()).map(({ uid }) => uid));
  const reserved = await reservations.sweep(nowMs(), uid => running.has(uid));
  const pool = new UidPool(range, random());
  for (const uid of [...running, ...reserved.map(reservation => reservation.uid)]) pool.mark(uid);
  return pool;
}
