/* `run-stubs.ts <mode> <folder>`: the real supervisor over the stand-ins of a folder. */
import { join } from 'node:path';
import type { Mode } from '../../../src/supervisor/roles';
import { supervise } from '../../../src/supervisor/main';

const [mode, folder] = process.argv.slice(2);
if (mode === undefined || folder === undefined) throw new Error('usage: run-stubs.ts <mode> <folder>');

// SAFETY: the tests pass a mode.
void supervise(mode as Mode, {
  api: join(folder, 'api.cjs'),
  worker: join(folder, 'worker.cjs'),
  keeper: join(folder, 'keeper.cjs'),
}).then(code => process.exit(code));
