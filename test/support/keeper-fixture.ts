import { join } from 'node:path';
import type { Endpoint, Fence } from '../../machines/session/session.types';
import { systemClock } from '../../src/core/clock';
import { randomId } from '../../src/core/ids';
import { createLogger, type Logger } from '../../src/core/logger';
import { systemProcesses, type ProcessIdentity, type ProcessTable } from '../../src/core/process-identity';
import { KeeperClient, type Registration } from '../../workers/keeper-client';
import { findChromium } from '../../workers/keeper/process/find-chromium';
import {
  openKeeper,
  type BrowserChoice,
  type KeeperApp,
  type KeeperOptions,
} from '../../workers/keeper/keeper-app';
import {
  PLAIN_LAUNCH,
  type BrowserRecord,
  type KeeperOperations,
  type LaunchOptions,
} from '../../workers/keeper/door/protocol';
import type { DiskTerms } from '../../workers/keeper/books/tenant-disk';
import { findHeadlessShell } from './headless-shell';
import { makeTempDir, type TempDir } from './temp-dir';
import { pollUntil } from './poll-until';

/** No answer is promised within a time. */
const ANSWER_PATIENCE_MS = 10_000;

/** The identity of a worker that is not a process: the keeper kills a silent worker, and this identity matches none. */
export const NOBODY: ProcessIdentity = { pid: process.pid, startedAt: 'never' };

/* Forward proxies and relays run from the sources, without a build. */
const FROM_SOURCES = ['-r', join(__dirname, 'typescript-hook.cjs')];
const KEEPER = join(__dirname, '../../workers/keeper');
/** Arguments of Node for forward proxies. */
export const FORWARD_PROXY_ARGS = {
  http: [...FROM_SOURCES, join(KEEPER, 'companions/forward-proxy/main.ts')],
  socks5: [...FROM_SOURCES, join(KEEPER, 'companions/forward-proxy/socks-main.ts')],
};
const RELAY_ARGS = [...FROM_SOURCES, join(KEEPER, 'isolation/relay/main.ts')];

/** The keeper of a fixture runs in the test's own process, which its client must not kill. */
const HARMLESS: ProcessTable = { ...systemProcesses, identify: () => Promise.resolve(null) };

/** Settings in which the keeper of a fixture differs from production. */
export type KeeperSettings = Partial<Omit<KeeperOptions, 'dataDir'>>;

/** A gigabyte for each kind of files of a session; tenants have no quota. */
export const DISK: DiskTerms = {
  downloadsMaxBytes: 2 ** 30,
  uploadsMaxBytes: 2 ** 30,
  browserMaxBytes: 2 ** 30,
  tenantMaxBytes: () => null,
};

/** A fence with a fresh claim. */
export function fence(n = 1): Fence {
  return { n, claimId: randomId() };
}

/** The Chromium of this machine, started as production does. */
export async function realChromium(args: readonly string[] = []): Promise<BrowserChoice> {
  const search = { configured: null, searchPath: process.env['PATH'] ?? '', cacheDirs: [] };
  const program = await findChromium(search);
  if (program === null) throw new Error('there is no Chromium on this machine');
  return { kind: 'chromium', programs: { chromium: program }, byDefault: 'chromium', args, noSandbox: false };
}

/**
 * The headless shell, whose start costs a third, or Chromium where there is none: for tests of what happens to
 * browsers, not of what is in them.
 */
export async function cheapChromium(args: readonly string[] = []): Promise<BrowserChoice> {
  const shell = findHeadlessShell();
  if (shell === null) return realChromium(args);
  const name = 'chromium-headless-shell';
  return { kind: 'chromium', programs: { [name]: shell }, byDefault: name, args, noSandbox: false };
}

/** A keeper in this process on a data folder of its own, and clients for it. */
export class KeeperFixture {
  readonly #clients: KeeperClient[] = [];
  #app: KeeperApp | null = null;

  private constructor(
    readonly dir: TempDir,
    readonly settings: KeeperSettings,
    readonly log: Logger,
  ) {}

  /** Starts null browsers unless the settings say otherwise. */
  static async open(
    settings: KeeperSettings = {},
    { dir, log }: { dir?: TempDir; log?: Logger } = {},
  ): Promise<KeeperFixture> {
    const fixture = new KeeperFixture(
      dir ?? (await makeTempDir()),
      settings,
      log ?? createLogger('keeper', 'silent'),
    );
    await fixture.startKeeper();
    return fixture;
  }

  get app(): KeeperApp {
    if (this.#app === null) throw new Error('the keeper is stopped');
    return this.#app;
  }

  async startKeeper(settings: KeeperSettings = this.settings): Promise<KeeperApp> {
    this.#app = await openKeeper({
      dataDir: this.dir.path,
      slots: 10,
      disk: DISK,
      browser: { kind: 'null' },
      listen: null,
      advertise: null,
      searchPath: process.env['PATH'] ?? '',
      forwardProxyArgs: FORWARD_PROXY_ARGS,
      relayArgs: RELAY_ARGS,
      processes: systemProcesses,
      clock: systemClock,
      log: this.log,
      ...settings,
    });
    return this.#app;
  }

  /** Stops the keeper as if it had died: its browsers go on. */
  async stopKeeper(): Promise<void> {
    await this.#app?.close();
    this.#app = null;
  }

  /** A connected and registered worker. */
  async worker(self: ProcessIdentity = NOBODY): Promise<TestWorker> {
    const worker = new TestWorker(this.app.socketPath, self, this.log);
    this.#clients.push(worker.client);
    await worker.connect();
    return worker;
  }

  /** A worker that connects later, after some event. */
  async workerAfter(happened: () => boolean): Promise<TestWorker> {
    const probe = (): true | undefined => (happened() ? true : undefined);
    await pollUntil('what the worker waits for', { timeoutMs: 5_000, everyMs: 10 }, probe);
    return this.worker();
  }

  /** Ends every browser and removes everything. */
  async close(): Promise<void> {
    for (const client of this.#clients) await client.close();
    if (this.#app === null) await this.startKeeper();
    await this.app.keeper.endAll('the test is over');
    await this.stopKeeper();
    await this.dir.remove();
  }
}

/** A keeper client that records the messages that it gets. */
export class TestWorker {
  readonly client: KeeperClient;
  readonly registrations: Registration[] = [];
  readonly gone: BrowserRecord[] = [];
  #stats = 0;

  constructor(socketPath: string, self: ProcessIdentity, log: Logger) {
    const options = { socketPath, self, processes: HARMLESS, clock: systemClock, log };
    this.client = new KeeperClient(options);
    this.client.onRegistered(registration => this.registrations.push(registration));
    this.client.onBrowserGone(browser => this.gone.push(browser));
    this.client.onStats(() => (this.#stats += 1));
  }

  async connect(): Promise<void> {
    const before = this.registrations.length;
    this.client.connect();
    await this.registration(before);
  }

  /** Waits for the registration with this number. */
  registration(index: number, timeoutMs = 5_000): Promise<Registration> {
    return pollUntil('a registration', { timeoutMs, everyMs: 10 }, () => this.registrations[index]);
  }

  async launch(
    ref: string,
    claim: Fence,
    timeoutMs = 20_000,
    options: LaunchOptions = PLAIN_LAUNCH,
  ): Promise<Endpoint> {
    const args = { ref, fence: claim, timeoutMs, options };
    const answer = await this.client.call('launch', args, { timeoutMs: 30_000 });
    return answer.endpoint;
  }

  /** The same as a worker that takes browsers that were started ahead. */
  async launchWarm(
    ref: string,
    claim: Fence,
    options: LaunchOptions = PLAIN_LAUNCH,
  ): Promise<KeeperOperations['launch']['reply']> {
    const args = { ref, fence: claim, timeoutMs: 20_000, options, takesWarm: true };
    return this.client.call('launch', args, { timeoutMs: 30_000 });
  }

  async close(ref: string, { claimId }: Fence): Promise<boolean> {
    return (await this.client.call('close', { ref, claimId }, { timeoutMs: 10_000 })).known;
  }

  async forget(ref: string, { claimId }: Fence): Promise<void> {
    await this.client.call('forget', { ref, claimId }, { timeoutMs: ANSWER_PATIENCE_MS });
  }

  async list(): Promise<readonly BrowserRecord[]> {
    return (await this.client.call('list', {}, { timeoutMs: ANSWER_PATIENCE_MS })).browsers;
  }

  async used(): Promise<number> {
    return (await this.client.call('list', {}, { timeoutMs: ANSWER_PATIENCE_MS })).stats.used;
  }

  /** Waits for the report that the browser of this session has gone. */
  untilGone(ref: string, timeoutMs = 5_000): Promise<BrowserRecord> {
    const found = (): BrowserRecord | undefined => this.gone.find(browser => browser.ref === ref);
    return pollUntil(`${ref} to be reported`, { timeoutMs, everyMs: 5 }, found);
  }

  /** Waits for this many answers to beats. */
  async untilBeats(count: number): Promise<void> {
    const until = this.#stats + count;
    const beaten = (): true | undefined => (this.#stats >= until ? true : undefined);
    await pollUntil(`${count} beats`, { timeoutMs: count * 2_000, everyMs: 10 }, beaten);
  }

  /** Waits until the keeper has noticed that it has no worker. */
  async untilUnregistered(app: KeeperApp): Promise<void> {
    const gone = (): true | undefined => (app.hasWorker() ? undefined : true);
    await pollUntil('the worker to be unregistered', { timeoutMs: 2_000, everyMs: 5 }, gone);
  }

  /** Waits until no slot is taken. */
  async untilIdle(timeoutMs = 6_000): Promise<void> {
    const idle = async (): Promise<true | undefined> => ((await this.used()) === 0 ? true : undefined);
    await pollUntil('the slots to be free', { timeoutMs, everyMs: 10 }, idle);
  }
}
