/*
 * Prepares this machine for `npm start`, `npm test` and `npm run demo`: Node, node_modules, the build, a Redis and a
 * Chromium that one launch has proven. `holdfast start` of an installed package runs it too, but only for the machine:
 * modules and build come with the package. It has no dependencies, because it runs before any are installed. It takes
 * some 50 ms when nothing is missing. On Debian and Ubuntu it installs what is missing. Where there is no apt-get it
 * fetches a Chromium, if that is all that is missing. Otherwise, or with HOLDFAST_SETUP=check, it prints the commands
 * and ends with 1.
 *
 *   node scripts/setup.mjs [--build-only | --machine-only]
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureIsolation } from './setup/isolation.mjs';
import { ensureBuild } from './setup/build.mjs';
import { chromiumCacheDir, ensureChromium } from './setup/chromium.mjs';
import { fetchChromium, fetchesChromium } from './setup/fetch-chromium.mjs';
import { SetupError } from './setup/report.mjs';
import { ensureModules } from './setup/modules.mjs';
import { checkNode } from './setup/node-version.mjs';
import { ensurePackages, installHints } from './setup/packages.mjs';
import { findRedis, needsRedis } from './setup/redis.mjs';
import { ensureOptionalTestPrograms, missingForTests } from './setup/test-programs.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

async function main() {
  checkNode(root);
  const [isBuildOnly, isMachineOnly] = ['--build-only', '--machine-only'].map(arg =>
    process.argv.includes(arg),
  );
  // Packages of the system are fetched while npm fetches its own and the compiler works.
  await Promise.all([isMachineOnly || ensureModulesAndBuild(), isBuildOnly || ensureOptionalTestPrograms()]);
  if (isBuildOnly) return;
  await ensureRedisAndChromium();
  await ensureIsolation();
}

async function ensureRedisAndChromium() {
  const browser = await ensureChromium(root);
  const missing = [
    ...(needsRedis() && findRedis() === null ? ['redis'] : []),
    ...(browser === null ? [] : [browser]),
    ...missingForTests(),
  ];
  if (missing.length === 0) return;
  if (missing.join() === 'chromium' && fetchesChromium()) await fetchChromium(root, chromiumCacheDir(root));
  else await ensurePackages(missing);
  const stillMissing = [
    ...(missing.includes('redis') && findRedis() === null ? ['redis'] : []),
    ...[browser !== null && (await ensureChromium(root))].filter(Boolean),
    ...missingForTests(),
  ];
  if (stillMissing.length > 0)
    throw new SetupError(`still missing: ${stillMissing.join(', ')}`, installHints(stillMissing));
}

async function ensureModulesAndBuild() {
  await ensureModules(root);
  await ensureBuild(root);
}

main().catch(error => {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`${[`setup: ${error.message}`, ...error.lines].join('\n')}\n`);
  process.exitCode = 1;
});
