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

/** Builds dist unless it was built from exactly these sources. */
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
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const compiled = await run(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], { cwd: root });
  if (compiled !== 0) throw new SetupError('the build failed; see the errors of the compiler above');
  const copied = await run(process.execPath, [join(root, 'scripts', 'copy-assets.mjs')], { cwd: root });
  if (copied !== 0) throw new SetupError('the build failed: assets could not be copied');
  const client = await run(process.execPath, [join(root, 'scripts', 'build-client.mjs')], { cwd: root });
  if (client !== 0) throw new SetupError('the build of the client library failed; see the errors above');
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
