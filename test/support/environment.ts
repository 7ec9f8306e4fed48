import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { EnvironmentContext, JestEnvironmentConfig } from '@jest/environment';
import type { Circus } from '@jest/types';
import { TestEnvironment } from 'jest-environment-node';
import { compileOnce } from './compile-once';
import { cleanUp, descendantPids, findLeaks, leakError, type Watch } from './leak-guard';
import { RUN_ID_VARIABLE } from './run-id';

// Jest loads this module once in each of its workers, before the first test file.
compileOnce();

/**
 * Gives every test file a temporary folder of its own (`os.tmpdir()` answers it, children inherit it as TMPDIR),
 * and fails the file if a process or anything in that folder outlives it.
 *
 * This has to be an environment and not an `afterAll` of a setup file: hooks of a setup file run before those of the
 * test file, hence before the test has cleaned up, and a test sees only a copy of `process.env`.
 */
export default class LeakGuardedEnvironment extends TestEnvironment {
  readonly #outerTmpdir: string | undefined;
  readonly #dir: string;
  readonly #testFile: string;
  #watch: Watch;

  constructor(config: JestEnvironmentConfig, context: EnvironmentContext) {
    const outerTmpdir = process.env.TMPDIR;
    const dir = mkdtempSync(join(tmpdir(), `${process.env[RUN_ID_VARIABLE] ?? 'hf'}-`));
    chmodSync(dir, 0o711);
    process.env.TMPDIR = dir;
    super(config, context);
    this.#outerTmpdir = outerTmpdir;
    this.#dir = dir;
    this.#testFile = basename(context.testPath);
    this.#watch = { marker: dir, ancestorPid: process.pid, ignoredPids: new Set() };
  }

  override async setup(): Promise<void> {
    await super.setup();
    // No process can name the new folder yet.
    this.#watch = { ...this.#watch, ignoredPids: descendantPids(process.pid) };
  }

  /** Called by Jest. At `run_finish` every hook of the file has run, but its result is not made yet. */
  async handleTestEvent(event: Circus.Event, state: Circus.State): Promise<void> {
    if (event.name !== 'run_finish') return;
    const leaks = await findLeaks(this.#dir, this.#watch);
    const error = leakError(this.#testFile, leaks);
    if (error !== null) state.unhandledErrors.push(error);
    await cleanUp(this.#dir, leaks);
  }

  override async teardown(): Promise<void> {
    // A file that could not be loaded never reached `run_finish`.
    await cleanUp(this.#dir, { processes: [], files: [] });
    if (this.#outerTmpdir === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = this.#outerTmpdir;
    await super.teardown();
  }
}
