import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanUp, findProcessesAfterGrace, leakError } from './leak-guard';
import { RUN_ID_VARIABLE } from './run-id';

/** Jest gives its own workers half a second before it kills them. */
const GRACE_MS = 5_000;

/**
 * After the last file: finds leaks that the guard of a file cannot see, because its Jest worker crashed or a process
 * started later.
 *
 * @throws if the run has left a process or a folder behind, which fails it.
 */
export default async function globalTeardown(): Promise<void> {
  const runId = process.env[RUN_ID_VARIABLE];
  if (runId === undefined) return;
  const watch = { marker: runId, ancestorPid: null, ignoredPids: new Set<number>() };
  const processes = await findProcessesAfterGrace(watch, GRACE_MS);
  const files = (await readdir(tmpdir())).filter(name => name.startsWith(`${runId}-`));
  for (const file of files) await cleanUp(join(tmpdir(), file), { processes, files });
  const error = leakError('the test run', { processes, files });
  if (error !== null) throw error;
}
