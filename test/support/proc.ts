import { readdirSync, readFileSync } from 'node:fs';
import { systemProcesses, type ProcessEntry } from '../../src/core/process-identity';

/*
 * The process table as tests read it: often, while they wait. Linux gives a file of /proc in some microseconds, and a
 * promise of node:fs/promises costs the processor three times that. Only the service must not block.
 */

/** The pids of all processes; Linux only. */
export function allPids(): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number);
}

/** A file of a process, such as `cmdline`; empty if the process is gone, or if this user may not read it. */
export function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/**
 * Whether a process only starts a browser, whose words it has in its command line: the shim, and what makes the
 * limits and the cage.
 */
export const isWrapper = (commandLine: string): boolean =>
  commandLine.includes('/shim.sh ') ||
  commandLine.includes('/cgroup.procs ') ||
  /^(?:\S*\/)?(?:setpriv|bwrap) /.test(commandLine);

/** All living processes with their command lines, as `systemProcesses.list()`. */
export async function listProcesses(): Promise<Omit<ProcessEntry, 'uid'>[]> {
  if (process.platform !== 'linux') return systemProcesses.list();
  return allPids()
    .map(pid => ({ pid, commandLine: readProc(pid, 'cmdline').trim() }))
    .filter(({ commandLine }) => commandLine !== '');
}
