import { pause } from '../../../src/core/abort';
import type { Clock } from '../../../src/core/clock';
import { RecurringFailures } from '../../../src/core/recurring-failures';
import type { DiskAllowance, SessionDisk } from '../books/tenant-disk';
import type { BrowserFacts, BrowserRuntime } from '../process/browser-facts';
import { measureDownloads, removeDownload, type MeasuredDownload } from './downloads';
import { FileLimit } from '../process/file-limit';
import type { RunDirectory } from '../process/run-directory';
import { FolderWatch } from '../process/watch-until';

/**
 * How often the folder is checked: at rest, unless something changes in it; during a download; when the quota is nearly
 * used up.
 */
const LOOK_EVERY_MS = 1_000;
const LOOK_BUSY_MS = 50;
const LOOK_SOON_MS = 25;

/** The largest share of time spent on checks: a folder with very many files is checked less often. */
const SHARE_OF_TIME = 0.1;

/** Smaller files can always be written, so that the limit does not affect the browser's own small files. */
const LIMIT_AT_LEAST_BYTES = 2 ** 20;

/** A download without a write for so long waits for its server: the limit is lifted until it continues. */
const STALLED_AFTER_MS = 1_000;

/** A download that was ended because the session's quota was used up. */
export interface CutDownload {
  /** Its name if known; for an unfinished one Chromium's temporary name. */
  readonly name: string;
  readonly size: number;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

/** Dependencies of {@link DownloadQuota}. */
export interface DownloadQuotaParts {
  readonly allowance: DiskAllowance;
  readonly watch: () => Pick<FolderWatch, 'changed' | 'close'>;
  readonly measure: () => Promise<readonly MeasuredDownload[]>;
  readonly remove: (name: string) => Promise<void>;
  /** See FileLimit. */
  readonly limit: { lower(bytes: number): Promise<void>; lift(): Promise<void> };
  readonly onCut: (cut: readonly CutDownload[]) => void;
  readonly nowMs: () => number;
  readonly failures: Pick<RecurringFailures, 'failed' | 'worked'>;
}

/**
 * Limits the downloads of one browser to the bytes that they may take on the disk (ADR 29). The kernel ends a download
 * beyond the quota: its next write fails, Chromium treats the download as interrupted and removes the file. Files that
 * were completed between two checks are removed, the newest first. It works without any client.
 */
export class DownloadQuota {
  readonly #parts: DownloadQuotaParts;
  /** Unfinished downloads that must end, by inode. */
  readonly #toEnd = new Map<number, MeasuredDownload>();
  #bytes = 0;
  #lookedAtMs = 0;
  #unfinishedBytes = 0;
  /** When one of them has last written something; null while no limit is set. */
  #limitedAtMs: number | null = null;

  constructor(parts: DownloadQuotaParts) {
    this.#parts = parts;
  }

  /** Checks repeatedly until the signal is aborted. */
  async enforce(signal: AbortSignal): Promise<void> {
    // An earlier keeper may have left a limit; otherwise this has no effect.
    await this.#parts.limit.lift().catch(() => undefined);
    for (let isAtRest = false; !signal.aborted;) {
      // Created before the check, so that no change is missed between the two; not during downloads, when every write
      // would trigger it.
      const watch = isAtRest ? this.#parts.watch() : null;
      const beganMs = performance.now();
      const untilNextMs = await this.look().catch((error: unknown) => {
        this.#parts.failures.failed('downloads', error);
        return LOOK_EVERY_MS;
      });
      const dueMs = (performance.now() - beganMs) / SHARE_OF_TIME;
      isAtRest = untilNextMs === LOOK_EVERY_MS;
      if (isAtRest && watch !== null) await watch.changed(untilNextMs, signal);
      watch?.close();
      await pause(isAtRest ? dueMs : Math.max(untilNextMs, dueMs), signal);
    }
  }

  /**
   * Checks once and enforces the quota; answers when to check again, in milliseconds.
   *
   * @throws what the file system throws.
   */
  async look(): Promise<number> {
    const { measure, allowance, nowMs } = this.#parts;
    const files = await measure();
    const atMs = nowMs();
    this.#reportEnded(files, atMs);
    const bytes = sum(files);
    const maxBytes = allowance.claim(bytes);
    const perMs = Math.max(0, bytes - this.#bytes) / Math.max(1, atMs - this.#lookedAtMs);
    [this.#bytes, this.#lookedAtMs] = [bytes, atMs];
    if (bytes <= maxBytes && this.#toEnd.size === 0) {
      this.#unfinishedBytes = 0;
      await this.#lift();
      // Two checks before the quota would be reached at this rate.
      const roomMs = perMs === 0 ? Infinity : (maxBytes - bytes) / perMs / 2;
      const isBusy = files.some(({ isComplete }) => !isComplete);
      return Math.min(isBusy ? LOOK_BUSY_MS : LOOK_EVERY_MS, Math.max(LOOK_SOON_MS, roomMs));
    }
    await this.#removeNewest(
      files.filter(({ isComplete }) => isComplete),
      maxBytes,
    );
    await this.#end(
      files.filter(({ isComplete }) => !isComplete),
      bytes > maxBytes,
      atMs,
    );
    return this.#limitedAtMs === null ? LOOK_BUSY_MS : LOOK_SOON_MS;
  }

  /* A download that was completed at the last moment was not cut: it counts like any complete file. */
  #reportEnded(files: readonly MeasuredDownload[], atMs: number): void {
    const there = new Map(files.map(file => [file.inode, file]));
    const cut: CutDownload[] = [];
    for (const [inode, { name, size }] of this.#toEnd) {
      const now = there.get(inode);
      if (now === undefined) cut.push({ name, size, atMs });
      if (now === undefined || now.isComplete) this.#toEnd.delete(inode);
      else this.#toEnd.set(inode, now);
    }
    if (cut.length > 0) this.#parts.onCut(cut);
  }

  async #removeNewest(complete: readonly MeasuredDownload[], maxBytes: number): Promise<void> {
    const { remove, onCut, nowMs } = this.#parts;
    let bytes = sum(complete);
    const newestFirst = [...complete].sort((a, b) => b.modifiedAtMs - a.modifiedAtMs);
    for (const { name, size, allocatedBytes } of newestFirst) {
      if (bytes <= maxBytes) return;
      await remove(name);
      bytes -= allocatedBytes;
      onCut([{ name, size, atMs: nowMs() }]);
    }
  }

  /* The limit stays in force while the downloads that must end still write. */
  async #end(unfinished: readonly MeasuredDownload[], isOver: boolean, atMs: number): Promise<void> {
    if (isOver) for (const file of unfinished) this.#toEnd.set(file.inode, file);
    const toEnd = unfinished.filter(({ inode }) => this.#toEnd.has(inode));
    const bytes = sum(toEnd);
    const hasGrown = bytes > this.#unfinishedBytes;
    this.#unfinishedBytes = bytes;
    if (toEnd.length === 0) await this.#lift();
    else if (hasGrown) {
      const smallest = Math.min(...toEnd.map(({ size }) => size));
      await this.#lower(Math.max(LIMIT_AT_LEAST_BYTES, smallest));
      this.#limitedAtMs = atMs;
    } else if (this.#limitedAtMs !== null && atMs - this.#limitedAtMs > STALLED_AFTER_MS) await this.#lift();
  }

  async #lower(bytes: number): Promise<void> {
    const { limit, failures } = this.#parts;
    try {
      await limit.lower(bytes);
      failures.worked('downloads');
    } catch (error) {
      failures.failed('downloads', error);
    }
  }

  async #lift(): Promise<void> {
    if (this.#limitedAtMs === null) return;
    this.#limitedAtMs = null;
    // Fails if the browser is gone; then there is no limit to lift.
    await this.#parts.limit.lift().catch(() => undefined);
  }
}

/** A browser whose quota is enforced. */
export interface QuotaSubject {
  readonly ref: string;
  readonly facts: BrowserFacts | null;
  readonly directory: Pick<RunDirectory, 'downloads'>;
  readonly disk: Pick<SessionDisk, 'downloads'>;
  readonly over: AbortSignal;
}

/** Settings for all browsers of a keeper. */
export interface QuotaTerms {
  readonly runtime: Pick<BrowserRuntime, 'log'>;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/**
 * Enforces the quota of a running browser until it has ended or `signal` is aborted. The null browser downloads
 * nothing.
 */
export async function keepToQuota(
  { ref, facts, directory: { downloads }, disk, over }: QuotaSubject,
  { runtime: { log }, clock }: QuotaTerms,
  signal: AbortSignal,
  onCut: DownloadQuotaParts['onCut'],
): Promise<void> {
  if (facts === null || facts.devTools.port === 0) return;
  const quota = new DownloadQuota({
    allowance: disk.downloads,
    watch: () => new FolderWatch(downloads),
    measure: () => measureDownloads(downloads, facts.user.uid),
    remove: name => removeDownload(downloads, name),
    limit: new FileLimit(facts.browser, facts.shim, facts.user),
    onCut,
    nowMs: () => clock.nowMs(),
    failures: new RecurringFailures(
      log.child({ ref }),
      'the quota of downloads cannot be enforced',
      'the quota of downloads is enforced again',
    ),
  });
  await quota.enforce(AbortSignal.any([signal, over]));
}

const sum = (files: readonly MeasuredDownload[]): number =>
  files.reduce((total, { allocatedBytes }) => total + allocatedBytes, 0);
