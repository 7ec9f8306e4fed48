import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './report.mjs';

/** The version of Node that package.json asks for (`>=major.minor`). */
export function checkNode(root, version = process.versions.node) {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const [, wanted] = /^>=(\d+\.\d+)$/.exec(engines.node);
  const [major, minor] = version.split('.').map(Number);
  const [wantedMajor, wantedMinor] = wanted.split('.').map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  throw new SetupError(`Node ${version} is too old, Holdfast needs ${wanted} or later`, [
    '  https://nodejs.org/en/download, or: nvm install --lts',
  ]);
}
