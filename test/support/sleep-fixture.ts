import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import type { Endpoint, Fence } from '../../machines/session/session.types';
import { KEEPER_CALL_HEADER, keeperPath } from '../../src/core/keeper-ticket';
import { NO_SLEEP, type SleepCounts } from '../../src/core/sleep-counts';
import { PLAIN_LAUNCH, type BrowserRecord } from '../../workers/keeper/door/protocol';
import { RunDirectory } from '../../workers/keeper/process/run-directory';
import { fence, KeeperFixture, type KeeperSettings, type TestWorker } from './keeper-fixture';
import { pollUntil } from './poll-until';
import { allPids, readProc } from './proc';
import { RawCdp } from './raw-cdp';

const SECRET = 'the secret of a test';

/** A session whose browser may sleep. */
export interface Sleepy {
  readonly ref: string;
  readonly claim: Fence;
  readonly endpoint: Endpoint;
}

/** A keeper with browsers that sleep after a second, and a worker for it. */
export class SleepFixture {
  #last = 0;

  private constructor(
    readonly keeper: KeeperFixture,
    readonly worker: TestWorker,
  ) {}

  static async open(settings: KeeperSettings = {}): Promise<SleepFixture> {
    const keeper = await KeeperFixture.open(settings);
    const worker = await keeper.worker();
    worker.client.setSecret(SECRET);
    return new SleepFixture(keeper, worker);
  }

  get counts(): SleepCounts {
    return this.keeper.app.keeper.stats().sleep ?? NO_SLEEP;
  }

  async launch(sleepAfterMs = 1_000): Promise<Sleepy> {
    this.#last += 1;
    const [ref, claim] = [`t/${this.#last}`, fence()];
    const args = { ref, fence: claim, timeoutMs: 20_000, options: PLAIN_LAUNCH, sleepAfterMs };
    const { endpoint } = await this.worker.client.call('launch', args, { timeoutMs: 30_000 });
    return { ref, claim, endpoint };
  }

  async untilAsleep(count = 1, timeoutMs = 10_000): Promise<void> {
    await pollUntil('browsers to sleep', { timeoutMs, everyMs: 5 }, () =>
      this.counts.asleep === count ? true : undefined,
    );
  }

  /** Connects as a client does, or as a call of the service. */
  async connect({ claim, endpoint }: Sleepy, as: 'client' | 'call' = 'client'): Promise<RawCdp> {
    const path = keeperPath(SECRET, claim.claimId);
    const headers = as === 'call' ? { [KEEPER_CALL_HEADER]: '1' } : {};
    const socket = new WebSocket(`ws+unix:${endpoint.gatewaySocket}:${path}`, {
      headers,
      perMessageDeflate: false,
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return RawCdp.over(socket);
  }

  get runRoot(): string {
    return join(this.keeper.dir.path, 'run');
  }

  /** The names of all run directories. */
  async directories(): Promise<string[]> {
    return existsSync(this.runRoot) ? RunDirectory.list(this.runRoot) : [];
  }

  async recordOf({ ref }: Sleepy): Promise<BrowserRecord | undefined> {
    return (await this.worker.list()).find(browser => browser.ref === ref);
  }

  close(): Promise<void> {
    return this.keeper.close();
  }
}

/** Opens a page; answers the id of the CDP session. */
export async function openPage(client: RawCdp): Promise<string> {
  await client.call('Target.createTarget', { url: 'about:blank' });
  return client.attachToPage();
}

/** The states of the children of a process. */
export function statesBelow(parentPid: number): string[] {
  return allPids().flatMap(pid => {
    const [state = '', parent] = readProc(pid, 'stat')
      .replace(/^.*\) /, '')
      .split(' ');
    return Number(parent) === parentPid ? [state] : [];
  });
}

/** The states of all processes whose command line names this folder; a frozen one is `D` or `T`. */
export function statesOf(folder: string): string[] {
  return allPids()
    .filter(pid => readProc(pid, 'cmdline').includes(`${folder}/`))
    .map(pid =>
      readProc(pid, 'stat')
        .replace(/^.*\) /, '')
        .charAt(0),
    );
}
