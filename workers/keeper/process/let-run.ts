import { messageOf } from '../../../src/core/errors';
import { signalGroup } from '../../../src/core/process-identity';
import { thawCgroups } from '../limits/freeze';
import type { BrowserFacts, BrowserRuntime } from './browser-facts';

/**
 * Lets the processes of a browser run: it may sleep, or an earlier keeper may have died while it slept, or while that
 * keeper was copying its profile. What runs, or is gone, needs nothing. Never rejects: an end kills in any case, and
 * liveness finds a browser that stands still.
 */
export async function letRun(
  { cgroups, shim }: Pick<BrowserFacts, 'cgroups' | 'shim'>,
  { processes, log }: Pick<BrowserRuntime, 'processes' | 'log'>,
): Promise<void> {
  try {
    await thawCgroups(cgroups);
    await signalGroup(processes, shim, 'SIGCONT');
  } catch (error) {
    log.error({ reason: messageOf(error) }, 'a browser could not be thawed');
  }
}
