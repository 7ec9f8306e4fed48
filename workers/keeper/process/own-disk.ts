import { lstat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { pause } from '../../../src/core/abort';
import { RecurringFailures } from '../../../src/core/recurring-failures';
import type { BoundAllowance } from '../books/tenant-disk';
import type { GoneReport } from '../door/protocol';
import type { KeeperDeps } from '../keeper-deps';
import { reportDiskUsed } from './gone-report';
import type { KeptBrowser } from './kept-browser';
import { BLOCK_BYTES, measureTree } from './measure-tree';
import type { RunDirectory } from './run-directory';

/** How often the disk is asked how much is free on it, which is one system call. */
const LOOK_EVERY_MS = 1_000;

/** How often the files are measured in any case: what others have freed can hide what this browser has written. */
const MEASURE_EVERY_MS = 30_000;

/** The largest share of time spent on measuring: a profile with very many files is measured less often. */
const SHARE_OF_TIME = 0.02;

/** A browser with less than that is not ended because its tenant has used up its quota. */
const SPARED_BYTES = 64 * 2 ** 20;

/** What the disk loses all the time, whoever writes. */
const NOISE_BYTES = 2 ** 20;

/** Dependencies of {@link OwnDisk}. */
export interface OwnDiskParts {
  readonly allowance: BoundAllowance;
  /** How many bytes the files take; it may stop above this many. */
  readonly measure: (stopAboveBytes: number) => Promise<number>;
  /** How many bytes are free on their disk. */
  readonly free: () => Promise<number>;
  /** Monotonic. */
  readonly nowMs: () => number;
}

/**
 * Holds what one browser writes for itself to the bytes that it may take on the disk (ADR 94). A profile has some two
 * hundred files, so they are not measured every second: a browser cannot have written more than the disk has lost
 * meanwhile, and that is one number.
 */
export class OwnDisk {
  /** As measured last. */
  #bytes = 0;
  /** Its allowance then. */
  #mayBytes = 0;
  /** What was free on the disk then. */
  #freeBytes = 0;
  #dueAtMs = -Infinity;
  #notBeforeMs = -Infinity;

  constructor(private readonly parts: OwnDiskParts) {}

  /**
   * Looks once; answers why the browser has to end, or null.
   *
   * @throws what the file system throws.
   */
  async look(): Promise<GoneReport | null> {
    const { free, nowMs } = this.parts;
    const freeBytes = await free();
    const beganMs = nowMs();
    if (beganMs < this.#notBeforeMs || (beganMs < this.#dueAtMs && !this.#isSuspected(freeBytes)))
      return null;
    const report = await this.#measure();
    this.#freeBytes = freeBytes;
    this.#dueAtMs = beganMs + MEASURE_EVERY_MS;
    this.#notBeforeMs = beganMs + (nowMs() - beganMs) / SHARE_OF_TIME;
    return report;
  }

  /* Whether half of its room may be used up; the other half is for what it writes until the next look. */
  #isSuspected(freeBytes: number): boolean {
    const room = Math.max(this.#mayBytes, SPARED_BYTES) - this.#bytes;
    return this.#freeBytes - freeBytes >= Math.max(NOISE_BYTES, room / 2);
  }

  async #measure(): Promise<GoneReport | null> {
    const { allowance, measure } = this.parts;
    this.#bytes = await measure(allowance.maxBytes);
    this.#mayBytes = allowance.claim(this.#bytes);
    if (this.#bytes <= this.#mayBytes) return null;
    const isTenants = this.#bytes <= allowance.maxBytes;
    return isTenants && this.#bytes <= SPARED_BYTES ? null : reportDiskUsed(isTenants);
  }
}

/**
 * Gives a browser up whose own files take more than they may. Returns when it no longer runs or `signal` is aborted.
 * The null browser writes nothing, and one that sleeps cannot.
 */
export async function keepWithinDisk(
  browser: KeptBrowser,
  { runtime, clock }: Pick<KeeperDeps, 'runtime' | 'clock'>,
  signal: AbortSignal,
  isAsleep: () => boolean,
): Promise<void> {
  const { facts, directory, disk, ref } = browser;
  if (facts === null || facts.devTools.port === 0) return;
  const own = new OwnDisk({
    allowance: disk.own,
    measure: stopAboveBytes => measureOwn(directory, stopAboveBytes),
    free: () => freeBytesOn(directory.path),
    nowMs: () => clock.monotonicMs(),
  });
  const failures = new RecurringFailures(
    runtime.log.child({ ref }),
    'what a browser writes cannot be measured',
    'what a browser writes is measured again',
  );
  const over = AbortSignal.any([signal, browser.over]);
  while (!over.aborted) {
    try {
      const report = isAsleep() ? null : await own.look();
      failures.worked('own files');
      if (report !== null) {
        await browser.giveUp(report);
        return;
      }
    } catch (error) {
      if (!over.aborted) failures.failed('own files', error);
    }
    await pause(LOOK_EVERY_MS, over);
  }
}

/* Its folders, and what its processes print. Files in the folder of downloads itself have a quota of their own. */
async function measureOwn(directory: RunDirectory, stopAboveBytes: number): Promise<number> {
  const log = await lstat(join(directory.path, 'log')).catch(() => null); // an end is under way
  let bytes = (log?.blocks ?? 0) * BLOCK_BYTES;
  for (const folder of [directory.profile, directory.tmp])
    bytes += await measureTree(folder, stopAboveBytes - bytes);
  const isDownload = (entry: { isFile(): boolean }, depth: number): boolean => depth === 0 && entry.isFile();
  return bytes + (await measureTree(directory.downloads, stopAboveBytes - bytes, isDownload));
}

async function freeBytesOn(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
