import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { log, SetupError } from './report.mjs';
import { which } from './which.mjs';

/** The size is only known when the download has begun. */
const SIZE = 'about 180 MB, 400 MB on disk';

/**
 * Whether setup fetches a Chromium itself when it is all that is missing: where there is no package manager it knows.
 */
export function fetchesChromium() {
  return process.env.HOLDFAST_SETUP !== 'check' && which('apt-get') === null && whyNotFetch() === null;
}

/** Why no Chrome for Testing would run on a machine; null if one does. */
export function whyNotFetch({ platform, arch, isMusl } = thisMachine()) {
  if (platform === 'darwin') return null;
  if (platform !== 'linux') return `Holdfast does not run on ${platform}`;
  if (arch !== 'x64') return `Chrome for Testing has no build for Linux on ${arch}`;
  if (isMusl) return 'Chrome for Testing needs glibc, which this Linux has not';
  return null;
}

function thisMachine() {
  const { platform, arch } = process;
  const isMusl = platform === 'linux' && process.report.getReport().header.glibcVersionRuntime === undefined;
  return { platform, arch, isMusl };
}

/**
 * Fetches the Chrome for Testing that this version of Puppeteer is tested with into a cache folder, in the layout of
 * `@puppeteer/browsers`. It appears there when it is complete. Proxies are those of HTTP_PROXY, HTTPS_PROXY and
 * NO_PROXY.
 */
export async function fetchChromium(root, cacheDir) {
  // Installed only now: setup runs before the modules are there.
  const require = createRequire(join(root, 'package.json'));
  const { Browser, detectBrowserPlatform, getDownloadUrl, install } = require('@puppeteer/browsers');
  const { PUPPETEER_REVISIONS } = require('puppeteer');
  const build = {
    browser: Browser.CHROME,
    platform: detectBrowserPlatform(),
    buildId: PUPPETEER_REVISIONS.chrome,
    // The name that Puppeteer has for a mirror.
    baseUrl: process.env.PUPPETEER_CHROME_DOWNLOAD_BASE_URL || undefined,
  };
  const url = getDownloadUrl(build.browser, build.platform, build.buildId, build.baseUrl);
  log(`missing: chromium; fetching Chrome for Testing ${build.buildId} (${SIZE}) into ${cacheDir}`);
  log(`from ${url} (HOLDFAST_SETUP=check to only look)`);
  const draft = join(cacheDir, `.fetching-${process.pid}`);
  try {
    mkdirSync(draft, { recursive: true });
    removeAbandoned(cacheDir);
    await untilSettled(install({ ...build, cacheDir: draft, downloadProgressCallback: progressReporter() }));
    publish(join(draft, build.browser), join(cacheDir, build.browser));
  } catch (error) {
    throw new SetupError(`chromium_download_failed: ${reasonOf(error)}`, [
      `  The host of ${url} must be reachable, through HTTPS_PROXY if there is a proxy.`,
      '  A mirror:          PUPPETEER_CHROME_DOWNLOAD_BASE_URL=https://…',
      '  Another Chromium:  install one, and set HOLDFAST_CHROMIUM_PATH if it is not on PATH.',
    ]);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Reports each quarter, with the size that the server has named. */
function progressReporter() {
  let reported = 0;
  return (bytes, totalBytes) => {
    const quarters = Math.floor((bytes / totalBytes) * 4);
    if (!(quarters > reported)) return;
    reported = quarters;
    log(`${quarters * 25} % of ${(totalBytes / 1e6).toFixed(1)} MB`);
  };
}

/** When a server closes the connection early, the library never notices: nothing is left to do, and Node would end. */
function untilSettled(work) {
  return new Promise((resolve, reject) => {
    const onIdle = () => reject(new Error('the server closed the connection early'));
    process.once('beforeExit', onIdle);
    work.then(resolve, reject).finally(() => process.off('beforeExit', onIdle));
  });
}

/** Moves the only build of one folder into another, in the place of one that is incomplete. */
function publish(from, to) {
  const [build] = readdirSync(from, { withFileTypes: true }).filter(entry => entry.isDirectory());
  mkdirSync(to, { recursive: true });
  rmSync(join(to, build.name), { recursive: true, force: true });
  renameSync(join(from, build.name), join(to, build.name));
}

/** Removes what killed setups have left behind. */
function removeAbandoned(cacheDir) {
  for (const name of readdirSync(cacheDir)) {
    const pid = Number(/^\.fetching-(\d+)$/.exec(name)?.[1]);
    if (pid > 0 && !isAlive(pid)) rmSync(join(cacheDir, name), { recursive: true, force: true });
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}

/** The library gives the reason on the last of several lines; a refused connection has none. */
function reasonOf({ message }) {
  const [reason = ''] = message.split('\n').slice(-1);
  return reason.replace(/^\s*-\s*\w+:\s*/, '').trim() || 'the server cannot be reached';
}
