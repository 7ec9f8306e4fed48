import type { Logger } from '../../../src/core/logger';
import type { ProcessIdentity, ProcessTable } from '../../../src/core/process-identity';
import { killWhenStuck } from '../companions/stuck-watch';
import type { KeptBrowser } from '../process/kept-browser';
import { RELAY_OPTION } from './own-network';

/** How many looks in a row find no relay before it is asked whether anything starts one. */
const MISSED_LOOKS = 3;

/** Dependencies of {@link watchRelay}. */
export interface RelayWatchParts {
  readonly processes: ProcessTable;
  readonly log: Logger;
}

/**
 * Watches the relay of a browser in a network of its own. One that has ended is started again in that network
 * ({@link OwnNetwork}); one that is stopped is killed, so that this happens. Where nothing starts it again, nobody can
 * reach the browser any more, and it is given up with the reason. Returns when the browser has ended or `signal` is
 * aborted.
 */
export async function watchRelay(
  browser: KeptBrowser,
  { processes, log }: RelayWatchParts,
  signal: AbortSignal,
): Promise<void> {
  const { facts, directory } = browser;
  if (facts === null || facts.devTools.socket === null) return;
  const find = async (): Promise<ProcessIdentity | null> => {
    const pid = await directory.relay();
    return pid === null ? null : processes.identify(pid);
  };
  const argument = `${RELAY_OPTION}=${directory.path}/`;
  /* What names the directory in the option of relays: a relay, or what starts it. */
  const named = async (): Promise<number[]> =>
    (await processes.list())
      .filter(({ commandLine }) => commandLine.includes(argument))
      .map(({ pid }) => pid);
  // What is written down may be the number of another process by now.
  const confirm = async ({ pid }: ProcessIdentity): Promise<boolean> => (await named()).includes(pid);
  let missedLooks = 0;
  const onLook = async (found: ProcessIdentity | null): Promise<void> => {
    // A relay of an earlier version does not say who it is.
    missedLooks = found === null && (await directory.relay()) !== null ? missedLooks + 1 : 0;
    if (missedLooks < MISSED_LOOKS) return;
    missedLooks = 0;
    if ((await named()).length > 0) return;
    const message = 'the relay of its network has ended, and nothing starts it again';
    await browser.giveUp({ cause: 'browser_unresponsive', message });
  };
  // While its profile is copied the whole group of the browser is stopped, and the relay with it.
  const mayBeStopped = async (): Promise<boolean> =>
    (await processes.inspect(facts.shim.pid))?.isStopped !== false;
  const helper = { what: `relay of ${directory.name}`, find, mayBeStopped, confirm, onLook };
  await killWhenStuck(helper, { processes, log }, AbortSignal.any([browser.over, signal]));
}
