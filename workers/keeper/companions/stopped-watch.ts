import { pause } from '../../../src/core/abort';
import { messageOf } from '../../../src/core/errors';
import type { Logger } from '../../../src/core/logger';
import { signalProcess, type ProcessIdentity, type ProcessTable } from '../../../src/core/process-identity';

const LOOK_EVERY_MS = 1_000;

/** How many looks in a row find it stopped before it is killed. */
const STOPPED_LOOKS = 3;

/** A process that helps a browser, and that somebody starts again when it has ended. */
export interface Helper {
  /** For the log. */
  readonly what: string;
  /** The current one; null: there is none, or nobody knows. */
  readonly find: () => Promise<ProcessIdentity | null>;
  /** Whether it is right that it does not run now. */
  readonly mayBeStopped: () => Promise<boolean>;
  /** Whether this is really the helper; asked before it is killed. Left out: it is known. */
  readonly confirm?: (found: ProcessIdentity) => Promise<boolean>;
  /** Called at each look. */
  readonly onLook?: (found: ProcessIdentity | null) => Promise<void>;
}

/** Dependencies of {@link killWhenStopped}. */
export interface StoppedWatchParts {
  readonly processes: ProcessTable;
  readonly log: Logger;
}

/**
 * Kills a helper that a signal has stopped, so that another takes its place: connections through it hang meanwhile, and
 * nothing else tells. The kernel says whether it is stopped, so one that only waits for a busy processor is left alone.
 * Returns when `signal` is aborted. Does nothing elsewhere than on Linux, where each look would start a process.
 */
export async function killWhenStopped(
  helper: Helper,
  { processes, log }: StoppedWatchParts,
  signal: AbortSignal,
): Promise<void> {
  let stoppedLooks = 0;
  while (!signal.aborted && process.platform === 'linux') {
    await pause(LOOK_EVERY_MS, signal);
    if (signal.aborted) return;
    try {
      const found = await helper.find();
      await helper.onLook?.(found);
      const isStopped =
        found !== null && (await isStoppedNow(processes, found)) && !(await helper.mayBeStopped());
      stoppedLooks = isStopped ? stoppedLooks + 1 : 0;
      if (found === null || stoppedLooks < STOPPED_LOOKS) continue;
      stoppedLooks = 0;
      if (helper.confirm !== undefined && !(await helper.confirm(found))) continue;
      log.warn({ what: helper.what, pid: found.pid }, 'a helper of a browser is stopped; killing it');
      await signalProcess(processes, found, 'SIGKILL');
    } catch (error) {
      log.debug(
        { what: helper.what, reason: messageOf(error) },
        'a helper of a browser could not be looked at',
      );
    }
  }
}

async function isStoppedNow(processes: ProcessTable, { pid, startedAt }: ProcessIdentity): Promise<boolean> {
  const now = await processes.inspect(pid);
  return now !== null && now.startedAt === startedAt && now.isStopped;
}
