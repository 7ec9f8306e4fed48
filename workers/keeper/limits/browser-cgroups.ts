import { createHash } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { NO_LIMITS, type BrowserLimits } from '../../../src/config/browser-limits';
import { systemCodeOf } from '../../../src/core/errors';
import { GROUP_PREFIX, removeCgroups } from './cgroup';
import { CONTROLLERS, TOGETHER_WEIGHT, valuesFor, type CgroupVersion, type Controller } from './controllers';

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
 * The cgroups of a keeper's browsers, all of them in one cgroup: a hundred browsers leave the service as much of the
 * processor as one does, and it can end them in time. The one is named after the run root, those in it after run
 * directories: a later keeper finds what an earlier one has left, and two keepers below one cgroup do not meet.
 */
export class BrowserCgroups {
  /** Browsers without limits. */
  static readonly NONE = new BrowserCgroups('', [], NO_LIMITS);

  /** The name of the cgroup that has those of all browsers in it. */
  readonly #group: string;

  constructor(
    runRoot: string,
    private readonly places: readonly Place[],
    private readonly limits: BrowserLimits,
  ) {
    this.#group = GROUP_PREFIX + createHash('sha256').update(runRoot).digest('hex').slice(0, 12);
  }

  /** Where the cgroups of a browser are, one in each tree, whether or not they exist. */
  foldersOf(name: string): string[] {
    return this.places.map(({ base }) => join(base, this.#group, name));
  }

  /**
   * Makes them, with all limits and no process yet.
   *
   * @param name - of the browser's run directory
   * @param share - of the processor
   * @throws what the file system throws.
   */
  async make(name: string, share: CpuShare = 'full'): Promise<string[]> {
    for (const folder of this.foldersOf(name)) await makeInGroup(folder);
    // From now on nobody removes the group: it is not empty.
    for (const place of this.places) await this.#prepareGroup(place);
    for (const controller of CONTROLLERS) await this.#write(name, controller, share);
    return this.foldersOf(name);
  }

  /** Changes the share of the processor, where there are shares. @throws what the file system throws. */
  async weigh(name: string, share: CpuShare): Promise<void> {
    await this.#write(name, 'cpu', share);
  }

  /* Files for the limits of each browser, and the weight of all. It may have been made before. */
  async #prepareGroup({ base, version, controllers }: Place): Promise<void> {
    const group = join(base, this.#group);
    if (version === 2)
      await set(join(group, 'cgroup.subtree_control'), controllers.map(name => `+${name}`).join(' '));
    if (this.limits.cpuWeight === null || !controllers.includes('cpu')) return;
    for (const { file, value } of valuesFor('cpu', version, { ...NO_LIMITS, cpuWeight: TOGETHER_WEIGHT }))
      await set(join(group, file), value);
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
        const written = set(join(base, this.#group, name, file), value);
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
    // Keepers of earlier versions had no group.
    const before = `${this.#group}-`;
    for (const { base } of this.places) {
      const named = (await readdir(base)).filter(name => name.startsWith(before));
      const single = named.filter(name => !known.includes(name.slice(before.length)));
      await removeCgroups(single.map(name => join(base, name)));
      const group = join(base, this.#group);
      const inGroup = await readdir(group, { withFileTypes: true }).catch(() => []); // there is none
      const left = inGroup.filter(entry => entry.isDirectory() && !known.includes(entry.name));
      await removeCgroups(left.map(({ name }) => join(group, name)));
    }
  }
}

/* Another browser may have been the last one of the group, and have removed it between the two. */
async function makeInGroup(folder: string): Promise<void> {
  for (;;) {
    await mkdir(dirname(folder)).catch(unless('EEXIST'));
    const made = await mkdir(folder).then(() => true, unless('ENOENT'));
    if (made !== undefined) return;
  }
}

const unless =
  (code: string) =>
  (error: unknown): void => {
    if (systemCodeOf(error) !== code) throw error;
  };

async function set(path: string, value: string): Promise<void> {
  await writeFile(path, value, { flag: 'r+' });
}
