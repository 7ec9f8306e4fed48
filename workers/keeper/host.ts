import { homedir } from 'node:os';
import { join } from 'node:path';
import { BROWSERS, type BrowserName } from '../../machines/session/session.words';
import { puppeteerCacheDir } from '../../src/config/env';
import { findProgram } from './isolation/find-program';
import { findChromium } from './process/find-chromium';
import { keeperSocketPath, mountsFolder, runRootFor, statesFolder } from './process/run-root';

/*
 * What other programs may ask about the keeper's host. With `door/protocol.ts` and `chromium-proof.ts` it is all that
 * they import of the keeper; ESLint sees to it.
 */

/** The operator's choices; where there is one, nothing else is considered. */
export interface BrowserPaths {
  readonly chromiumPath: string | null;
  readonly headlessShellPath: string | null;
}

/**
 * The executables of the browsers that this machine has.
 *
 * @param searchPath - a PATH
 */
export async function hostBrowsers(
  { chromiumPath, headlessShellPath }: BrowserPaths,
  searchPath: string,
): Promise<Partial<Record<BrowserName, string>>> {
  const cacheDirs = chromiumCacheDirs();
  const configured = { chromium: chromiumPath, 'chromium-headless-shell': headlessShellPath };
  const found: Partial<Record<BrowserName, string>> = {};
  for (const browser of BROWSERS) {
    const path = await findChromium({ configured: configured[browser], searchPath, cacheDirs }, browser);
    if (path !== null) found[browser] = path;
  }
  return found;
}

/**
 * The X server for browsers with windows, or null if there is none.
 *
 * @param searchPath - a PATH
 */
export async function hostXvfb(searchPath: string): Promise<string | null> {
  return findProgram('Xvfb', searchPath);
}

/** Where browsers live. */
export interface BrowserLocation {
  readonly runRoot: string;
}

/**
 * Where the keeper of a data folder keeps its browsers.
 *
 * @param dataDir - must exist
 * @throws if the browsers' user can reach no folder for them.
 */
export async function browserLocation(dataDir: string): Promise<BrowserLocation> {
  return { runRoot: await runRootFor(dataDir) };
}

/** The folders of a worker beside its keeper's browsers. The keeper makes them. */
export interface WorkerFolders {
  /** The profiles for launches, each in a folder named after the claim. */
  readonly mounts: string;
  /** What was read of browsers before their end, each in a file named after the claim. */
  readonly states: string;
}

/** @see WorkerFolders */
export const workerFolders = (runRoot: string): WorkerFolders => ({
  mounts: mountsFolder(runRoot),
  states: statesFolder(runRoot),
});

/**
 * The Unix socket on which the keeper of a data folder listens, whether or not one runs.
 *
 * @param dataDir - must exist
 * @throws as {@link browserLocation}.
 */
export async function keeperSocketOf(dataDir: string): Promise<string> {
  return keeperSocketPath(await runRootFor(dataDir));
}

/* The cache folder of root, whose home is closed to the user that runs the browsers. */
const CACHE_OF_ROOT = '/var/cache/holdfast';

/**
 * Where browsers are that no package manager has installed: setup puts what it fetches into the first folder, `npx
 * puppeteer browsers install` into Puppeteer's.
 */
export function chromiumCacheDirs(): string[] {
  const chosen = puppeteerCacheDir();
  if (chosen !== null) return [chosen];
  const shared = process.getuid?.() === 0 ? [CACHE_OF_ROOT] : [];
  try {
    return [...shared, join(homedir(), '.cache', 'puppeteer')];
  } catch {
    return shared; // a uid without an account and without HOME, as in containers
  }
}
