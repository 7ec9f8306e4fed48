/*
 * `npm run pack`: writes two packages into dist/packages, ready for `npm install <file>`: the service with its command
 * line, and the client library alone. Fails if publint or attw reports an error in one of them.
 *
 *   node scripts/pack.mjs [<folder to write into, from the build as it is>]
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { problemsOf } from './pack/check.mjs';
import { writeClientPackage } from './pack/client-package.mjs';
import { writeServicePackage } from './pack/service-package.mjs';
import { ensureBuild } from './setup/build.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [folder] = process.argv.slice(2);
const packages = folder === undefined ? join(root, 'dist', 'packages') : resolve(folder);

if (folder === undefined) {
  await ensureBuild(root);
  rmSync(packages, { recursive: true, force: true });
}
mkdirSync(packages, { recursive: true });

const staging = mkdtempSync(join(tmpdir(), 'holdfast-pack-'));
try {
  const folders = [writeServicePackage, writeClientPackage].map(write => {
    const written = mkdtempSync(join(staging, 'package-'));
    write(root, written);
    return written;
  });
  for (const tarball of pack(folders)) {
    for (const problem of await problemsOf(readFileSync(tarball))) {
      process.stderr.write(`${tarball}: ${problem}\n`);
      process.exitCode = 1;
    }
    process.stdout.write(`${tarball}\n`);
  }
} finally {
  rmSync(staging, { recursive: true });
}

/**
 * Packs folders; answers the files that npm has written. The scripts of the packages are not run: they are built
 * already.
 */
function pack(projects) {
  const [program, ...first] = process.env.npm_execpath?.endsWith('.js')
    ? [process.execPath, process.env.npm_execpath]
    : ['npm'];
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', packages, ...projects];
  const packed = JSON.parse(execFileSync(program, [...first, ...args], { cwd: root, encoding: 'utf8' }));
  return Object.values(packed).map(({ filename }) => join(packages, filename));
}
