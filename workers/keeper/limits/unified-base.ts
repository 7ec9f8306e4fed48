import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemCodeOf } from '../../../src/core/errors';
import { isBelow, type ProcessTable } from '../../../src/core/process-identity';
import { TOGETHER_WEIGHT, type Controller } from './controllers';
import type { OwnCgroup } from './hierarchies';

/**
 * The cgroup of the service itself, beside those of the browsers: in version 2 a cgroup with processes of its own has
 * no cgroups below it that are held within limits. systemd puts the service there with `DelegateSubgroup=holdfast`,
 * else the keeper does.
 */
export const SERVICE_CGROUP = 'holdfast';

/** How often what was started meanwhile is moved as well. */
const ROUNDS = 10;

/** Whom a keeper may move into {@link SERVICE_CGROUP}. */
export interface ServiceProcesses {
  readonly processes: ProcessTable;
  /** The parent of all processes of the service. */
  readonly ancestorPid: number;
}

/** Where the cgroups of browsers are made, or why not. */
type Base = { readonly folder: string } | { readonly why: string };

/**
 * Finds the cgroup below which those of the browsers are made in version 2, and lets them have the controller. The
 * service gets a cgroup beside them.
 */
export async function unifiedBase(
  controller: Controller,
  own: OwnCgroup,
  service: ServiceProcesses,
): Promise<Base> {
  const isInPlace = basename(own.folder) === SERVICE_CGROUP;
  const folder = isInPlace ? dirname(own.folder) : own.folder;
  if (!(await wordsIn(folder, 'cgroup.controllers')).includes(controller))
    return { why: `the cgroup ${folder} has no such controller` };
  // The root of a whole machine may have processes. It alone has no type.
  const mayHaveProcesses = isInPlace || (await read(folder, 'cgroup.type')) === null;
  const why =
    (mayHaveProcesses ? null : await moveService(own, service)) ?? (await enable(controller, folder));
  return why === null ? { folder } : { why };
}

async function enable(controller: Controller, folder: string): Promise<string | null> {
  if ((await wordsIn(folder, 'cgroup.subtree_control')).includes(controller)) return null;
  const problem = await write(join(folder, 'cgroup.subtree_control'), `+${controller}`);
  return problem === null ? null : `cgroups below ${folder} cannot have this controller: ${problem}`;
}

/** Gives the service its share of the processor, as much as all browsers have, where that can be given. */
export async function weighService(folder: string): Promise<void> {
  await write(join(folder, SERVICE_CGROUP, 'cpu.weight'), String(TOGETHER_WEIGHT));
}

/* Only what belongs to the service is moved: a terminal's cgroup has other programs, too. */
async function moveService(own: OwnCgroup, service: ServiceProcesses): Promise<string | null> {
  const into = join(own.folder, SERVICE_CGROUP);
  for (let round = 0; round < ROUNDS; round += 1) {
    const pids = (await wordsIn(own.folder, 'cgroup.procs')).map(Number);
    if (pids.length === 0) return null;
    // In a container with a namespace of its own everything is the service's.
    const foreign = own.path === '/' ? undefined : await firstForeign(pids, service);
    if (foreign !== undefined)
      return `process ${foreign}, which is not Holdfast's, is in the cgroup ${own.folder}`;
    const problem = await move(pids, into);
    if (problem !== null) return `processes cannot be moved into ${into}: ${problem}`;
  }
  return `processes keep coming into ${own.folder}`;
}

/* The code of the error that prevents it; null if there was none. */
async function move(pids: readonly number[], into: string): Promise<string | null> {
  const made = await mkdir(into).then(() => null, codeOf);
  if (made !== null && made !== 'EEXIST') return made;
  for (const pid of pids) {
    const problem = await write(join(into, 'cgroup.procs'), String(pid));
    // It may have ended meanwhile.
    if (problem !== null && problem !== 'ESRCH') return problem;
  }
  return null;
}

async function firstForeign(
  pids: readonly number[],
  { processes, ancestorPid }: ServiceProcesses,
): Promise<number | undefined> {
  for (const pid of pids) {
    const isOurs = pid === ancestorPid || (await isBelow(processes, pid, ancestorPid));
    if (!isOurs && (await processes.identify(pid)) !== null) return pid;
  }
  return undefined;
}

async function wordsIn(folder: string, file: string): Promise<string[]> {
  return ((await read(folder, file)) ?? '').split(/\s+/).filter(word => word !== '');
}

async function read(folder: string, file: string): Promise<string | null> {
  return readFile(join(folder, file), 'utf8').catch(() => null); // not there, or closed: treated as not there
}

/* The code of the error; null if there was none. */
async function write(path: string, text: string): Promise<string | null> {
  return writeFile(path, text, { flag: 'r+' }).then(() => null, codeOf);
}

function codeOf(error: unknown): string {
  return systemCodeOf(error) ?? String(error);
}
