import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** The first executable of this name on a PATH; null if there is none. */
export async function findProgram(name: string, searchPath: string): Promise<string | null> {
  for (const folder of searchPath.split(delimiter)) {
    const path = join(folder, name);
    const isUsable = await access(path, constants.X_OK).then(
      () => true,
      () => false, // missing or not executable: not here in either case
    );
    if (folder !== '' && isUsable) return path;
  }
  return null;
}
