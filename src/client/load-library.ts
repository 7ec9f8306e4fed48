import { HoldfastError } from './errors';

/**
 * Loads the first of several packages that is installed. They are the caller's, in the version he wants; none is ours.
 *
 * @param pick - takes what is needed out of a module's exports; undefined if it is not there
 * @throws HoldfastError `library_missing`; whatever a package throws that is there and cannot be loaded.
 */
export async function loadLibrary<Library>(
  packages: readonly string[],
  pick: (exports: Readonly<Record<string, unknown>>) => Library | undefined,
): Promise<Library> {
  for (const name of packages) {
    const exports = await load(name);
    const library = exports === null ? undefined : pick(exports);
    if (library !== undefined) return library;
  }
  const [first = ''] = packages;
  throw new HoldfastError(
    'library_missing',
    `None of ${packages.join(', ')} is installed: run \`npm install ${first}\`, or hand it to the constructor.`,
  );
}

async function load(name: string): Promise<Readonly<Record<string, unknown>> | null> {
  try {
    // A name in a variable: bundlers would want to include every package that is written out here.
    // SAFETY: a module's exports are named values, and nothing is believed of them before it was looked at.
    const exports = (await import(name)) as Record<string, unknown>;
    // SAFETY: as above; a CommonJS module has its exports in `default`, and perhaps nowhere else.
    return { ...(exports['default'] as Record<string, unknown> | undefined), ...exports };
  } catch (error) {
    if (isAbsent(error, name)) return null;
    throw error;
  }
}

/* It may also be something that the package itself cannot find. By shape: test runners have several `Error`s. */
const isAbsent = (error: unknown, name: string): boolean =>
  typeof error === 'object' &&
  error !== null &&
  'code' in error &&
  (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND') &&
  'message' in error &&
  String(error.message).includes(`'${name}'`);
