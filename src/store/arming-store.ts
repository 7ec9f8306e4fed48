import { TIMER_KINDS, type TimerKind } from '../../machines/session/session.words';
import type { SessionRef } from '../core/ids';
import type { Redis } from '../redis/connection';
import { KEY_PREFIX, keys } from '../redis/keys';
import type { ScriptRunner } from '../redis/script-runner';

/** A deadline that is due soon. */
export interface ComingDeadline {
  readonly ref: SessionRef;
  readonly kind: TimerKind;
  /** As the row holds it. */
  readonly deadlineMs: number;
  /** Later than the deadline if a client was active. */
  readonly dueMs: number;
}

/** A page of deadlines that are due soon, at one moment of Redis `TIME`. */
export interface ComingDeadlines {
  readonly nowMs: number;
  readonly deadlines: readonly ComingDeadline[];
  /** Where the next page begins; null: this is the last one. */
  readonly next: string | null;
  /** After the last page: there are no others that are due until then. */
  readonly untilMs: number;
}

/** How many deadlines one run of the script answers. */
const AT_A_TIME = 500;

/** Reads which deadlines need a delayed job. Until when all have one is kept, so that processes can take turns. */
export class ArmingStore {
  constructor(
    private readonly redis: Redis,
    private readonly scripts: ScriptRunner,
  ) {}

  /** @param from - the `next` of the page before; null for the first that has no job */
  async comingDue(aheadMs: number, from: string | null): Promise<ComingDeadlines> {
    const reply = await this.scripts.run(
      'comingDue',
      [keys.due, keys.armedUntil],
      [KEY_PREFIX, aheadMs, from ?? '', AT_A_TIME],
    );
    if (!Array.isArray(reply)) throw new Error(`coming-due answered ${String(reply)}`);
    const [nowMs, untilMs, next, ...entries] = reply.map(String);
    return {
      nowMs: Number(nowMs),
      untilMs: Number(untilMs),
      next: next === undefined || next === '' ? null : next,
      deadlines: deadlinesIn(entries),
    };
  }

  /** All deadlines until then have a job. */
  async armedUntil(untilMs: number): Promise<void> {
    await this.redis.set(keys.armedUntil, untilMs);
  }
}

/* Of kinds that this version knows; a newer one has sweeps of its own. */
function deadlinesIn(entries: readonly string[]): ComingDeadline[] {
  const found: ComingDeadline[] = [];
  for (let i = 0; i + 2 < entries.length; i += 3) {
    const [entry = '', dueMs, deadlineMs] = entries.slice(i, i + 3);
    const [ref, word] = entry.split('|');
    const kind = TIMER_KINDS.find(known => known === word);
    if (kind === undefined) continue;
    // SAFETY: the commit scripts write `<ref>|<kind>`.
    found.push({ ref: ref as SessionRef, kind, dueMs: Number(dueMs), deadlineMs: Number(deadlineMs) });
  }
  return found;
}
