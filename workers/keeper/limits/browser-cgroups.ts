import { createHash } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NO_LIMITS, type BrowserLimits } from '../../../src/config/browser-limits';
import { removeCgroups } from './cgroup';
import { CONTROLLERS, valuesFor, type CgroupVersion, type Controller } from './controllers';

/** A tree in which each browser has a cgroup. */
export interface Place {
  /** The cgroup below which they are made. */
  readonly base: string;
  readonly version: CgroupVersion;
  readonly controllers: readonly Controller[];
}

/** How much of the processor a browser gets beside others. */
export type CpuShare = 'full' | 'little';

/** How much `little` is, of the full weight. */
const LITTLE = 0.25;

/**
 * The cgroups of a keeper's browsers. They are named after run root and run directory, so that a later keeper finds
 * those that an earlier one has left, and two keepers below one cgroup do not meet.
 */
export class BrowserCgroups {
  /** Browsers without limits. */
  static readonly NONE = new BrowserCgroups('', [], NO_LIMITS);

  readonly #prefix: string;

  constructor(
    runRoot: string,
    private readonly places: readonly Place[],
    private readonly limits: BrowserLimits,
  ) {
    this.#prefix = `holdfast-${createHash('sha256').update(runRoot).digest('hex').slice(0, 12)}-`;
  }

  /** Where the cgroups of a browser are, one in each tree, whether or not they exist. */
  foldersOf(name: string): string[] {
    return this.places.map(({ base }) => join(base, this.#prefix + name));
  }

  /**
   * Makes them, with all limits and no process yet.
   *
   * @param name - of the browser's run directory
   * @param share - of the processor
   * @throws what the file system throws.
   */
  async make(name: string, share: CpuShare = 'full'): Promise<string[]> {
    for (const { base } of this.places) await mkdir(join(base, this.#prefix + name));
    for (const controller of CONTROLLERS) await this.#write(name, controller, share);
    return this.foldersOf(name);
  }

  /** Changes the share of the processor, where there are shares. @throws what the file system throws. */
  async weigh(name: string, share: CpuShare): Promise<void> {
    await this.#write(name, 'cpu', share);
  }

  async #write(name: string, controller: Controller, share: CpuShare): Promise<void> {
    const { cpuWeight } = this.limits;
    const weight = cpuWeight !== null && share === 'little' ? Math.ceil(cpuWeight * LITTLE) : cpuWeight;
    for (const { base, version, controllers } of this.places) {
      if (!controllers.includes(controller)) continue;
      for (const { file, value, isOptional } of valuesFor(controller, version, {
        ...this.limits,
        cpuWeight: weight,
      })) {
        const written = writeFile(join(base, this.#prefix + name, file), value, { flag: 'r+' });
        await (isOptional ? written.catch(() => undefined) : written);
      }
    }
  }

  /**
   * Removes what earlier keepers have left without a run directory.
   *
   * @param known - the names of all run directories
   * @throws as {@link removeCgroups}.
   */
  async sweep(known: readonly string[]): Promise<void> {
    for (const { base } of this.places) {
      const names = (await readdir(base)).filter(name => name.startsWith(this.#prefix));
      const left = names.filter(name => !known.includes(name.slice(this.#prefix.length)));
      await removeCgroups(left.map(name => join(base, name)));
    }
  }
}
