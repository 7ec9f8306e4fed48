import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { cacheFolder } from './modules.mjs';
import { log, SetupError } from './report.mjs';

/**
 * Finds a Chromium and proves by one launch, with the flags, the user and the sandbox of real sessions, that it works.
 * A proof is valid until the program or a setting changes. Answers which browser is missing, or null.
 */
export async function ensureChromium(root) {
  const { HOLDFAST_BROWSER, HOLDFAST_CHROMIUM_ARGS: args } = process.env;
  if (['null', 'none'].includes(HOLDFAST_BROWSER) && process.env.npm_lifecycle_event !== 'pretest')
    return null;
  const require = builtModules(root);
  const isShell = HOLDFAST_BROWSER === 'chromium-headless-shell';
  const browser = isShell ? HOLDFAST_BROWSER : 'chromium';
  const setting = isShell ? 'HOLDFAST_HEADLESS_SHELL_PATH' : 'HOLDFAST_CHROMIUM_PATH';
  const configured = process.env[setting] || null;
  const { hostBrowsers } = require('./workers/keeper/host.js');
  const paths = { chromiumPath: isShell ? null : configured, headlessShellPath: isShell ? configured : null };
  const programs = await hostBrowsers(paths, process.env.PATH ?? '');
  const program = programs[browser];
  if (program === undefined && configured === null) return browser;
  if (program === undefined) throw new SetupError(`${setting}: ${configured} is not a program`);

  const noSandbox = ['1', 'true'].includes(process.env.HOLDFAST_NO_SANDBOX ?? '');
  const { mtimeMs } = statSync(program);
  const isolation = process.env.HOLDFAST_ISOLATION || 'auto';
  const proven = JSON.stringify({
    program,
    mtimeMs,
    uid: process.getuid?.() ?? null,
    args,
    noSandbox,
    isolation,
  });
  const cacheFile = join(cacheFolder(root), 'chromium.json');
  if (isProven(cacheFile, proven)) return null;
  log(`trying ${program}`);
  // Loaded only now: setup has to be fast when nothing has changed.
  const { proveChromium } = require('./workers/keeper/chromium-proof.js');
  const given = (args ?? '').split(/\s+/).filter(arg => arg !== '');
  const wish = { wanted: isolation, uids: null, reads: [] };
  const proof = await proveChromium({ program, args: given, noSandbox }, wish);
  if (!proof.ok) throw new SetupError(`${program} does not start: ${proof.reason}`, proof.advice);
  remember(cacheFile, proven);
  return null;
}

/** Where a fetched Chromium belongs. */
export function chromiumCacheDir(root) {
  const { chromiumCacheDirs } = builtModules(root)('./workers/keeper/host.js');
  const [best] = chromiumCacheDirs();
  if (best === undefined)
    throw new SetupError('missing: chromium, and there is no home folder to fetch it into');
  return best;
}

const builtModules = root => createRequire(join(root, 'dist', 'package.json'));

function remember(cacheFile, proven) {
  try {
    mkdirSync(dirname(cacheFile), { recursive: true });
    writeFileSync(cacheFile, proven);
  } catch {
    // The package belongs to another user, such as root, so the proof cannot be stored: the next start tries again.
  }
}

function isProven(cacheFile, proven) {
  try {
    return readFileSync(cacheFile, 'utf8') === proven;
  } catch {
    return false; // never proven
  }
}
