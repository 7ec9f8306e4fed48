import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { log, SetupError } from './report.mjs';
import { run } from './run.mjs';

const SOURCES = ['machines', 'src', 'workers'];
const SETTINGS = [
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
  'scripts/copy-assets.mjs',
  'scripts/build-client.mjs',
];

/**
 * Builds dist unless it was built from exactly these sources. It does not check types, which would be two thirds of the
 * work and changes nothing in what is written: `npm run build` does.
 */
export async function ensureBuild(root) {
  const dist = join(root, 'dist');
  const stampFile = join(dist, '.built-from.json');
  const now = fingerprint(root);
  const before = readStamp(stampFile);
  if (before !== null && JSON.stringify(before) === JSON.stringify(now)) return;
  log('building');
  // An interrupted build must not count as a build, so the old stamp goes first.
  rmSync(stampFile, { force: true });
  // The compiler does not remove the output of deleted sources, and trusts its notes about an older dist.
  if (before === null || Object.keys(before).some(file => now[file] === undefined)) {
    rmSync(dist, { recursive: true, force: true });
  }
  const node = (script, ...args) => run(process.execPath, [join(root, script), ...args], { cwd: root });
  const [compiled, client] = await Promise.all([
    node('node_modules/typescript/bin/tsc', '-p', join(root, 'tsconfig.build.json'), '--noCheck'),
    node('scripts/build-client.mjs', '--noCheck'),
  ]);
  if (compiled !== 0) throw new SetupError('the build failed; see the errors of the compiler above');
  if (client !== 0) throw new SetupError('the build of the client library failed; see the errors above');
  const copied = await node('scripts/copy-assets.mjs');
  if (copied !== 0) throw new SetupError('the build failed: assets could not be copied');
  writeFileSync(stampFile, JSON.stringify(now));
}

/** Every file a build depends on, with size and time of change: `{ path: 'size@mtime' }`. */
function fingerprint(root) {
  const files = SOURCES.flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1)),
  );
  return Object.fromEntries(
    [...files.sort(), ...SETTINGS].map(file => {
      const { size, mtimeMs } = statSync(join(root, file));
      return [file, `${size}@${mtimeMs}`];
    }),
  );
}

function readStamp(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
}
