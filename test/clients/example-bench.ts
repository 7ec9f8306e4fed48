import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Installation, type SessionView } from '../support/installation';
import { shellEnvironment } from '../support/packages';
import { makeTempDir, type TempDir } from '../support/temp-dir';
import { missingLines, type ClientExample } from './client-examples';
import { startPages, type Pages } from './pages';

/** Where the examples are, with the packages that they need. */
export const FOLDER = join(process.cwd(), 'examples/clients');

/** What came of a run. */
export interface Outcome {
  /** What is wrong with it; nothing if it is good. */
  readonly faults: readonly string[];
  readonly output: string;
  readonly tookMs: number;
}

const API_KEY = 'a-key-of-the-examples';
const HEADERS = { authorization: `Bearer ${API_KEY}` };
const TIMEOUT_MS = 240_000;

/** An installation with keys and a real Chromium, and a few pages, for programs that are run as a user runs them. */
export class ExampleBench {
  #runs = 0;
  #sessions = 0;

  private constructor(
    private readonly installation: Installation,
    private readonly pages: Pages,
    private readonly dir: TempDir,
  ) {}

  /** Starts everything. */
  static async start(): Promise<ExampleBench> {
    const env = { HOLDFAST_API_KEYS: `examples=${API_KEY}` };
    const installation = await Installation.start({ browser: 'chromium', env });
    return new ExampleBench(installation, await startPages(), await makeTempDir());
  }

  /** Runs an example in an empty folder and looks at what it has printed and left. */
  async run(example: ClientExample): Promise<Outcome> {
    const cwd = await this.#copy(example);
    const startedMs = performance.now();
    const { error, output } = await this.#execute(example, cwd);
    const faults = [
      ...(error === null ? [] : [error]),
      ...missingLines(output, example.prints).map(line => `it did not print: ${line}`),
      ...(await this.#faultsOfSessions(example.sessions ?? 1)),
    ];
    return { faults, output, tookMs: performance.now() - startedMs };
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    this.pages.stop();
    await this.installation.stop();
    await this.dir.remove();
  }

  /* What a tool writes beside the program is gone with the folder. */
  async #copy({ file, version }: ClientExample): Promise<string> {
    const cwd = join(this.dir.path, `run-${(this.#runs += 1)}`);
    await mkdir(cwd);
    for (const name of ['package.json', 'node_modules']) await symlink(join(FOLDER, name), join(cwd, name));
    const code = await readFile(join(FOLDER, file), 'utf8');
    const { imports = '', instead = '' } = version ?? {};
    const asked = code.replace(`from '${imports}'`, `from '${instead}'`);
    if (version !== undefined && asked === code) throw new Error(`${file} does not import ${imports}`);
    await writeFile(join(cwd, file), asked);
    return cwd;
  }

  #execute(
    { file, playwrightTest }: ClientExample,
    cwd: string,
  ): Promise<{ error: string | null; output: string }> {
    const args =
      playwrightTest === undefined
        ? [file, this.pages.url]
        : ['node_modules/.bin/playwright', 'test', file, ...playwrightTest];
    const env = {
      ...shellEnvironment(),
      HOLDFAST_URL: this.installation.url,
      HOLDFAST_API_KEY: API_KEY,
      PAGE_URL: this.pages.url,
      // npx runs what is installed, or nothing.
      npm_config_offline: 'true',
    };
    return new Promise(resolve => {
      execFile(process.execPath, args, { cwd, env, timeout: TIMEOUT_MS }, (error, stdout, stderr) =>
        resolve({
          error: error === null ? null : `it ended with ${error.code ?? error.signal ?? error.message}`,
          output: stdout + stderr,
        }),
      );
    });
  }

  async #faultsOfSessions(expected: number): Promise<string[]> {
    const path = '/v1/sessions?limit=100';
    const { body } = await this.installation.call<{ sessions: SessionView[] }>(
      'GET',
      path,
      undefined,
      HEADERS,
    );
    const made = body.sessions.length - this.#sessions;
    this.#sessions = body.sessions.length;
    return [
      ...(made === expected ? [] : [`it made ${made} sessions, not ${expected}`]),
      // The newest ones come first.
      ...body.sessions
        .slice(0, made)
        .filter(({ endReason }) => endReason !== 'released_by_client')
        .map(({ status, endReason }) => `a session is ${status}: ${endReason}`),
    ];
  }
}
