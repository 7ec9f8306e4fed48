import { execFile } from 'node:child_process';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { systemCodeOf } from './errors';

/**
 * Identifies a process, as opposed to a later one with the same pid: pid, start time and boot. Compared before a
 * process is signalled or adopted.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; equal for as long as the process lives. Clock ticks since boot on Linux, `ps -o lstart=` elsewhere. */
  readonly startedAt: string;
}

/** A living process, whose child it is and whose rights it has. */
export interface ProcessStanding extends ProcessIdentity {
  readonly parentPid: number;
  /** The effective one. */
  readonly uid: number;
  /** A signal has stopped it, and none has let it go on. */
  readonly isStopped: boolean;
}

/** One process of the machine with its full command line. */
export interface ProcessEntry {
  readonly pid: number;
  /** The effective one. */
  readonly uid: number;
  /** Empty for threads of the kernel, for zombies, and for a process that has erased it. */
  readonly commandLine: string;
}

/** The one interface to the machine's process table. */
export interface ProcessTable {
  /** The identity of a pid, or null if no such process lives. Zombies and dead ones (Z, X) do not live. */
  identify(pid: number): Promise<ProcessIdentity | null>;
  /** The same, with parent, user and whether it is stopped. */
  inspect(pid: number): Promise<ProcessStanding | null>;
  /**
   * For how long the main thread of a process has waited for a processor since its start, milliseconds. 0 where the
   * system does not say.
   */
  waitedMs(pid: number): Promise<number>;
  /** All processes. */
  list(): Promise<ProcessEntry[]>;
  /** Identifies this boot of this machine. */
  bootId(): Promise<string>;
  /** Identifies the network namespace of this process; two processes share a loopback only where these are equal. */
  networkNamespace(): Promise<string>;
}

/** Whether `identity` still names a living process. */
export async function isAlive(table: ProcessTable, identity: ProcessIdentity): Promise<boolean> {
  const now = await table.identify(identity.pid);
  return now !== null && now.startedAt === identity.startedAt;
}

/**
 * Sends a signal to exactly this process; false if it is gone (or another process has its pid by now).
 *
 * @throws if the signal is not permitted.
 */
export async function signalProcess(
  table: ProcessTable,
  identity: ProcessIdentity,
  signal: NodeJS.Signals,
): Promise<boolean> {
  return (await isAlive(table, identity)) && sendSignal(identity.pid, signal);
}

/**
 * Sends a signal to the process group that this process leads, or led before it ended; false if there is none, or the
 * pid belongs to another process by now. As long as the group has members the kernel gives its number to no other
 * process.
 *
 * @throws if the signal is not permitted.
 */
export async function signalGroup(
  table: ProcessTable,
  leader: ProcessIdentity,
  signal: NodeJS.Signals,
): Promise<boolean> {
  const now = await table.identify(leader.pid);
  return (now === null || now.startedAt === leader.startedAt) && sendSignal(-leader.pid, signal);
}

/** How far up a process tree is followed; nothing that the product starts lies deeper. */
const GENERATIONS_MAX = 64;

/** Whether a process descends from another one. */
export async function isBelow(table: ProcessTable, pid: number, ancestorPid: number): Promise<boolean> {
  let current = await table.inspect(pid);
  for (let n = 0; n < GENERATIONS_MAX && current !== null && current.parentPid > 0; n += 1) {
    if (current.parentPid === ancestorPid) return true;
    current = await table.inspect(current.parentPid);
  }
  return false;
}

/** `process.kill` that answers false instead of throwing when there is no such process. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'ESRCH') return false;
    throw error;
  }
}

const DEAD_STATES = new Set(['Z', 'X', 'x']);
const STOPPED_STATE = 'T';

/**
 * Linux: /proc. Field numbers as in proc(5). The command may contain blanks and parentheses, so fields are split after
 * the last ')'.
 */
const procTable: ProcessTable = {
  async identify(pid) {
    try {
      const { state, startedAt } = await readStat(pid);
      return DEAD_STATES.has(state) ? null : { pid, startedAt };
    } catch (error) {
      return gone(error);
    }
  },

  async inspect(pid) {
    try {
      const [{ state, startedAt, parentPid }, { uid }] = await Promise.all([
        readStat(pid),
        // The folder belongs to the effective user, also for a process that may not be inspected.
        stat(`/proc/${pid}`),
      ]);
      const isStopped = state === STOPPED_STATE;
      return DEAD_STATES.has(state) ? null : { pid, startedAt, parentPid, uid, isStopped };
    } catch (error) {
      return gone(error);
    }
  },

  async waitedMs(pid) {
    // Of all that schedstat has: nanoseconds on a processor, nanoseconds of waiting, number of turns.
    const line = await readFile(`/proc/${pid}/schedstat`, 'latin1').catch(() => '');
    return Number(line.split(' ')[1] ?? 0) / 1e6;
  },

  async list() {
    const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(Number);
    const entries = await Promise.all(
      pids.map(async pid => {
        const [raw, stats] = await Promise.all([
          readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
          stat(`/proc/${pid}`).catch(() => null),
        ]);
        const commandLine = raw.replaceAll('\0', ' ').trim();
        return stats === null ? [] : [{ pid, uid: stats.uid, commandLine }];
      }),
    );
    return entries.flat();
  },

  bootId: async () => (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim(),
  networkNamespace: async () => readlink('/proc/self/ns/net'),
};

async function readStat(pid: number): Promise<{ state: string; parentPid: number; startedAt: string }> {
  const line = await readFile(`/proc/${pid}/stat`, 'latin1');
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? 'X', parentPid: Number(fields[1]), startedAt: fields[19] ?? '' };
}

const run = promisify(execFile);

/** Everywhere else: `ps`. */
const psTable: ProcessTable = {
  async identify(pid) {
    try {
      const { stdout } = await run('ps', ['-o', 'state=,lstart=', '-p', String(pid)]);
      const [state = 'X', ...started] = stdout.trim().split(/\s+/);
      return started.length === 0 || DEAD_STATES.has(state[0] ?? 'X')
        ? null
        : { pid, startedAt: started.join(' ') };
    } catch {
      return null; // ps exits 1 when there is no such process
    }
  },

  async inspect(pid) {
    try {
      const { stdout } = await run('ps', ['-o', 'ppid=,uid=,state=', '-p', String(pid)]);
      const [parent, user, state = ''] = stdout.trim().split(/\s+/);
      const identity = await psTable.identify(pid);
      if (identity === null || parent === undefined || user === undefined) return null;
      const isStopped = state.startsWith(STOPPED_STATE);
      return { ...identity, parentPid: Number(parent), uid: Number(user), isStopped };
    } catch {
      return null;
    }
  },

  waitedMs: () => Promise.resolve(0),

  async list() {
    const { stdout } = await run('ps', ['-Ao', 'pid=,uid=,command='], { maxBuffer: 16 * 1024 * 1024 });
    return stdout
      .split('\n')
      .map(line => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
      .flatMap(match =>
        match === null ? [] : [{ pid: Number(match[1]), uid: Number(match[2]), commandLine: match[3] ?? '' }],
      );
  },

  async bootId() {
    const { stdout } = await run('sysctl', ['-n', 'kern.boottime']);
    return stdout.trim();
  },
  networkNamespace: () => Promise.resolve('host'),
};

function gone(error: unknown): null {
  const code = systemCodeOf(error); // of a process that vanished between two reads
  if (code === 'ENOENT' || code === 'ESRCH') return null;
  throw error;
}

/** The process table of this operating system. */
export const systemProcesses: ProcessTable = process.platform === 'linux' ? procTable : psTable;
