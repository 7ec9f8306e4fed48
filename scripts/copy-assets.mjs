/*
 * tsc copies only what it compiles, so this copies Lua and shell files to the same place below dist, with their mode.
 */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folders = ['machines', 'src', 'workers'];
const extensions = /\.(lua|sh)$/;

for (const folder of folders) {
  for (const name of readdirSync(join(root, folder), { recursive: true })) {
    if (!extensions.test(name)) continue;
    const target = join(root, 'dist', folder, name);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(root, folder, name), target);
  }
}
