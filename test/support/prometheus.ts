import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { freePort } from './free-port';
import { makeTempDir, type TempDir } from './temp-dir';
import { pollUntil } from './poll-until';

/** A time series with its values, as `[epoch seconds, number as text]`. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

/** The targets to scrape: host and port, by the name of the job. */
export type Targets = Readonly<Record<string, string>>;

const RULES = resolve(__dirname, '../../observability/prometheus/rules.yml');
const READY_TIMEOUT_MS = 20_000;

/** Whether a program is on PATH. If not, prints how to get it, so that a skipped test does not go unnoticed. */
export function isInstalled(program: 'prometheus' | 'promtool'): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    // No such program.
    process.stderr.write(
      `\n*** ${program} is not installed: its tests are SKIPPED. Debian: apt-get install -y prometheus; ` +
        'elsewhere: https://prometheus.io/download ***\n\n',
    );
    return false;
  }
}

/** A real Prometheus of one test with our rules, in a folder of its own, on a free port, scraping every second. */
export class TestPrometheus {
  private constructor(
    readonly url: string,
    private readonly process: ChildProcess,
    private readonly dir: TempDir,
  ) {}

  /**
   * Resolves when every target has been scraped: some five seconds after the start, because Prometheus reads its list
   * of targets that often.
   *
   * @throws if that takes longer than 20 s; the message has the last output of Prometheus.
   */
  static async start(targets: Targets): Promise<TestPrometheus> {
    const dir = await makeTempDir();
    const config = join(dir.path, 'prometheus.yml');
    await copyFile(RULES, join(dir.path, 'rules.yml'));
    await writeFile(config, configOf(targets));
    const port = await freePort();
    const child = spawn(
      'prometheus',
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(dir.path, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=warn',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'], cwd: dir.path },
    );
    let output = '';
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const prometheus = new TestPrometheus(`http://127.0.0.1:${port}`, child, dir);
    try {
      await pollUntil('prometheus', { timeoutMs: READY_TIMEOUT_MS, everyMs: 50 }, () =>
        prometheus.#isReady(),
      );
      await pollUntil('the first scrapes', { timeoutMs: READY_TIMEOUT_MS, everyMs: 50 }, async () =>
        (await prometheus.query('up == 1')).length === Object.keys(targets).length ? true : undefined,
      );
    } catch (cause) {
      await prometheus.stop();
      throw new Error(`prometheus is not ready:\n${output}`, { cause });
    }
    return prometheus;
  }

  /** The current value of every series of a query. @throws if Prometheus refuses it. */
  async query(expr: string): Promise<readonly Series[]> {
    const found = await this.#ask<{ metric: Series['metric']; value: Series['values'][number] }>('query', {
      query: expr,
    });
    return found.map(({ metric, value }) => ({ metric, values: [value] }));
  }

  /** All values between two moments (epoch seconds), one a second. @throws if Prometheus refuses it. */
  async queryRange(expr: string, from: number, to: number): Promise<readonly Series[]> {
    return this.#ask<Series>('query_range', { query: expr, start: String(from), end: String(to), step: '1' });
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const exited = once(this.process, 'exit');
      this.process.kill('SIGKILL');
      await exited;
    }
    await this.dir.remove();
  }

  async #isReady(): Promise<true | undefined> {
    if (this.process.exitCode !== null) throw new Error('prometheus has ended');
    // Connections are refused until it listens.
    const response = await fetch(`${this.url}/-/ready`).catch(() => null);
    return response?.ok === true ? true : undefined;
  }

  async #ask<T>(what: string, parameters: Record<string, string>): Promise<T[]> {
    const response = await fetch(`${this.url}/api/v1/${what}`, {
      method: 'POST',
      body: new URLSearchParams(parameters),
    });
    // SAFETY: the shape of every answer of Prometheus' API; a wrong one fails the test.
    const answer = (await response.json()) as { status: string; error?: string; data: { result: T[] } };
    if (answer.status !== 'success') throw new Error(`${parameters['query']}: ${answer.error}`);
    return answer.data.result;
  }
}

function configOf(targets: Targets): string {
  return JSON.stringify({
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: ['rules.yml'],
    scrape_configs: Object.entries(targets).map(([job, target]) => ({
      job_name: job,
      static_configs: [{ targets: [target] }],
    })),
  });
}
