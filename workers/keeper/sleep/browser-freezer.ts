import { pause } from '../../../src/core/abort';
import { isAlive, sendSignal, signalGroup, type ProcessTable } from '../../../src/core/process-identity';
import { FreezableCgroup } from '../limits/freeze';
import type { BrowserFacts } from '../process/browser-facts';

/** How long processes may take to stand still: some finish what the kernel does for them first. */
const FREEZE_PATIENCE_MS = 1_000;
const FREEZE_POLL_MS = 2;

/** What a freezer needs to know of its browser. */
export type Freezable = Pick<BrowserFacts, 'shim' | 'cgroups'>;

/**
 * Stops all processes of a browser and lets them go on: by its cgroup, or else by signals, which reach its process
 * group but no crash handler, and which its parent sees.
 */
export class BrowserFreezer {
  #cgroup: Promise<FreezableCgroup | null> | null = null;

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
    if (!isWanted()) return false;
    cgroup.freeze();
    for (let waitedMs = 0; isWanted(); waitedMs += FREEZE_POLL_MS) {
      if (cgroup.isFrozen) return true;
      if (waitedMs >= FREEZE_PATIENCE_MS) return false;
      await pause(FREEZE_POLL_MS);
    }
    return false;
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
