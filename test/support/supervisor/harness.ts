import { spawn, type ChildProcess } from 'node:child_process';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sendSignal, systemProcesses } from '../../../src/core/process-identity';
import type { Mode } from '../../../src/supervisor/roles';
import { findProcesses } from '../leak-guard';
import { makeTempDir } from '../temp-dir';
import { pollUntil } from '../poll-until';

/** One line of the stand-ins' journal, see stub-child.cjs. */
export interface JournalEntry {
  readonly role: string;
  readonly event: string;
  readonly pid: number;
}

/** A supervisor process with stand-ins, and its output. */
export interface RunningSupervisor {
  readonly process: ChildProcess;
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Resolves when a ready line (or the text given) has been printed. */
  until(text?: string): Promise<void>;
  /** Log lines that contain a text. */
  logLines(text: string): Record<string, unknown>[];
  /** Resolves with the exit code, or the signal's name. */
  ended(): Promise<number | NodeJS.Signals | null>;
  kill(signal: NodeJS.Signals): void;
}

/** A data folder with stand-ins for API, worker and keeper. */
export class Stage {
  readonly dataDir: string;
  readonly #stubDir: string;
  readonly #supervisors: RunningSupervisor[] = [];

  private constructor(
    root: string,
    private readonly removeRoot: () => Promise<void>,
  ) {
    this.dataDir = join(root, 'data');
    this.#stubDir = join(root, 'stubs');
  }

  static async make(): Promise<Stage> {
    const dir = await makeTempDir();
    const stage = new Stage(dir.path, dir.remove);
    await mkdir(stage.#stubDir);
    for (const role of ['api', 'worker', 'keeper']) {
      await copyFile(join(__dirname, 'stub-child.cjs'), join(stage.#stubDir, `${role}.cjs`));
    }
    await writeFile(join(stage.#stubDir, 'journal'), '');
    return stage;
  }

  /** Lets a stand-in misbehave, see stub-child.cjs. */
  async misbehave(role: string, trait: string): Promise<void> {
    await writeFile(join(this.#stubDir, `${role}.${trait}`), '');
  }

  /** Ends such a behaviour; the next start is as it should be. */
  async behave(role: string, trait: string): Promise<void> {
    await rm(join(this.#stubDir, `${role}.${trait}`));
  }

  async journal(): Promise<JournalEntry[]> {
    const text = await readFile(join(this.#stubDir, 'journal'), 'utf8');
    // SAFETY: stub-child.cjs writes these lines.
    return text
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line) as JournalEntry);
  }

  /** The pids under which a role was started, in order. */
  async starts(role: string): Promise<number[]> {
    return (await this.journal())
      .filter(entry => entry.role === role && entry.event === 'start')
      .map(entry => entry.pid);
  }

  /** Waits until a role was started `count` times and returns the last pid. */
  async started(role: string, count: number, timeoutMs = 5_000): Promise<number> {
    return pollUntil(
      `start ${count} of ${role}`,
      { timeoutMs, everyMs: 10 },
      async () => (await this.starts(role))[count - 1],
    );
  }

  /** Starts a supervisor; by default with a Redis URL that no process uses. */
  run(mode: Mode = 'start', env: NodeJS.ProcessEnv = {}): RunningSupervisor {
    const hook = join(__dirname, '..', 'typescript-hook.cjs');
    const child = spawn(
      process.execPath,
      ['-r', hook, join(__dirname, 'run-stubs.ts'), mode, this.#stubDir],
      {
        env: {
          ...process.env,
          HOLDFAST_DATA_DIR: this.dataDir,
          HOLDFAST_PORT: '0',
          REDIS_URL: 'redis://127.0.0.1:1',
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const supervisor = observe(child);
    this.#supervisors.push(supervisor);
    return supervisor;
  }

  /** Ends everything that was started and removes the folder. */
  async dispose(): Promise<void> {
    for (const supervisor of this.#supervisors) {
      supervisor.kill('SIGKILL');
      await supervisor.ended();
    }
    // The list of children is not enough: a process that has just been started may not be on it yet.
    const watch = { marker: this.dataDir, ancestorPid: null, ignoredPids: new Set<number>() };
    for (const { pid } of findProcesses(watch)) {
      sendSignal(pid, 'SIGKILL');
      await untilGone(pid);
    }
    await this.removeRoot();
  }
}

/** Waits until a process is gone. */
export async function untilGone(pid: number, timeoutMs = 5_000): Promise<void> {
  await pollUntil(`end of ${pid}`, { timeoutMs, everyMs: 10 }, async () =>
    (await systemProcesses.identify(pid)) === null ? true : undefined,
  );
}

function observe(child: ChildProcess): RunningSupervisor {
  if (child.pid === undefined) throw new Error('the supervisor did not start');
  const said = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  const exit = new Promise<number | NodeJS.Signals | null>(resolve => {
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });
  return {
    process: child,
    pid: child.pid,
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    until: async (text = 'ready at') => {
      await pollUntil(`"${text}"`, { timeoutMs: 10_000, everyMs: 10 }, () => {
        if (child.exitCode !== null) throw new Error(`the supervisor ended: ${said.stdout}${said.stderr}`);
        return said.stdout.includes(text) ? true : undefined;
      });
    },
    logLines: text =>
      said.stdout
        .split('\n')
        .filter(line => line.startsWith('{') && line.includes(text))
        // SAFETY: a log line is a JSON object.
        .map(line => JSON.parse(line) as Record<string, unknown>),
    ended: () => exit,
    kill: signal => void child.kill(signal),
  };
}
