import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../config/version';

/**
 * Makes this machine ready before a start from an installed package: finds Redis and Chromium, or installs them. It is the same
 * program that npm runs before `npm start` in a clone, so that there nothing is left to do; an image has no such program
 * and brings everything. Resolves with whether the start can go on; if not, the program has said why.
 */
export async function prepareMachine(folder = packageFolder()): Promise<boolean> {
  const program = join(folder, 'scripts', 'setup.mjs');
  // npm never packs a lock file: where one is, this is a clone.
  const isInstalled = existsSync(program) && !existsSync(join(folder, 'package-lock.json'));
  if (!isInstalled) return true;
  const child = spawn(process.execPath, [program, '--machine-only'], { stdio: 'inherit' });
  await once(child, 'exit');
  return child.exitCode === 0;
}
