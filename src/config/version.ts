import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The version of this package, from the nearest package.json above: sources and build stand at different depths.
 *
 * @throws if there is none, and then this is no installed package.
 */
export function packageVersion(from = __dirname): string {
  const file = join(from, 'package.json');
  if (existsSync(file)) {
    // SAFETY: npm has read the same file to install us; `version` is mandatory in it.
    return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  }
  if (dirname(from) === from) throw new Error('there is no package.json above this file');
  return packageVersion(dirname(from));
}
