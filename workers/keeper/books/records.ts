import { BROWSER_GONE_CAUSES } from '../../../machines/session/session.words';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { EGRESS_MODES } from '../../../src/config/egress';
import type { Logger } from '../../../src/core/logger';
import { RecurringFailures } from '../../../src/core/recurring-failures';
import { writeByRename } from '../../../src/core/write-by-rename';
import { browserUser, recordsFolder } from '../process/run-root';

const identity = z.object({ pid: z.number().int().positive(), startedAt: z.string() });

const entries = z.array(z.string()).readonly();

const forwardProxy = z.object({
  /** Browsers of earlier versions speak HTTP. */
  scheme: z.enum(['http', 'socks5']).default('http'),
  host: z.string(),
  port: z.number().int(),
  socket: z.string().nullable().default(null),
  upstream: z
    .object({
      server: z.string(),
      username: z.string().nullable(),
      password: z.string().nullable(),
    })
    .nullable(),
  /** Earlier versions had no rules. */
  egress: z
    .object({
      mode: z.enum(EGRESS_MODES),
      allow: entries,
      deny: entries,
      tenant: z
        .object({ mode: z.enum(EGRESS_MODES), allow: entries, deny: entries })
        .nullable()
        .default(null),
      session: z.object({ allow: entries.nullable(), deny: entries }).nullable(),
    })
    .nullable()
    .default(null),
});

const door = z.object({ host: z.ipv4(), port: z.number().int() });

const stored = z.object({
  ref: z.string(),
  fence: z.object({ n: z.number().int(), claimId: z.string() }),
  bootId: z.string(),
  facts: z.object({
    browser: identity,
    shim: identity,
    devTools: z.object({
      port: z.number().int(),
      path: z.string(),
      /** In earlier versions no browser had a network of its own. */
      socket: z.string().nullable().default(null),
    }),
    companions: z.object({ forwardProxy: forwardProxy.nullable() }).default({ forwardProxy: null }),
    /** Earlier versions had one user for all. */
    user: z.object({ uid: z.number().int(), gid: z.number().int() }).default(browserUser),
    /** Those of earlier versions reach everything. */
    reach: z.union([z.literal('everything'), z.array(door).readonly()]).default('everything'),
    /** Earlier versions had no limits. */
    cgroups: z.array(z.string()).readonly().default([]),
  }),
  /** The keeper has ordered its end, so that any later exit status counts as the result of the order. */
  ordered: z.boolean(),
  gone: z
    .object({
      cause: z.enum(BROWSER_GONE_CAUSES).nullable(),
      message: z.string(),
      atMs: z.number(),
    })
    .nullable(),
  /** Downloads that were cut, and whether the worker has committed that. */
  cuts: z
    .array(z.object({ name: z.string(), size: z.number(), atMs: z.number() }))
    .readonly()
    .default([]),
  cutsHeard: z.boolean().default(false),
  /** Earlier versions did not sleep. */
  sleepAfterMs: z.number().nullable().default(null),
  /** Whether its profile is kept after its end. */
  keepsProfile: z.boolean().default(false),
  /** Whether an upload was cut, and whether the worker has committed that. */
  uploadCut: z.enum(['none', 'new', 'heard']).default('none'),
});

/** What the next keeper needs to know about a browser. */
export type StoredBrowser = Readonly<z.infer<typeof stored>>;

/** What a browser is entered in a keeper's books with. */
export type BookEntry = Pick<StoredBrowser, 'ref' | 'fence' | 'sleepAfterMs'>;

const SUFFIX = '.json';

/** The content to write for one record. Compared by identity: the same content may be wanted twice. */
interface Wanted {
  readonly content: string;
}

type Write = (path: string, content: string) => Promise<void>;

/** The delay before a failed write is repeated. */
const RETRY_MS = 1_000;

/** One key for all records: a full disk affects all of them. */
const WRITING = 'records';

/**
 * One small file for each browser that runs, or has ended and is not forgotten. It is named after the run directory but
 * stored outside of it, where the browser cannot write.
 */
export class Records {
  readonly #folder: string;
  /** Serialises writes and removals of one record. */
  readonly #tails = new Map<string, Promise<void>>();
  /** The wanted content of each record, until it is written. */
  readonly #wanted = new Map<string, Wanted>();
  readonly #failures: RecurringFailures;
  #retry: NodeJS.Timeout | null = null;

  constructor(
    runRoot: string,
    private readonly log: Logger,
  ) {
    this.#folder = recordsFolder(runRoot);
    this.#failures = new RecurringFailures(
      log,
      'a record could not be written; it will be tried again',
      'records can be written again',
    );
  }

  /**
   * Writes the first record of a browser. A client waits for it, so it is written in place, which is two calls less: if
   * the keeper dies meanwhile, nobody has been told of the browser, and half a record is as good as none.
   *
   * @throws what the file system throws; then there is no record.
   */
  async saveFirst(name: string, browser: StoredBrowser): Promise<void> {
    const wanted = this.#want(name, browser);
    try {
      await this.#write(name, wanted, writeInPlace);
    } catch (error) {
      if (this.#wanted.get(name) === wanted) this.#wanted.delete(name);
      throw error;
    }
  }

  /**
   * For changes that must happen even if they cannot be recorded now (a full disk): the older record stays until there
   * is room, and the next keeper can find out the rest from it. Never rejects.
   */
  async saveOrRetry(name: string, browser: StoredBrowser): Promise<void> {
    try {
      await this.#write(name, this.#want(name, browser));
    } catch (error) {
      this.#failures.failed(WRITING, error);
      this.#retry ??= setInterval(() => void this.#writeWanted(), RETRY_MS).unref();
    }
  }

  remove(name: string): Promise<void> {
    this.#wanted.delete(name);
    return this.#inOrder(name, () => rm(this.#path(name), { recursive: true, force: true }));
  }

  /** Stops to repeat failed writes. */
  stop(): void {
    this.#wanted.clear();
    this.#stopRetrying();
  }

  /**
   * All readable records by name. One that cannot be read or parsed is removed, and its browser is reaped as a
   * leftover. It does not affect the others.
   */
  async load(): Promise<Map<string, StoredBrowser>> {
    const names = (await readdir(this.#folder)).filter(file => file.endsWith(SUFFIX));
    const found = await Promise.all(
      names.map(async file => {
        const name = file.slice(0, -SUFFIX.length);
        const browser = await this.#read(name);
        return browser === null ? [] : [[name, browser] as const];
      }),
    );
    return new Map(found.flat());
  }

  async #read(name: string): Promise<StoredBrowser | null> {
    try {
      return stored.parse(JSON.parse(await readFile(this.#path(name), 'utf8')));
    } catch (error) {
      // The record is of another version, incomplete after a power cut, or on a failing disk.
      // SAFETY: fs, JSON and zod throw errors; only the first have a code.
      const { code, name: kind } = error as NodeJS.ErrnoException;
      // Not the error's message, which may quote a password.
      this.log.error({ record: name, reason: code ?? kind }, 'a record cannot be read');
      await this.remove(name).catch((err: unknown) =>
        this.log.error({ err, record: name }, 'a record could not be removed'),
      );
      return null;
    }
  }

  #want(name: string, browser: StoredBrowser): Wanted {
    const { gone, facts } = browser;
    // The proxy password of a browser that has ended is not kept.
    const kept = gone === null ? facts : { ...facts, companions: { forwardProxy: null } };
    const wanted: Wanted = { content: JSON.stringify({ ...browser, facts: kept }) };
    this.#wanted.set(name, wanted);
    return wanted;
  }

  async #write(name: string, wanted: Wanted, write: Write = writeByRename): Promise<void> {
    await this.#inOrder(name, () => write(this.#path(name), wanted.content));
    this.#failures.worked(WRITING);
    if (this.#wanted.get(name) === wanted) this.#wanted.delete(name);
  }

  async #writeWanted(): Promise<void> {
    for (const [name, wanted] of this.#wanted) {
      try {
        await this.#inOrder(name, async () => {
          // The wanted content has changed, or was withdrawn, while this write waited.
          if (this.#wanted.get(name) !== wanted) return;
          await writeByRename(this.#path(name), wanted.content);
          this.#failures.worked(WRITING);
        });
      } catch (error) {
        this.#failures.failed(WRITING, error);
        return; // the other records need the same disk
      }
      if (this.#wanted.get(name) === wanted) this.#wanted.delete(name);
    }
    this.#stopRetrying();
  }

  #stopRetrying(): void {
    if (this.#retry !== null) clearInterval(this.#retry);
    this.#retry = null;
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

async function writeInPlace(path: string, content: string): Promise<void> {
  try {
    await writeFile(path, content, { mode: 0o600 });
  } catch (error) {
    await rm(path, { force: true }).catch(() => undefined); // the first error matters more
    throw error;
  }
}
