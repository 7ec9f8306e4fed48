import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { pollUntil } from './poll-until';

/** A command in a terminal of its own, made by script(1) of Debian's bsdutils, which every Debian has. */
export class PseudoTerminal {
  readonly #child: ChildProcess;
  #output = '';

  /** @param shellLine - what the shell in the terminal runs; the exit code is its own */
  constructor(
    shellLine: string,
    env: NodeJS.ProcessEnv,
    size: { readonly columns: number; readonly rows: number },
  ) {
    const sized = `stty cols ${size.columns} rows ${size.rows}; ${shellLine}`;
    this.#child = spawn('script', ['--quiet', '--return', '--flush', '--command', sized, '/dev/null'], {
      env: { ...env, TERM: 'xterm', SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
  }

  /** Everything that was sent to the terminal. */
  get output(): string {
    return this.#output;
  }

  /** Presses keys. */
  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Waits until what was sent after `from` matches. */
  async shows(pattern: RegExp, from = 0, timeoutMs = 15_000): Promise<void> {
    await pollUntil(`the terminal to show ${String(pattern)}`, { timeoutMs, everyMs: 20 }, () =>
      pattern.test(this.#output.slice(from)) ? true : undefined,
    ).catch((error: unknown) => {
      throw new Error(`the terminal shows ${JSON.stringify(this.#output.slice(-2_000))}`, { cause: error });
    });
  }

  /** Waits for the end of the command; answers its exit code, or 128 + n after a signal. */
  async ended(timeoutMs = 15_000): Promise<number | null> {
    if (this.#child.exitCode === null) {
      await once(this.#child, 'exit', { signal: AbortSignal.timeout(timeoutMs) });
    }
    return this.#child.exitCode;
  }

  /** Kills the command if it is still running. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}
