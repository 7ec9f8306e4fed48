import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Programs that can be the embedded Redis, the preferred one first. */
export const REDIS_PROGRAMS = ['redis-server', 'valkey-server'] as const;

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
