import { readFile } from 'node:fs/promises';

/** Clock ticks in a second as proc(5) counts them; 100 on every Linux. */
const TICKS_PER_SECOND = 100;

/** How much processor time a process has used, µs: utime + stime, fields 14 and 15 of proc(5). */
export async function cpuUsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
  // Counted behind the name, which may contain blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1_000_000;
}
