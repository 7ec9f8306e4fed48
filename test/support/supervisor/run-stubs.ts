/* `run-stubs.ts <mode> <folder>`: the real supervisor with the stand-ins of a folder and short limits. */
import { join } from 'node:path';
import type { Mode, Patience } from '../../../src/supervisor/roles';
import { supervise } from '../../../src/supervisor/main';

const [mode, folder] = process.argv.slice(2);
if (mode === undefined || folder === undefined) throw new Error('usage: run-stubs.ts <mode> <folder>');

const entries = {
  api: join(folder, 'api.cjs'),
  worker: join(folder, 'worker.cjs'),
  keeper: join(folder, 'keeper.cjs'),
};
const brief: Patience = { startMs: 4_000, silentMs: 1_500 };
const patience = { api: brief, worker: brief, keeper: brief, redis: { startMs: 60_000, silentMs: 30_000 } };

// SAFETY: the tests pass a mode.
void supervise(mode as Mode, entries, patience).then(code => process.exit(code));
