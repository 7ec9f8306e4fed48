import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { log, SetupError } from './report.mjs';
import { run } from './run.mjs';

/**
 * Where setup stores what it has checked: in the node_modules of this folder, or those that the package is installed
 * in.
 */
export function cacheFolder(root) {
  const above = dirname(root);
  const modules = basename(above) === 'node_modules' ? above : join(root, 'node_modules');
  return join(modules, '.cache', 'holdfast');
}

/**
 * Installs node_modules unless they are those of package-lock.json. Never through a link: `npm ci` empties the folder
 * first, which may be that of another checkout.
 */
export async function ensureModules(root) {
  const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const stampFile = join(cacheFolder(root), 'package-lock.sha256');
  const stamp = createHash('sha256').update(lockText).digest('hex');
  if (readOrNull(stampFile) === stamp) return;
  if (!isInstalled(root, lockText)) {
    if (isLink(join(root, 'node_modules')))
      throw new SetupError('node_modules is a link, and what it leads to does not match package-lock.json', [
        '  Remove the link, and setup installs the packages here.',
      ]);
    await install(root);
  }
  mkdirSync(cacheFolder(root), { recursive: true });
  writeFileSync(stampFile, stamp);
}

/** npm records what it has installed. Optional packages of other platforms are missing there, which is correct. */
function isInstalled(root, lockText) {
  const installedText = readOrNull(join(root, 'node_modules', '.package-lock.json'));
  if (installedText === null) return false;
  const installed = JSON.parse(installedText).packages;
  return Object.entries(JSON.parse(lockText).packages).every(
    ([path, { version, optional, peer }]) =>
      path === '' ||
      optional ||
      (peer && installed[path] === undefined) ||
      installed[path]?.version === version,
  );
}

async function install(root) {
  log('node_modules is missing or does not match package-lock.json; running npm ci');
  // The npm that runs this script, if one does. NODE_ENV=production would leave the compiler out.
  const npm = process.env.npm_execpath;
  const [program, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  // No package may run a program of its own while it is installed; all that is used works without.
  const args = [...first, 'ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
  const code = await run(program, args, { cwd: root });
  if (code !== 0) throw new SetupError(`npm ci failed with ${code}; see its errors above`);
}

const isLink = path => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;

function readOrNull(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // not there yet
  }
}
