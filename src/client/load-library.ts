import { HoldfastError } from './errors';

/**
 * Loads the first installed one of several packages. They belong to the application, which chooses the version.
 *
 * @param pick - takes the needed exports of a module; undefined if they are missing
 * @throws HoldfastError `library_missing`; the error of an installed package that cannot be loaded.
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
    `None of ${packages.join(', ')} is installed: run \`npm install ${first}\`, or pass the ` +
      'library to the constructor.',
  );
}

async function load(name: string): Promise<Readonly<Record<string, unknown>> | null> {
  try {
    // The name is in a variable because bundlers would try to include a package that is named in a literal.
    // SAFETY: a module's exports are named values, and every one is checked before use.
    const exports = (await import(name)) as Record<string, unknown>;
    // SAFETY: as above; a CommonJS module has its exports in `default`, and perhaps nowhere else.
    return { ...(exports['default'] as Record<string, unknown> | undefined), ...exports };
  } catch (error) {
    if (isAbsent(error, name)) return null;
    throw error;
  }
}

/*
 * Whether the package itself is missing, not one of its own imports. Not by `instanceof`: test runners have several
 * `Error`s.
 */
const isAbsent = (error: unknown, name: string): boolean =>
  typeof error === 'object' &&
  error !== null &&
  'code' in error &&
  (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND') &&
  'message' in error &&
  String(error.message).includes(`'${name}'`);
