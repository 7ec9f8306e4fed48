import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import type * as Client from '../../../src/client/holdfast';
import { startStubService } from '../../support/stub-service';

const root = resolve(__dirname, '../../..');
const SIZE_MAX = 15 * 1_024;

/** Files of a folder with one extension, in a stable order. */
const files = (folder: string, extension: string): string[] =>
  readdirSync(join(root, folder))
    .filter(name => name.endsWith(extension))
    .sort()
    .map(name => join(root, folder, name));

describe('the client library', () => {
  it('weighs at most 15 KB gzipped', () => {
    const everything = files('dist/esm/client', '.js').map(file => readFileSync(file, 'utf8'));
    expect(gzipSync(everything.join('\n')).length).toBeLessThanOrEqual(SIZE_MAX);
  });

  it('imports nothing but its own files', () => {
    for (const file of [...files('dist/esm/client', '.js'), ...files('dist/src/client', '.js')]) {
      const imported = [
        ...readFileSync(file, 'utf8').matchAll(/(?:from |import |require\()["']([^"']+)["']/g),
      ];
      expect(imported.map(([, name]) => name).filter(name => name?.startsWith('./') === false)).toEqual([]);
    }
  });

  it('runs without Node: its REST part needs only what every runtime has', async () => {
    const stub = await startStubService(({ url }) =>
      url === '/v1/sessions'
        ? { status: 201, body: { id: 'e', status: 'live', revision: 3 } }
        : { status: 200, body: { id: 'e', status: 'released', endedAt: 'now', revision: 4 } },
    );
    const { fetch, Headers, URL, URLSearchParams, AbortController, crypto, setTimeout, clearTimeout } =
      globalThis;
    const web = { fetch, Headers, URL, URLSearchParams, AbortController, crypto, setTimeout, clearTimeout };
    const edge = createContext({ ...web });
    const { Browser } = loadInto(edge, join(root, 'dist/src/client'), './holdfast');
    try {
      const client = new Browser({ baseUrl: stub.url, releaseOnSignal: true });
      expect(await client.withSession({}, ({ id }) => id)).toBe('e');
    } finally {
      await stub.stop();
    }
  });
});

/** Loads a CommonJS module and its imports into a context that has no `require` and no `process`. */
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
