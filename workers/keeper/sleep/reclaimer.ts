import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The first line of /proc/swaps names its columns. */
const SWAP_AREA = /\n\S/;

/**
 * Gives the memory of frozen browsers back to the machine, as far as there is swap to take it: without, only pages of
 * files could go, which the kernel takes by itself when memory is short, and which browsers that are awake share.
 *
 * One at a time: the kernel works on it for some tenths of a second, in one of the few threads that this process has
 * for files.
 */
export class Reclaimer {
  #tail: Promise<void> = Promise.resolve();

  /** @param swaps - where the kernel lists its swap */
  constructor(private readonly swaps = '/proc/swaps') {}

  /**
   * Reclaims what the processes in these cgroups have, if they still sleep when it is their turn. Never rejects: it is
   * a gift, and nothing is lost without it.
   */
  reclaim(cgroups: readonly string[], isAsleep: () => boolean): Promise<void> {
    this.#tail = this.#tail.then(async () => {
      if (!isAsleep() || !(await hasSwap(this.swaps))) return;
      for (const folder of cgroups) await reclaimIn(folder);
    });
    return this.#tail;
  }
}

async function hasSwap(swaps: string): Promise<boolean> {
  return SWAP_AREA.test(await readFile(swaps, 'utf8').catch(() => ''));
}

/*
 * Version 1, then version 2, whose limit keeps an awake browser from swapping (ADR 72); the other ones have no such
 * files.
 */
async function reclaimIn(folder: string): Promise<void> {
  await write(join(folder, 'memory.force_empty'), '0');
  const used = await readFile(join(folder, 'memory.current'), 'utf8').catch(() => null);
  if (used === null) return;
  const limit = join(folder, 'memory.swap.max');
  const before = await readFile(limit, 'utf8').catch(() => null);
  await write(limit, 'max');
  await write(join(folder, 'memory.reclaim'), used.trim());
  // What is in swap stays there until it is used.
  if (before !== null) await write(limit, before.trim());
}

/* Not every kernel has each file, and what cannot be reclaimed in full is an error, too. */
async function write(path: string, text: string): Promise<void> {
  await writeFile(path, text, { flag: 'r+' }).catch(() => undefined);
}
