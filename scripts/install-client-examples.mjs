/*
 * Installs what the programs in examples/clients need, beside them: these packages are no dependencies of Holdfast.
 */
import { join, resolve } from 'node:path';
import { ensureModules } from './setup/modules.mjs';
import { SetupError } from './setup/report.mjs';

try {
  await ensureModules(join(resolve(import.meta.dirname, '..'), 'examples', 'clients'));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`${[`setup: ${error.message}`, ...error.lines].join('\n')}\n`);
  process.exitCode = 1;
}
