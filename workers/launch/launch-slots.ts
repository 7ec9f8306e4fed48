import type { KeeperStats } from '../keeper/door/protocol';

/** More launches at once only make each of them slower. */
const MAX_PARALLEL_LAUNCHES = 4;

/** The figures before the keeper's first message and while there is no keeper: no slots. */
export const NO_SLOTS: KeeperStats = {
  slots: 0,
  used: 0,
  orphansReaped: 0,
  gatewayConnections: 0,
  load: null,
};

/**
 * How many launches this worker may run at once (I12). The keeper's count may or may not include a launch that has just
 * begun, so each current launch is counted in addition: on a nearly full machine the last slots are filled one after
 * the other, so that none is given twice.
 */
export class LaunchSlots {
  #stats = NO_SLOTS;
  #underWay = 0;
  #draining = false;
  #drained = false;

  /** @param onCapacity - called with the number of launch jobs that may run at once, whenever it may have changed */
  constructor(private readonly onCapacity: (jobs: number) => void) {}

  /** Takes the keeper's latest figures. */
  update(stats: KeeperStats): void {
    this.#stats = stats;
    this.#announce();
  }

  /** The keeper's latest figures. */
  get stats(): KeeperStats {
    return this.#stats;
  }

  /** Whether launches are refused for good: this process is shutting down. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Slots that are out of use: all of them while this worker drains or is drained, else none. */
  get drainingSlots(): number {
    return this.takesLaunches ? 0 : this.#stats.slots;
  }

  /** Whether launches are taken, as soon as there is a slot. */
  get takesLaunches(): boolean {
    return !this.#draining && !this.#drained;
  }

  /** No launches from now on. */
  drain(): void {
    this.#draining = true;
    this.#announce();
  }

  /** No launches while an operator has drained this machine; live sessions stay. */
  setDrained(drained: boolean): void {
    if (drained === this.#drained) return;
    this.#drained = drained;
    this.#announce();
  }

  /** Takes a slot for a launch; false if there is none. */
  take(): boolean {
    if (!this.takesLaunches || this.#free() <= 0) return false;
    this.#underWay += 1;
    return true;
  }

  /** The launch has ended; from here on the keeper's count is right. */
  release(): void {
    this.#underWay -= 1;
    this.#announce();
  }

  /* With no browser on the machine there is nothing to wait for, however little memory it has. */
  #free(): number {
    const { slots, used, isMemoryShort = false } = this.#stats;
    const busy = used + this.#underWay;
    return isMemoryShort && busy > 0 ? 0 : slots - busy;
  }

  #announce(): void {
    const jobs = this.#underWay + Math.max(0, this.#free());
    this.onCapacity(this.takesLaunches ? Math.min(MAX_PARALLEL_LAUNCHES, jobs) : 0);
  }
}
