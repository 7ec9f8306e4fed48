import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { installPackages, type InstalledPackages } from '../support/packages';
import { Installation, type SessionView } from '../support/installation';

const folder = resolve(__dirname, '../../examples');

/** The output of each example. */
const OUTPUT: Readonly<Record<string, readonly string[]>> = {
  '01-first-session.mjs': [
    'the session is live',
    'the page is called Hello',
    'open pages: Hello',
    'the session is released: released_by_client',
  ],
  '02-playwright.mjs': ['the button says: pressed'],
  '03-parallel-release-all.mjs': [
    'done: part a, part b, part c',
    'live: 3',
    'All sessions released successfully: 3',
  ],
  '04-extend.mjs': [
    'it may live 60 s longer',
    'precondition_failed',
    'session_ended: released, released_by_client',
  ],
  '05-recover-by-id.mjs': [
    'first process: left a page open',
    'second process: found the page "half done" of task recover',
    'first process: session_ended: released, released_by_client',
  ],
  '06-watch-history.mjs': [
    '1. nothing → created: requested',
    '2. created → created: slot_free',
    '3. created → live: browser_ready',
    '4. live → timed_out: session',
    'in the end it is timed_out: session_timeout',
  ],
  '07-idempotent-retry.mjs': ['the same session: true', 'idempotency_key_reused'],
  '08-browser-options.mjs': ['Willkommen zurück', '390 × 844 at 3', 'de-DE', '1'],
  '09-upload.mjs': ['the page has report.csv: 2 lines', 'uploads: report.csv'],
  '10-contexts.mjs': [
    'Please log in',
    'saved as version 1',
    'Welcome back, theme dark',
    'version 2: session, current',
    'version 1: sync',
    'cookies: login',
  ],
  '20-job-producer.mjs': [
    'the session is live, for 60 s',
    'its websocketUrl leads to this session alone: true',
    'asked again, the same session: true',
    'now it may live 120 s',
    'the session is released: released_by_client',
    'invalid_request',
    'cancelled: removed',
  ],
  '21-pipeline.mjs': [
    'sessions handed on: 2',
    'title: part one; proof: image/png',
    'the session is released',
    'title: part two; proof: image/png',
    'the session is released',
    'step_failed: step 1 (click)',
  ],
};

/** The clients that need nothing but Puppeteer and Playwright; `npm run test:clients` runs them all. */
const LIGHT_CLIENTS = ['playwright.mjs', 'playwright-header.mjs', 'puppeteer.mjs', 'puppeteer-header.mjs'];

/** A TypeScript program that uses the client, with the errors that the compiler has to report. */
const useOfClient = (name: string): string => `
  import { Browser, SessionEndedError, type Session } from '${name}';
  export async function use(client: Browser): Promise<string | null> {
    await using session = await client.sessions.create({ timeout: 1_000, adapter: 'puppeteer' });
    const url: string = session.websocketUrl;
    const accepted = await client.sessions.create({}, { wait: false });
    // @ts-expect-error: a session that was not waited for may have no URL.
    const none: string = accepted.websocketUrl;
    const ready: string = (await client.sessions.waitFor(accepted)).websocketUrl;
    const read: Session = await client.sessions.retrieve(session);
    const why = read.status === 'live' ? read.websocketUrl : reasonOf(read, url + none + ready);
    for await (const { id } of client.sessions.list({ status: 'live' })) await client.sessions.release(id);
    const page = await client.sessions.list();
    const browser = await client.puppeteer.connect(page.sessions[0] ?? session);
    const width: number = (await browser.pages())[0]!.viewport()!.width;
    try {
      await client.sessions.waitFor(session, 'ended', { timeoutMs: width });
    } catch (error) {
      if (error instanceof SessionEndedError) return error.endReason;
    }
    // @ts-expect-error: the name is misspelt.
    const misspelt: string = await client.withSession({ timeOut: 1 }, s => s.websocketUrl);
    return why ?? misspelt;
  }
  function reasonOf(session: Session, url: string): string | null {
    if (session.status === 'created') return null;
    const known: string = session.status === 'live' ? url : session.endReason;
    return known;
  }`;

/** The same with the producer. */
const useOfProducer = (name: string): string => `
  import { SessionProducer, isJobError, type Progress } from '${name}/producer';
  export async function produce(producer: SessionProducer): Promise<string | null> {
    const job = await producer.create({ timeout: 1_000, dedupKey: 'k' }, { jobId: 'j' });
    for await (const progress of job.progress()) seen(progress);
    const session = await job.result({ timeoutMs: 1, signal: AbortSignal.timeout(1) });
    seen(session.websocketUrl);
    const run = await producer.run({ sessionId: session.id, steps: [{ do: 'pdf' }] });
    const url = (await run.result()).outputs[0]?.file?.url ?? null;
    // @ts-expect-error: the step is misspelt.
    await producer.run({ steps: [{ do: 'clik', selector: 'a' }] }).catch(error => isJobError(error, 'step_failed'));
    return url;
  }
  declare function seen(progress: Progress | string): void;`;

/** The set-ups of a TypeScript program: its files, and the options of its compiler. */
const MODES: Readonly<Record<string, readonly [files: readonly string[], options: ts.CompilerOptions]>> = {
  'NodeNext, as module and as CommonJS': [['user.mts', 'user.cts'], { module: ts.ModuleKind.NodeNext }],
  'a bundler': [
    ['bundled.ts'],
    { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
  ],
  'CommonJS as it was before exports': [
    ['old.ts'],
    { module: ts.ModuleKind.CommonJS, moduleResolution: ts.ModuleResolutionKind.Node10 },
  ],
};

/** What was parsed, by name and by how it is to be understood: programs share their libraries. */
const parsed = new Map<string, ts.SourceFile | undefined>();

function sharingHost(options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options);
  const parse = host.getSourceFile.bind(host);
  host.getSourceFile = (name, how, ...rest) => {
    if (!name.endsWith('.d.ts')) return parse(name, how, ...rest);
    const key = `${JSON.stringify(how)} ${name}`;
    if (!parsed.has(key)) parsed.set(key, parse(name, how, ...rest));
    return parsed.get(key);
  };
  return host;
}

describe('the packages', () => {
  let packages: InstalledPackages;
  beforeAll(async () => (packages = await installPackages()));
  afterAll(() => packages.remove());

  /** Writes a script into a project and runs it there; answers what it has printed. */
  const run = async (project: string, name: string, code: string): Promise<string> => {
    writeFileSync(join(project, name), code);
    return (await promisify(execFile)(process.execPath, [name], { cwd: project })).stdout.trim();
  };
  /** The errors of the compiler when files of a project contain this code. */
  const problemsOf = (
    project: string,
    names: readonly string[],
    code: string,
    options: ts.CompilerOptions,
  ): unknown[] => {
    const files = names.map(name => join(project, name));
    for (const file of files) writeFileSync(file, code);
    const all: ts.CompilerOptions = {
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.esnext.disposable.d.ts'],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
      noEmit: true,
      ...options,
    };
    const program = ts.createProgram(files, all, sharingHost(all));
    return ts.getPreEmitDiagnostics(program).map(({ messageText }) => messageText);
  };

  it.each([
    ['holdfast', 'Browser,HoldfastError,SessionEndedError,isHoldfastError'],
    ['holdfast/client', 'Browser,HoldfastError,SessionEndedError,isHoldfastError'],
    ['holdfast/producer', 'JobError,SessionProducer,isJobError'],
    ['holdfast-client', 'Browser,HoldfastError,SessionEndedError,isHoldfastError'],
    ['holdfast-client/producer', 'JobError,SessionProducer,isJobError'],
  ])('%s can be imported and required', async (name, names) => {
    const project = name.startsWith('holdfast-client') ? packages.client : packages.service;
    const print = 'console.log(Object.keys(all).sort().join());';
    expect(await run(project, 'user.mjs', `import * as all from '${name}'; ${print}`)).toBe(names);
    expect(await run(project, 'user.cjs', `const all = require('${name}'); ${print}`)).toBe(names);
  });

  it.each(['holdfast', 'holdfast-client'])('%s brings the schemas of jobs', async name => {
    const code = `console.log(require('${name}/jobs/session.create.schema.json').title);`;
    const project = name === 'holdfast' ? packages.service : packages.client;
    expect(await run(project, 'schema.cjs', code)).toBe('Data of the job session.create, version 1');
  });

  it('hold the same modules', () => {
    const modulesOf = (dist: string, form: string): Record<string, string> => {
      const modules: Record<string, string> = {};
      for (const library of ['client', 'producer']) {
        for (const name of readdirSync(join(dist, form, library))) {
          const text = readFileSync(join(dist, form, library, name), 'utf8');
          modules[`${library}/${name}`] = text.replace(/^\/\/# sourceMappingURL=.*\n?/m, '');
        }
      }
      return modules;
    };
    const service = join(packages.service, 'node_modules/holdfast/dist');
    const client = join(packages.bare, 'node_modules/holdfast-client');
    expect(modulesOf(client, 'esm')).toEqual(modulesOf(service, 'esm'));
    expect(modulesOf(client, 'cjs')).toEqual(modulesOf(service, 'src'));
  });

  it('recognise the errors of each other', async () => {
    const code = `import { isHoldfastError } from 'holdfast-client'; import { createRequire } from 'node:module';
      const { HoldfastError } = createRequire('${packages.service}/x.js')('holdfast');
      console.log(isHoldfastError(new HoldfastError('not_found', ''), 'not_found'));`;
    expect(await run(packages.client, 'errors.mjs', code)).toBe('true');
  });

  it('install nothing else with the client, and no source, test or map with the service', () => {
    expect(readdirSync(join(packages.bare, 'node_modules')).filter(name => !name.startsWith('.'))).toEqual([
      'holdfast-client',
    ]);
    const service = join(packages.service, 'node_modules/holdfast');
    for (const name of ['src', 'test', 'bench', 'node_modules/puppeteer']) {
      expect([name, existsSync(join(service, name))]).toEqual([name, false]);
    }
    const files = readdirSync(service, { recursive: true, encoding: 'utf8' });
    expect(files.filter(name => /\.map$|(?<!\.d)\.ts$|\.test\./.test(name))).toEqual([]);
  });

  it('bring Puppeteer without the script that downloads a browser', () => {
    const lock = readFileSync(join(packages.service, 'node_modules/.package-lock.json'), 'utf8');
    // SAFETY: npm writes it.
    const installed = (JSON.parse(lock) as { packages: Record<string, { hasInstallScript?: boolean }> })
      .packages;
    expect(installed['node_modules/puppeteer']).toMatchObject({ name: 'puppeteer-core' });
    expect(Object.keys(installed).filter(path => installed[path]?.hasInstallScript)).toEqual([
      // Looks for a binary of its own, and does without one.
      'node_modules/msgpackr-extract',
    ]);
  });

  it.each(Object.entries(MODES))('have types that compile with %s', (_mode, [names, options]) => {
    const code = useOfClient('holdfast-client') + useOfProducer('holdfast-client');
    expect(problemsOf(packages.client, names, code, options)).toEqual([]);
  });

  it('have types in the service as well', () => {
    const code = `import { Browser } from 'holdfast'; import { SessionProducer } from 'holdfast/producer';
      export const made: [Browser, SessionProducer] = [new Browser(), new SessionProducer({ redisUrl: '' })];
      // @ts-expect-error: the type is not any.
      made[0].nothing();
      // @ts-expect-error: the same.
      made[1].nothing();`;
    const options = { module: ts.ModuleKind.NodeNext };
    expect(problemsOf(packages.service, ['user.mts', 'user.cts'], code, options)).toEqual([]);
  });

  it('have types of the client that compile without other libraries', () => {
    const code = `import { Browser } from 'holdfast-client';
      export const id: Promise<string> = new Browser().sessions.create({ timeout: 1 }).then(session => session.id);`;
    const options = { module: ts.ModuleKind.NodeNext, skipLibCheck: false };
    expect(problemsOf(packages.bare, ['user.mts', 'user.cts'], code, options)).toEqual([]);
  });

  describe('started in an empty folder', () => {
    let installation: Installation;
    beforeAll(async () => {
      const bin = join(packages.service, 'node_modules/.bin/holdfast');
      installation = await Installation.start({ browser: 'chromium', bin });
    });
    afterAll(() => installation.stop());

    it('have looked for a Chromium first, as npm start does', () => {
      expect(installation.output).toMatch(/^setup: trying \//m);
      expect(existsSync(join(packages.service, 'node_modules/.cache/holdfast/chromium.json'))).toBe(true);
    });

    it('serve every example', () => {
      expect(readdirSync(folder).filter(name => name.endsWith('.mjs'))).toEqual(Object.keys(OUTPUT));
    });

    const runExample = async (path: string, args: readonly string[] = []): Promise<string[]> => {
      const code = readFileSync(join(folder, path), 'utf8').replace(
        / from 'holdfast/g,
        " from 'holdfast-client",
      );
      const name = basename(path);
      writeFileSync(join(packages.client, name), code);
      const { stdout } = await promisify(execFile)(process.execPath, [name, ...args], {
        cwd: packages.client,
        env: {
          ...process.env,
          HOLDFAST_URL: installation.url,
          HOLDFAST_REDIS_URL: installation.redisUrl,
        },
        timeout: 110_000, // it ends what hangs
      });
      return stdout.trimEnd().split('\n');
    };
    const liveSessions = async (): Promise<SessionView[]> => {
      const path = '/v1/sessions?status=live';
      return (await installation.call<{ sessions: SessionView[] }>('GET', path)).body.sessions;
    };

    it.each(Object.entries(OUTPUT))('%s prints what it should and leaves no session', async (name, lines) => {
      expect(await runExample(name)).toEqual(lines);
      expect(await liveSessions()).toEqual([]);
    });

    it.each(LIGHT_CLIENTS)('clients/%s visits a page and leaves no session', async name => {
      expect(await runExample(join('clients', name), [installation.url])).toEqual(['title: Holdfast']);
      expect(await liveSessions()).toEqual([]);
    });
  });

  it('print what is missing when nothing may be installed, and do not start', async () => {
    const bin = join(packages.service, 'node_modules/.bin/holdfast');
    const env = { PATH: '', HOLDFAST_SETUP: 'check', PUPPETEER_CACHE_DIR: packages.bare };
    const started = promisify(execFile)(process.execPath, [bin, 'start'], { cwd: packages.bare, env });
    await expect(started).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^setup: missing: redis, chromium .*\n.*apt-get install/),
    });
    expect(existsSync(join(packages.bare, '.holdfast'))).toBe(false);
  });
});
