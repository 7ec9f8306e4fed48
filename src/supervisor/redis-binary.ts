import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

/** Programs that can be the embedded Redis, the preferred one first. */
const REDIS_PROGRAMS = ['redis-server', 'valkey-server'] as const;

/** Finds a Redis on a PATH: an absolute path, or null. */
export async function findRedisBinary(searchPath: string): Promise<string | null> {
  const folders = searchPath.split(delimiter).filter(folder => folder !== '');
  for (const program of REDIS_PROGRAMS) {
    for (const folder of folders) {
      const path = join(folder, program);
      // Rejects for a file that is missing or not executable: both mean "not here".
      const usable = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (usable) return path;
    }
  }
  return null;
}

/** From this version on a user can have a right to read only. Valkey began later than that. */
const READ_ONLY_SINCE = 7;
const VERSION_TIMEOUT_MS = 5_000;

/** Whether users of this Redis can have a right to read only; no if it does not say its version. */
export async function canReadOnly(binary: string): Promise<boolean> {
  const answer = await promisify(execFile)(binary, ['--version'], { timeout: VERSION_TIMEOUT_MS }).catch(
    () => null,
  );
  // "Redis server v=7.0.15 sha=…", "Valkey server v=8.0.1 sha=…"
  const major = /\bv=(\d+)\./.exec(answer?.stdout ?? '')?.[1];
  return Number(major ?? 0) >= READ_ONLY_SINCE;
}
