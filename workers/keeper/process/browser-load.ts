import { readdir, readFile } from 'node:fs/promises';

/** The load of this machine's browsers. */
export interface BrowserLoad {
  readonly processes: number;
  /** Shared memory pages count once for each process. */
  readonly residentBytes: number;
  /** Since this keeper began to measure; never falls. */
  readonly cpuSeconds: number;
}

/** One line of the process table. */
export interface ProcessUsage {
  readonly pid: number;
  readonly parentPid: number;
  /** CPU time of the process and of the children it has waited for. */
  readonly cpuTicks: number;
  readonly residentPages: number;
}

/** Dependencies of {@link LoadMeter}. */
export interface LoadMeterParts {
  /** The first process of every browser. */
  readonly roots: () => readonly number[];
  readonly everyMs?: number;
  /** Default: /proc. */
  readonly read?: () => Promise<readonly ProcessUsage[]>;
}

const EVERY_MS = 10_000;

/** The unit of times in /proc, on every architecture that Chromium runs on (USER_HZ). */
const TICKS_PER_SECOND = 100;

/**
 * Measures the process trees of the browsers at intervals. It reads the whole process table, since the kernel offers no
 * way to read one tree; with a thousand processes that takes some 30 ms, off the main thread. Crash handlers have left
 * their tree and are not counted.
 */
export class LoadMeter {
  readonly #ticks = new Map<number, number>();
  #cpuTicks = 0;
  #load: BrowserLoad | null = null;
  #pageBytes = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(private readonly parts: LoadMeterParts) {}

  /** The last measurement; null before the first one, and always on systems without /proc. */
  get load(): BrowserLoad | null {
    return this.#load;
  }

  /** Measures now and at intervals. Does nothing on systems without /proc. */
  async start(): Promise<void> {
    this.#pageBytes = (await pageBytes()) ?? 0;
    if (this.#pageBytes === 0) return;
    await this.look();
    this.#timer = setInterval(() => void this.look(), this.parts.everyMs ?? EVERY_MS);
  }

  /** Stops measuring. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** Measures once. Errors are ignored; the next measurement follows. */
  async look(): Promise<void> {
    const roots = this.parts.roots();
    const table = roots.length === 0 ? [] : await (this.parts.read ?? readTable)().catch(() => null);
    if (table === null) return;
    const children = childrenIn(table);
    const byPid = new Map(table.map(usage => [usage.pid, usage]));
    const trees = roots.map(root => treeOf(byPid.get(root), children));
    roots.forEach((root, index) => this.#count(root, sum(trees[index] ?? [], 'cpuTicks')));
    for (const root of [...this.#ticks.keys()]) if (!roots.includes(root)) this.#ticks.delete(root);
    const all = trees.flat();
    this.#load = {
      processes: all.length,
      residentBytes: sum(all, 'residentPages') * this.#pageBytes,
      cpuSeconds: this.#cpuTicks / TICKS_PER_SECOND,
    };
  }

  /* The time of an ended process is lost unless its parent waits for it, so the sum of a tree may fall. */
  #count(root: number, ticks: number): void {
    const before = this.#ticks.get(root);
    // A browser that was running before this keeper has used its time under an earlier one.
    if (before !== undefined || this.#load !== null) this.#cpuTicks += Math.max(0, ticks - (before ?? 0));
    this.#ticks.set(root, Math.max(ticks, before ?? 0));
  }
}

function childrenIn(table: readonly ProcessUsage[]): ReadonlyMap<number, readonly ProcessUsage[]> {
  const children = new Map<number, ProcessUsage[]>();
  for (const usage of table) {
    const siblings = children.get(usage.parentPid);
    if (siblings === undefined) children.set(usage.parentPid, [usage]);
    else siblings.push(usage);
  }
  return children;
}

function treeOf(
  root: ProcessUsage | undefined,
  children: ReadonlyMap<number, readonly ProcessUsage[]>,
): ProcessUsage[] {
  if (root === undefined) return [];
  return [root, ...(children.get(root.pid) ?? []).flatMap(child => treeOf(child, children))];
}

const sum = (table: readonly ProcessUsage[], what: 'cpuTicks' | 'residentPages'): number =>
  table.reduce((total, usage) => total + usage[what], 0);

async function readTable(): Promise<readonly ProcessUsage[]> {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name));
  // Processes that have ended since the folder was read are skipped.
  const lines = await Promise.all(pids.map(pid => readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')));
  return lines.filter(line => line !== '').map(parseStat);
}

/**
 * A line of `/proc/<pid>/stat`, see proc(5). The name may contain blanks and parentheses, so fields are split after the
 * last ')'.
 */
export function parseStat(line: string): ProcessUsage {
  const fields = line
    .slice(line.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const at = (number: number): number => fields[number - 3] ?? 0;
  return {
    pid: Number.parseInt(line, 10),
    parentPid: at(4),
    cpuTicks: at(14) + at(15) + at(16) + at(17),
    residentPages: at(24),
  };
}

async function pageBytes(): Promise<number | null> {
  // Not Linux.
  const maps = await readFile('/proc/self/smaps', 'utf8').catch(() => '');
  const kilobytes = /^KernelPageSize:\s+(\d+) kB$/m.exec(maps)?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}
