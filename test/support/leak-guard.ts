import { readlinkSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { DeadlineExceededError, pollUntil } from '../../src/core/abort';
import { sendSignal } from '../../src/core/process-identity';
import { allPids, readProc } from './proc';

/**
 * A test may leave nothing behind. Several runs can share a machine, so the guard does not go by names of processes. A
 * process belongs to a test if it descends from the runner, or if its command line, environment or working directory
 * names the test's own temporary folder. TMPDIR points there, so every child inherits it. A browser with an empty
 * environment still has its run directory in there. A Redis that listens on TCP writes its title over both its command
 * line and its environment; it is known by its working directory.
 */
export interface Leaks {
  readonly processes: readonly LeakedProcess[];
  /** Names of the entries in the watched folder. */
  readonly files: readonly string[];
}

/** A process that outlived its test. */
export interface LeakedProcess {
  readonly pid: number;
  readonly commandLine: string;
}

/** Which processes to look for. */
export interface Watch {
  /** A folder or a run id: a process with this text in its command line or environment belongs to the watch. */
  readonly marker: string;
  /** Descendants of this process belong to the watch too; null: do not check ancestry. */
  readonly ancestorPid: number | null;
  /** Processes that were there before. */
  readonly ignoredPids: ReadonlySet<number>;
}

interface Kinship {
  readonly pid: number;
  readonly parentPid: number;
}

/** Time in which processes that were told to end have to be gone. */
const GRACE_MS = 1_000;

/** Living processes that belong to the watch. It reads /proc, so it finds none on other systems than Linux. */
export function findProcesses({ marker, ancestorPid, ignoredPids }: Watch): LeakedProcess[] {
  const all = livingProcesses();
  const family = ancestorPid === null ? new Set<number>() : descendantsOf(ancestorPid, all);
  return all
    .filter(({ pid }) => pid !== process.pid && !ignoredPids.has(pid))
    .filter(({ pid }) => family.has(pid) || names(pid, marker))
    .map(({ pid }) => ({ pid, commandLine: readProc(pid, 'cmdline').trim() }));
}

/** The pids of all living descendants of a process; none on other systems than Linux. */
export function descendantPids(ancestorPid: number): Set<number> {
  return descendantsOf(ancestorPid, livingProcesses());
}

/** What is left of a test, after some time for processes to end. */
export async function findLeaks(dir: string, watch: Watch, graceMs = GRACE_MS): Promise<Leaks> {
  const processes = await findProcessesAfterGrace(watch, graceMs);
  return { processes, files: await readdir(dir) };
}

/** Like {@link findProcesses}, but gives ending processes `graceMs` to be gone. */
export async function findProcessesAfterGrace(watch: Watch, graceMs = GRACE_MS): Promise<LeakedProcess[]> {
  try {
    return await pollUntil('the last process', { timeoutMs: graceMs, everyMs: 25 }, () => {
      const processes = findProcesses(watch);
      return processes.length === 0 ? [] : undefined;
    });
  } catch (error) {
    if (error instanceof DeadlineExceededError) return findProcesses(watch);
    throw error;
  }
}

/** The error that fails the test file; null if nothing was left. */
export function leakError(what: string, { processes, files }: Leaks): Error | null {
  if (processes.length === 0 && files.length === 0) return null;
  const lines = [
    ...processes.map(({ pid, commandLine }) => `  process ${pid}: ${commandLine.slice(0, 200)}`),
    ...files.map(file => `  in its temporary folder: ${file}`),
  ];
  const error = new Error(`${what} left behind:\n${lines.join('\n')}`);
  // The stack would point at this file, which is not the cause.
  error.stack = error.message;
  return error;
}

/** Ends leaked processes and removes the folder, so that one leak does not fail the files that follow. */
export async function cleanUp(dir: string, { processes }: Leaks): Promise<void> {
  for (const { pid } of processes) sendSignal(pid, 'SIGKILL');
  await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

function descendantsOf(ancestorPid: number, all: readonly Kinship[]): Set<number> {
  const found = new Set<number>();
  let parents = new Set([ancestorPid]);
  while (parents.size > 0) {
    const children = all.filter(({ pid, parentPid }) => parents.has(parentPid) && !found.has(pid));
    parents = new Set(children.map(({ pid }) => pid));
    for (const pid of parents) found.add(pid);
  }
  return found;
}

function livingProcesses(): Kinship[] {
  if (process.platform !== 'linux') return [];
  return allPids().flatMap(pid => {
    const stat = readProc(pid, 'stat');
    const [state = 'X', parentPid = '0'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return stat === '' || 'ZXx'.includes(state) ? [] : [{ pid, parentPid: Number(parentPid) }];
  });
}

/* Whether a process has the marker in its command line, its environment or its working directory. */
function names(pid: number, marker: string): boolean {
  return (
    ['cmdline', 'environ'].some(file => readProc(pid, file).includes(marker)) || cwdOf(pid).includes(marker)
  );
}

/* The working directory of a process, also one that was removed; empty if the process is gone or not this user's. */
function cwdOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}
