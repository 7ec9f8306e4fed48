import type { KeeperBooks } from '../books/keeper-books';
import { dropRemains } from '../books/remains';
import { KEEPER_LAUNCH_TIMEOUT_MS } from '../door/protocol';
import type { KeeperDeps } from '../keeper-deps';
import { LaunchError } from '../process/browser-start';
import { launchBrowser } from '../process/launch-browser';
import { RunDirectory } from '../process/run-directory';
import type { StartOptions } from '../process/start-options';
import { WarmBrowser } from './warm-browser';
import { WarmPool } from './warm-pool';

/** The pool of a keeper: it has the slots that the books leave, and starts browsers as the keeper does. */
export function openPool(deps: KeeperDeps, books: KeeperBooks, onChanged: () => void): WarmPool {
  const { slots, warmBrowsers, runRoot, machine, clock, log } = deps;
  return new WarmPool({
    most: warmBrowsers,
    room: () => slots - books.holdingSlots().length,
    isLaunching: () => books.all().some(({ state }) => state === 'starting'),
    freshDirectory: () => RunDirectory.fresh(runRoot),
    start: (directory, options, signal) => startAhead(deps, directory, options, signal),
    isMemoryShort: () => machine.memory.isShort,
    onChanged,
    clock,
    log,
  });
}

async function startAhead(
  deps: KeeperDeps,
  directory: RunDirectory,
  options: StartOptions,
  signal: AbortSignal,
): Promise<WarmBrowser> {
  const limits = { timeoutMs: KEEPER_LAUNCH_TIMEOUT_MS, signal, isAhead: true };
  try {
    const started = await launchBrowser(deps, { directory, fence: null }, options, limits);
    const browser = await WarmBrowser.open(started, options);
    if (!signal.aborted) return browser;
    await browser.discard();
    throw new LaunchError('launch_cancelled', 'the launch was cancelled');
  } catch (error) {
    await dropRemains(directory);
    throw error;
  }
}
