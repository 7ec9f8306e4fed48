import { readFile, rmdir, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pollUntil } from '../../../src/core/abort';
import { systemCodeOf } from '../../../src/core/errors';
import { sendSignal } from '../../../src/core/process-identity';
import { FreezableCgroup, PAGES_CGROUP, pidsIn } from './freeze';

/*
 * What is done with the cgroup of one browser, which is a folder in each tree that has one of the controllers. What a
 * folder is for is seen by its files, so that a keeper needs to know of those of an earlier one only where they are.
 */

/** A limit that has ended a browser. */
export type ExceededLimit = 'memory' | 'pids';

/** How often a browser has reached its limits. */
export interface LimitCounts {
  /** Processes that the kernel has killed for want of memory, its own or the machine's. */
  readonly oomKills: number;
  /** How often its own memory was used up. */
  readonly memoryHits: number;
  /** Processes and threads that could not be started. */
  readonly forksRefused: number;
}

/** How the cgroup is called that has those of all browsers of a keeper in it. */
export const GROUP_PREFIX = 'holdfast-';

const PATIENCE_MS = 1_000;

const SIGKILL_STATUS = 128 + constants.signals.SIGKILL;

/** Writes itself into each list of processes up to `--`, and becomes what comes after it. */
const JOIN = 'while [ "$1" != -- ]; do echo 0 >"$1" || exit 125; shift; done; shift; exec "$@"';

/** What comes before a command so that it runs in these cgroups from its first moment on. */
export function joinWords(folders: readonly string[]): string[] {
  if (folders.length === 0) return [];
  return ['/bin/sh', '-c', JOIN, 'join', ...folders.map(folder => join(folder, 'cgroup.procs')), '--'];
}

/** How often the limits of these cgroups were reached; nothing for those that are gone. */
export async function readCounts(folders: readonly string[]): Promise<LimitCounts> {
  const texts = async (file: string): Promise<string> => {
    const found = folders.map(folder => readFile(join(folder, file), 'utf8').catch(() => ''));
    return (await Promise.all(found)).join('\n');
  };
  const [events, control, failures, forks] = await Promise.all(
    ['memory.events', 'memory.oom_control', 'memory.failcnt', 'pids.events'].map(texts),
  );
  return {
    oomKills: count(events, 'oom_kill ') + count(control, 'oom_kill '),
    memoryHits: count(events, 'oom ') + count(failures, ''),
    forksRefused: count(forks, 'max '),
  };
}

/**
 * The limit that has ended a browser; null: none. The kernel kills with SIGKILL, for want of memory. A Chromium that
 * can start no process or thread ends itself.
 *
 * @param status - its exit status as a shell reports it
 */
export function exceededLimit(status: number | null, counts: LimitCounts): ExceededLimit | null {
  if (status === SIGKILL_STATUS) return counts.oomKills > 0 && counts.memoryHits > 0 ? 'memory' : null;
  return counts.forksRefused > 0 ? 'pids' : null;
}

/**
 * Kills every process in these cgroups and removes them, each with the group that it was the last one of. Nothing is
 * done about those that are gone.
 *
 * @throws DeadlineExceededError if one outlives SIGKILL for a second; what the file system throws.
 */
export async function removeCgroups(folders: readonly string[]): Promise<void> {
  // From now on nothing in there can start another process, however fast it tries.
  for (const folder of folders) await unlessGone(writeFile(join(folder, 'pids.max'), '0', { flag: 'r+' }));
  for (const folder of folders) {
    const freezable = await FreezableCgroup.find([folder]);
    const pages = join(folder, PAGES_CGROUP);
    await pollUntil(`${folder} to be removed`, { timeoutMs: PATIENCE_MS, everyMs: 10 }, async () => {
      // What is frozen starts nothing either; where nothing limits processes, that is what is faster than a fork bomb.
      freezable?.freeze();
      for (const pid of [...(await pidsIn(pages)), ...(await pidsIn(folder))]) sendSignal(pid, 'SIGKILL');
      // Frozen processes of version 1 end only now, and do nothing else any more.
      freezable?.thaw();
      return (await isRemoved(pages)) && (await isRemoved(folder)) ? true : undefined;
    });
  }
  const groups = new Set(folders.map(dirname).filter(path => basename(path).startsWith(GROUP_PREFIX)));
  for (const group of groups) await rmdir(group).catch(() => undefined); // there are others in it
}

async function isRemoved(folder: string): Promise<boolean> {
  try {
    await unlessGone(rmdir(folder));
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EBUSY') return false;
    throw error;
  }
}

async function unlessGone(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const code = systemCodeOf(error);
    if (code !== 'ENOENT' && code !== 'ENODEV') throw error;
  }
}

/* The sum of the numbers after a word at the beginning of a line. */
function count(text: string | undefined, word: string): number {
  const lines = (text ?? '').split('\n').filter(line => line.startsWith(word));
  return lines.reduce((sum, line) => sum + (Number(line.slice(word.length)) || 0), 0);
}
