import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { recordsFolder, writeByRename } from './run-root';

const identity = z.object({ pid: z.number().int().positive(), startedAt: z.string() });

const forwardProxy = z.object({
  host: z.string(),
  port: z.number().int(),
  upstream: z.object({
    server: z.string(),
    username: z.string().nullable(),
    password: z.string().nullable(),
  }),
});

const stored = z.object({
  ref: z.string(),
  fence: z.object({ n: z.number().int(), claimId: z.string() }),
  bootId: z.string(),
  facts: z.object({
    browser: identity,
    shim: identity,
    devTools: z.object({ port: z.number().int(), path: z.string() }),
    companions: z.object({ forwardProxy: forwardProxy.nullable() }).default({ forwardProxy: null }),
  }),
  /** An order of ours to end it was given; whatever the exit then looks like, nobody else caused it. */
  ordered: z.boolean(),
  gone: z
    .object({
      cause: z.enum(['client_closed_browser', 'browser_crashed', 'browser_unresponsive']).nullable(),
      message: z.string(),
      atMs: z.number(),
    })
    .nullable(),
});

/** What the keeper has to know about a browser after its own death. */
export type StoredBrowser = Readonly<z.infer<typeof stored>>;

const SUFFIX = '.json';

/**
 * One small file for each browser that runs, or has gone and is not forgotten; named after its run directory but kept
 * outside of it, where the browser cannot write.
 */
export class Records {
  readonly #folder: string;
  /** Writes and removals of one record in the order they were asked for. */
  readonly #tails = new Map<string, Promise<void>>();

  constructor(runRoot: string) {
    this.#folder = recordsFolder(runRoot);
  }

  /** Of a browser that has gone no proxy's password is kept. */
  save(name: string, browser: StoredBrowser): Promise<void> {
    const { gone, facts } = browser;
    const kept = gone === null ? facts : { ...facts, companions: { forwardProxy: null } };
    const content = JSON.stringify({ ...browser, facts: kept });
    return this.#inOrder(name, () => writeByRename(this.#path(name), content));
  }

  remove(name: string): Promise<void> {
    return this.#inOrder(name, () => rm(this.#path(name), { force: true }));
  }

  /** All readable records by name; an unreadable one is removed: its browser is then nobody's, and reaped. */
  async load(): Promise<Map<string, StoredBrowser>> {
    const names = (await readdir(this.#folder)).filter(file => file.endsWith(SUFFIX));
    const found = await Promise.all(
      names.map(async file => {
        const name = file.slice(0, -SUFFIX.length);
        const browser = parse(await readFile(this.#path(name), 'utf8'));
        if (browser === null) await this.remove(name);
        return browser === null ? [] : [[name, browser] as const];
      }),
    );
    return new Map(found.flat());
  }

  async #inOrder(name: string, write: () => Promise<void>): Promise<void> {
    const before = this.#tails.get(name) ?? Promise.resolve();
    const tail = before.then(write, write);
    this.#tails.set(name, tail);
    try {
      await tail;
    } finally {
      if (this.#tails.get(name) === tail) this.#tails.delete(name);
    }
  }

  #path(name: string): string {
    return join(this.#folder, name + SUFFIX);
  }
}

function parse(text: string): StoredBrowser | null {
  try {
    return stored.parse(JSON.parse(text));
  } catch {
    return null; // of another version, or half a file after a power cut
  }
}
