import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../config/version';

/**
 * Makes this machine ready before a start from an installed package: finds Redis and Chromium, or installs them. It
 * runs the program that npm runs before `npm start` in a clone, where nothing is left to do then; an image has no such
 * program and contains everything. Resolves with whether the start can continue; if not, the program has printed why.
 */
export async function prepareMachine(folder = packageFolder()): Promise<boolean> {
  const program = join(folder, 'scripts', 'setup.mjs');
  // npm never packs a lock file: a folder with one is a clone.
  const isInstalled = existsSync(program) && !existsSync(join(folder, 'package-lock.json'));
  if (!isInstalled) return true;
  const child = spawn(process.execPath, [program, '--machine-only'], { stdio: 'inherit' });
  await once(child, 'exit');
  return child.exitCode === 0;
}
