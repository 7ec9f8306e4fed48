import { readFile } from 'node:fs/promises';
import { pause } from '../../../src/core/abort';
import { isAlive, sendSignal, signalGroup, type ProcessTable } from '../../../src/core/process-identity';
import { FreezableCgroup } from '../limits/freeze';
import type { BrowserFacts } from '../process/browser-facts';

/** How long processes may take to stand still: some finish what the kernel does for them first. */
const FREEZE_PATIENCE_MS = 1_000;
const FREEZE_POLL_MS = 2;

/** What Chromium writes into the command line of each process of a page. */
const OF_PAGE = '--type=renderer';

/** What a freezer needs to know of its browser. */
export type Freezable = Pick<BrowserFacts, 'shim' | 'cgroups'>;

/**
 * Stops all processes of a browser and lets them go on: by its cgroup, or else by signals, which reach its process
 * group but no crash handler, and which its parent sees.
 */
export class BrowserFreezer {
  #cgroup: Promise<FreezableCgroup | null> | null = null;
  #pagesAreAside = false;

  constructor(
    private readonly browser: Freezable,
    private readonly processes: ProcessTable,
  ) {}

  /**
   * Freezes it; false if it does not stand still in time, or is wanted again meanwhile. Then it is to be thawed.
   *
   * @param isWanted - whether it is still to be frozen; asked before every step
   * @throws what the file system or a signal throws.
   */
  async freeze(isWanted: () => boolean): Promise<boolean> {
    const cgroup = await this.#found();
    if (cgroup === null) return this.#stop(isWanted);
    await this.#setPagesAside(cgroup);
    return untilFrozen(cgroup, isWanted);
  }

  /** Whether it can let run all but the pages of a browser that it has frozen. */
  get canBreathe(): boolean {
    return this.#pagesAreAside;
  }

  /**
   * Lets all processes but those of pages run for so long, and freezes them again, so that what is overdue in them
   * does not pile up. Only for one that can breathe.
   *
   * @param signal - aborted: the browser is wanted, and stays as it is then, to be thawed
   * @returns as {@link BrowserFreezer.freeze}.
   * @throws as {@link BrowserFreezer.freeze}.
   */
  async breathe(forMs: number, isWanted: () => boolean, signal: AbortSignal): Promise<boolean> {
    const cgroup = await this.#found();
    if (cgroup === null || !isWanted()) return false;
    cgroup.thawAllButPages();
    await pause(forMs, signal);
    return untilFrozen(cgroup, isWanted);
  }

  /* Where that is not possible it sleeps all the same, and does not breathe. */
  async #setPagesAside(cgroup: FreezableCgroup): Promise<void> {
    const isOfPage = async (pid: number): Promise<boolean> =>
      (await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')).includes(OF_PAGE);
    this.#pagesAreAside = await cgroup.setPagesAside(isOfPage).then(
      () => true,
      () => false,
    );
  }

  /** Lets it go on; does nothing to one that is not frozen, or is gone. @throws as {@link BrowserFreezer.freeze}. */
  async thaw(): Promise<void> {
    const cgroup = await this.#found();
    if (cgroup !== null) cgroup.thaw();
    else await signalGroup(this.processes, this.browser.shim, 'SIGCONT');
  }

  /* With its shim, as while its profile is copied: who sees a helper of it stopped, and the shim, too, knows why. */
  async #stop(isWanted: () => boolean): Promise<boolean> {
    const { shim } = this.browser;
    return (await isAlive(this.processes, shim)) && isWanted() && sendSignal(-shim.pid, 'SIGSTOP');
  }

  #found(): Promise<FreezableCgroup | null> {
    this.#cgroup ??= FreezableCgroup.find(this.browser.cgroups);
    return this.#cgroup;
  }
}

async function untilFrozen(cgroup: FreezableCgroup, isWanted: () => boolean): Promise<boolean> {
  if (!isWanted()) return false;
  cgroup.freeze();
  for (let waitedMs = 0; isWanted(); waitedMs += FREEZE_POLL_MS) {
    if (cgroup.isFrozen) return true;
    if (waitedMs >= FREEZE_PATIENCE_MS) return false;
    await pause(FREEZE_POLL_MS);
  }
  return false;
}
