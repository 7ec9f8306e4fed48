import { pause } from '../../../src/core/abort';
import { messageOf } from '../../../src/core/errors';
import type { Logger } from '../../../src/core/logger';
import { signalProcess, type ProcessIdentity, type ProcessTable } from '../../../src/core/process-identity';
import { LOOK_EVERY_MS, StuckLooks, type Lookable } from './stuck-looks';

/** A process that helps a browser, and that somebody starts again when it has ended. */
export interface Helper extends Lookable {
  /** For the log. */
  readonly what: string;
  /** The current one; null: there is none, or nobody knows. */
  readonly find: () => Promise<ProcessIdentity | null>;
  /** Whether this is really the helper; asked before it is killed. Left out: it is known. */
  readonly confirm?: (found: ProcessIdentity) => Promise<boolean>;
  /** Called at each look. */
  readonly onLook?: (found: ProcessIdentity | null) => Promise<void>;
}

/** Dependencies of {@link killWhenStuck}. */
export interface StuckWatchParts {
  readonly processes: ProcessTable;
  readonly log: Logger;
}

/**
 * Kills a helper that does not work any more, so that another takes its place: connections through it hang meanwhile,
 * and nothing else tells. That is one that a signal has stopped, and one whose heartbeat has stopped. The kernel says
 * whether it is stopped, and for how long it has waited for a processor, so one that is only slow on a busy machine is
 * left alone. Returns when `signal` is aborted. Does nothing elsewhere than on Linux, where each look would start a
 * process.
 */
export async function killWhenStuck(
  helper: Helper,
  { processes, log }: StuckWatchParts,
  signal: AbortSignal,
): Promise<void> {
  const looks = new StuckLooks(helper, processes);
  while (!signal.aborted && process.platform === 'linux') {
    await pause(LOOK_EVERY_MS, signal);
    if (signal.aborted) return;
    try {
      const found = await helper.find();
      await helper.onLook?.(found);
      const trouble = await looks.troubleOf(found);
      if (found === null || trouble === null) continue;
      if (helper.confirm !== undefined && !(await helper.confirm(found))) continue;
      log.warn({ what: helper.what, pid: found.pid, trouble }, 'a helper of a browser is stuck; killing it');
      await signalProcess(processes, found, 'SIGKILL');
    } catch (error) {
      log.debug(
        { what: helper.what, reason: messageOf(error) },
        'a helper of a browser could not be looked at',
      );
    }
  }
}
