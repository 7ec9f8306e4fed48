import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * Identifies a process, as opposed to a later one with the same pid: pid, start time and boot. Compared before a
 * process is signalled or adopted.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; equal for as long as the process lives. Clock ticks since boot on Linux, `ps -o lstart=` elsewhere. */
  readonly startedAt: string;
}

/** One process of the machine with its full command line. */
export interface ProcessEntry {
  readonly pid: number;
  readonly commandLine: string;
}

/** The one interface to the machine's process table. */
export interface ProcessTable {
  /** The identity of a pid, or null if no such process lives. Zombies and dead ones (Z, X) do not live. */
  identify(pid: number): Promise<ProcessIdentity | null>;
  /** All living processes. */
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

/** `process.kill` that answers false instead of throwing when there is no such process. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    // SAFETY: process.kill throws system errors only.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

const DEAD_STATES = new Set(['Z', 'X', 'x']);

/**
 * Linux: /proc. Field numbers as in proc(5). The command may contain blanks and parentheses, so fields are split after
 * the last ')'.
 */
const procTable: ProcessTable = {
  async identify(pid) {
    try {
      const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const [state, startTicks] = [fields[0] ?? 'X', fields[19] ?? ''];
      return DEAD_STATES.has(state) ? null : { pid, startedAt: startTicks };
    } catch (error) {
      return gone(error);
    }
  },

  async list() {
    const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(Number);
    const entries = await Promise.all(
      pids.map(async pid => {
        const raw = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
        return { pid, commandLine: raw.replaceAll('\0', ' ').trim() };
      }),
    );
    return entries.filter(entry => entry.commandLine !== '');
  },

  bootId: async () => (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim(),
  networkNamespace: async () => readlink('/proc/self/ns/net'),
};

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

  async list() {
    const { stdout } = await run('ps', ['-Ao', 'pid=,command='], { maxBuffer: 16 * 1024 * 1024 });
    return stdout
      .split('\n')
      .map(line => /^\s*(\d+)\s+(.*)$/.exec(line))
      .flatMap(match => (match === null ? [] : [{ pid: Number(match[1]), commandLine: match[2] ?? '' }]));
  },

  async bootId() {
    const { stdout } = await run('sysctl', ['-n', 'kern.boottime']);
    return stdout.trim();
  },
  networkNamespace: () => Promise.resolve('host'),
};

function gone(error: unknown): null {
  // SAFETY: fs rejects with system errors; a process that vanished between two reads gives ENOENT or ESRCH.
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ESRCH') return null;
  throw error;
}

/** The process table of this operating system. */
export const systemProcesses: ProcessTable = process.platform === 'linux' ? procTable : psTable;
