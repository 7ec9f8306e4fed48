import { access, constants, open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import type { BrowserName } from '../../../machines/session/session.words';

/** Where an executable may be. */
interface Places {
  /** Names under which distributions install it, best first. */
  readonly names: readonly string[];
  /** Where else it is installed. */
  readonly paths: readonly string[];
  /** Its folder in a cache of `@puppeteer/browsers`, which has a folder for each build. */
  readonly cached: string;
  /** Where it is in the folder of a build. */
  readonly files: readonly string[];
}

const PLACES: Readonly<Record<BrowserName, Places>> = {
  chromium: {
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    paths: [
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
    ],
    cached: 'chrome',
    files: [
      'chrome-linux64/chrome',
      'chrome-mac-arm64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing',
      'chrome-mac-x64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing',
    ],
  },
  'chromium-headless-shell': {
    names: ['chromium-headless-shell', 'chrome-headless-shell'],
    paths: [],
    cached: 'chrome-headless-shell',
    files: [
      'chrome-headless-shell-linux64/chrome-headless-shell',
      'chrome-headless-shell-mac-arm64/chrome-headless-shell',
      'chrome-headless-shell-mac-x64/chrome-headless-shell',
    ],
  },
};

/** Where to look for a browser. */
export interface ChromiumSearch {
  /** The operator's choice; if set, nothing else is considered. */
  readonly configured: string | null;
  /** A PATH. */
  readonly searchPath: string;
  /** Cache folders of `@puppeteer/browsers`. */
  readonly cacheDirs: readonly string[];
}

/** The executable of the browser that would be started, or null if there is none. */
export async function findChromium(
  search: ChromiumSearch,
  browser: BrowserName = 'chromium',
): Promise<string | null> {
  const { names, paths, cached, files } = PLACES[browser];
  if (search.configured !== null) return (await isExecutable(search.configured)) ? search.configured : null;
  const folders = search.searchPath.split(delimiter).filter(folder => folder !== '');
  const onPath = names.flatMap(name => folders.map(folder => join(folder, name)));
  for (const path of [...onPath, ...paths]) {
    if ((await isExecutable(path)) && !(await isSnap(path))) return behindWrapper(path);
  }
  for (const cache of search.cacheDirs) {
    const builds = await readdir(join(cache, cached)).catch(() => []);
    const newestFirst = builds.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
    for (const path of newestFirst.flatMap(build => files.map(file => join(cache, cached, build, file)))) {
      if (await isExecutable(path)) return path;
    }
  }
  return null;
}

const DEBIAN_WRAPPERS = [
  /^LIBDIR=\/usr\/lib\/\$APPNAME$/m,
  /^#!\/bin\/sh -e\n+\/usr\/lib\/chromium\/chromium-headless-shell "\$@"\n*$/,
];

/** A snap runs in a sandbox of its own and sees neither the run directory nor the browser's user. */
async function isSnap(path: string): Promise<boolean> {
  const real = await realpath(path);
  return (
    /^(?:\/var\/lib)?\/snap(?:d)?\//.test(real) || real === '/usr/bin/snap' || (await mentionsSnap(real))
  );
}

/** Ubuntu's `chromium-browser` package is a script that runs the snap. */
async function mentionsSnap(path: string): Promise<boolean> {
  return /\/snap\/bin\//.test(await scriptText(path));
}

/**
 * Debian's `chromium` is a script that runs some ten programs before the browser: 25 ms of every start. What it sets up
 * (desktop integration, extensions, a smaller /dev/shm) is not needed here, or is on the command line already.
 */
async function behindWrapper(path: string): Promise<string> {
  const text = await scriptText(path);
  const isWrapper = DEBIAN_WRAPPERS.some(pattern => pattern.test(text));
  const libexec = join('/usr/lib/chromium', basename(path));
  return isWrapper && (await isExecutable(libexec)) ? libexec : path;
}

/** The first lines of a script; nothing for a binary. */
async function scriptText(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4_096), 0, 4_096, 0);
    const text = buffer.toString('latin1', 0, bytesRead);
    return text.startsWith('#!') ? text : '';
  } finally {
    await file.close();
  }
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false; // missing or not executable: not a browser in either case
  }
}
