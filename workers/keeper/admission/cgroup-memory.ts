import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CgroupVersion } from '../limits/controllers';
import type { OwnCgroup } from '../limits/hierarchies';

/** What a cgroup may use, and what could be had of that now. */
export interface CgroupMemory {
  readonly limitBytes: number;
  readonly availableBytes: number;
}

/** Names of files, and of the line that says how much the cache of files has that nobody has read again. */
const FILES: Readonly<Record<CgroupVersion, { limit: string; usage: string; cache: string }>> = {
  1: { limit: 'memory.limit_in_bytes', usage: 'memory.usage_in_bytes', cache: 'total_inactive_file' },
  2: { limit: 'memory.max', usage: 'memory.current', cache: 'inactive_file' },
};

/** Version 1 says "no limit" with a number near 2^63. */
const NO_LIMIT_FROM = 2 ** 60;

/**
 * The tightest limit on the memory of a cgroup and those above it; null: none can be seen. Cached files count as
 * available: the kernel takes them back before it refuses anything, and what browsers write fills a container with
 * them.
 */
export async function cgroupMemory({ version, folder, path }: OwnCgroup): Promise<CgroupMemory | null> {
  const depth = path.split('/').filter(part => part !== '').length;
  const found: CgroupMemory[] = [];
  for (let at = folder, level = 0; level <= depth; level += 1, at = dirname(at)) {
    const memory = await memoryOf(at, version);
    if (memory !== null) found.push(memory);
  }
  return found.sort((a, b) => a.availableBytes - b.availableBytes)[0] ?? null;
}

async function memoryOf(folder: string, version: CgroupVersion): Promise<CgroupMemory | null> {
  const { limit, usage, cache } = FILES[version];
  const limitBytes = await numberIn(join(folder, limit));
  const usedBytes = await numberIn(join(folder, usage));
  if (limitBytes === null || usedBytes === null || limitBytes >= NO_LIMIT_FROM) return null;
  const cached = new RegExp(`^${cache} (\\d+)$`, 'm').exec(await textOf(join(folder, 'memory.stat')))?.[1];
  return { limitBytes, availableBytes: Math.max(0, limitBytes - usedBytes + Number(cached ?? 0)) };
}

async function numberIn(path: string): Promise<number | null> {
  const text = (await textOf(path)).trim();
  return /^\d+$/.test(text) ? Number(text) : null;
}

/* Empty if it is not there: the root of a tree has no limit, and what is above a container cannot be seen. */
const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
