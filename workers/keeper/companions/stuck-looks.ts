import type { ProcessIdentity, ProcessTable } from '../../../src/core/process-identity';

/** How often a helper is looked at. */
export const LOOK_EVERY_MS = 1_000;

/** How many looks in a row find it stuck before it is killed. */
const STUCK_LOOKS = 3;

/** A process that had the processor, or did not want it, for less than this since its last beat is not to blame. */
const FAIR_CHANCE_MS = 1_000;

/** What has to be known of a helper to say whether it is stuck. */
export interface Lookable {
  /** Whether it is right that it does not run now. */
  readonly mayBeStopped: () => Promise<boolean>;
  /** A number that changes every second while it works; null: it gives none. Left out: it never does. */
  readonly beat?: () => Promise<number | null>;
}

/** What several looks in a row, {@link LOOK_EVERY_MS} apart, have seen of a helper. */
export class StuckLooks {
  #stopped = 0;
  #silent = 0;
  /** At the first look that saw the current beat. */
  #beat: { readonly beat: number; readonly waitedMs: number } | null = null;

  constructor(
    private readonly helper: Lookable,
    private readonly processes: Pick<ProcessTable, 'inspect' | 'waitedMs'>,
  ) {}

  /**
   * Why it is of no use any more; null: it works, or that is not certain yet. Counts from the start after an answer.
   */
  async troubleOf(found: ProcessIdentity | null): Promise<'stopped' | 'hung' | null> {
    const now = found === null ? null : await this.processes.inspect(found.pid);
    if (found === null || now?.startedAt !== found.startedAt) return this.#reset(null);
    const isStopped = now.isStopped && !(await this.helper.mayBeStopped());
    this.#stopped = isStopped ? this.#stopped + 1 : 0;
    if (this.#stopped >= STUCK_LOOKS) return this.#reset('stopped');
    return !now.isStopped && (await this.#isHung(found)) ? this.#reset('hung') : null;
  }

  async #isHung({ pid }: ProcessIdentity): Promise<boolean> {
    const beat = (await this.helper.beat?.()) ?? null;
    if (beat === null) return false;
    const waitedMs = await this.processes.waitedMs(pid);
    if (this.#beat?.beat !== beat) {
      this.#beat = { beat, waitedMs };
      this.#silent = 0;
      return false;
    }
    this.#silent += 1;
    const chanceMs = this.#silent * LOOK_EVERY_MS - (waitedMs - this.#beat.waitedMs);
    return this.#silent >= STUCK_LOOKS && chanceMs >= FAIR_CHANCE_MS;
  }

  #reset<T>(answer: T): T {
    this.#stopped = 0;
    this.#silent = 0;
    this.#beat = null;
    return answer;
  }
}
