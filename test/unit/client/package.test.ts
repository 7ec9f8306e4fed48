import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import ts from 'typescript';
import type * as Client from '../../../src/client/holdfast';
import { PackageUser } from '../../support/package-user';
import { startStubService } from '../../support/stub-service';

const root = resolve(__dirname, '../../..');
const SIZE_MAX = 15 * 1_024;

/** Files of a folder with one extension, in a stable order. */
const files = (folder: string, extension: string): string[] =>
  readdirSync(join(root, folder))
    .filter(name => name.endsWith(extension))
    .sort()
    .map(name => join(root, folder, name));

describe('the package', () => {
  let user: PackageUser;
  let dir: string;
  beforeAll(() => {
    user = new PackageUser();
    ({ dir } = user);
  });
  afterAll(() => user.remove());
  const run = (name: string, code: string): string => user.run(name, code);
  const names = 'Browser,HoldfastError,SessionEndedError,isHoldfastError';

  it.each(['holdfast', 'holdfast/client'])('%s is imported as a module', path => {
    const code = `import * as all from '${path}'; console.log(Object.keys(all).sort().join());`;
    expect(run('user.mjs', code)).toBe(names);
  });

  it.each(['holdfast', 'holdfast/client'])('%s is required', path => {
    const code = `console.log(Object.keys(require('${path}')).sort().join());`;
    expect(run('user.cjs', code)).toBe(names);
  });

  it('knows the errors of its other form', () => {
    const code = `import { isHoldfastError } from 'holdfast'; import { createRequire } from 'node:module';
      const { HoldfastError } = createRequire(import.meta.url)('holdfast');
      console.log(isHoldfastError(new HoldfastError('not_found', ''), 'not_found'));`;
    expect(run('user.mjs', code)).toBe('true');
  });

  it('weighs at most 15 KB gzipped', () => {
    const everything = files('dist/client/esm', '.js').map(file => readFileSync(file, 'utf8'));
    expect(gzipSync(everything.join('\n')).length).toBeLessThanOrEqual(SIZE_MAX);
  });

  it('imports nothing but its own files', () => {
    for (const file of [...files('dist/client/esm', '.js'), ...files('dist/client/cjs', '.js')]) {
      const imported = [
        ...readFileSync(file, 'utf8').matchAll(/(?:from |import |require\()["']([^"']+)["']/g),
      ];
      expect(imported.map(([, name]) => name).filter(name => name?.startsWith('./') === false)).toEqual([]);
    }
  });

  it.each([
    ['user.mts', ts.ModuleKind.NodeNext],
    ['user.cts', ts.ModuleKind.NodeNext],
  ])('has types that hold in %s', (name, module) => {
    const code = `import { Browser, SessionEndedError, type Session } from 'holdfast';
      export async function use(client: Browser): Promise<string | null> {
        await using session: Session = await client.sessions.create({ timeout: 1_000, adapter: 'puppeteer' });
        for await (const { id } of client.sessions.list({ status: 'live' })) await client.sessions.release(id);
        const page = await client.sessions.list();
        const browser = await client.puppeteer.connect(page.sessions[0] ?? session);
        const width: number = (await browser.pages())[0]!.viewport()!.width;
        try {
          await client.sessions.waitFor(session, 'ended', { timeoutMs: width });
        } catch (error) {
          if (error instanceof SessionEndedError) return error.endReason;
        }
        // @ts-expect-error: a name that is misspelt is found.
        return await client.withSession({ timeOut: 1 }, s => s.websocketUrl);
      }`;
    const file = join(dir, name);
    writeFileSync(file, code);
    const program = ts.createProgram([file], {
      module,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.esnext.disposable.d.ts'],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
      noEmit: true,
      preserveSymlinks: false,
    });
    const problems = ts.getPreEmitDiagnostics(program).map(({ messageText }) => messageText);
    expect(problems).toEqual([]);
  });

  it('runs where there is nothing of Node: its REST part needs only what every runtime has', async () => {
    const stub = await startStubService(({ url }) =>
      url === '/v1/sessions'
        ? { status: 201, body: { id: 'e', status: 'live', revision: 3 } }
        : { status: 200, body: { id: 'e', status: 'released', endedAt: 'now', revision: 4 } },
    );
    const { fetch, Headers, URL, URLSearchParams, AbortController, crypto, setTimeout, clearTimeout } =
      globalThis;
    const web = { fetch, Headers, URL, URLSearchParams, AbortController, crypto, setTimeout, clearTimeout };
    const edge = createContext({ ...web });
    const { Browser } = loadInto(edge, join(root, 'dist/client/cjs'), './holdfast');
    try {
      const client = new Browser({ baseUrl: stub.url, releaseOnSignal: true });
      expect(await client.withSession({}, ({ id }) => id)).toBe('e');
    } finally {
      await stub.stop();
    }
  });
});

/** Loads a CommonJS module and what it requires into a context that has no `require` and no `process`. */
function loadInto(context: object, folder: string, entry: string): typeof Client {
  const loaded = new Map<string, { exports: unknown }>();
  const load = (name: string): unknown => {
    const file = createRequire(join(folder, 'x.js')).resolve(name);
    const known = loaded.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    loaded.set(file, module);
    const code = `(function (module, exports, require) {${readFileSync(file, 'utf8')}\n})`;
    const run = runInContext(code, context, { filename: file }) as (...given: unknown[]) => void;
    run(module, module.exports, load);
    return module.exports;
  };
  return load(entry) as typeof Client;
}
