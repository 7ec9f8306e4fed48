import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The folder of this package: the nearest one above with a package.json, since sources and build are at different
 * depths.
 *
 * @throws if there is none; this is then not an installed package.
 */
export function packageFolder(from = __dirname): string {
  if (existsSync(join(from, 'package.json'))) return from;
  if (dirname(from) === from) throw new Error('no package.json was found above this file');
  return packageFolder(dirname(from));
}

/**
 * The version of this package.
 *
 * @throws as {@link packageFolder}.
 */
export function packageVersion(): string {
  const text = readFileSync(join(packageFolder(), 'package.json'), 'utf8');
  // SAFETY: npm has read the same file to install this package; `version` is mandatory in it.
  return (JSON.parse(text) as { version: string }).version;
}
