import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/* Debian's first: the program on the PATH is a script that starts this one. */
const DEBIAN_PATH = '/usr/lib/chromium/chromium-headless-shell';
const NAMES = ['chrome-headless-shell', 'chromium-headless-shell'];

/** The headless shell of this machine: a Chromium without a user interface. Null if there is none. */
export function findHeadlessShell(): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(folder => folder !== '');
  const candidates = [DEBIAN_PATH, ...NAMES.flatMap(name => folders.map(folder => join(folder, name)))];
  return candidates.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there
  }
}
