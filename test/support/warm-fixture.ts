import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { WarmCounts } from '../../workers/keeper/door/protocol';
import { RunDirectory } from '../../workers/keeper/process/run-directory';
import { cheapChromium, KeeperFixture, type KeeperSettings, type TestWorker } from './keeper-fixture';
import type { Logger } from '../../src/core/logger';
import { pollUntil } from './poll-until';
import { listProcesses } from './proc';
import type { TempDir } from './temp-dir';

/** A keeper that starts one browser ahead, and a worker that takes it. */
export class WarmFixture {
  private constructor(
    readonly keeper: KeeperFixture,
    readonly worker: TestWorker,
  ) {}

  static async open(
    settings: KeeperSettings = {},
    place: { dir?: TempDir; log?: Logger } = {},
  ): Promise<WarmFixture> {
    const browser = settings.browser ?? (await cheapChromium());
    const keeper = await KeeperFixture.open({ slots: 2, warmBrowsers: 1, ...settings, browser }, place);
    const worker = await keeper.worker();
    worker.client.expectLaunches(() => true);
    return new WarmFixture(keeper, worker);
  }

  get runRoot(): string {
    return join(this.keeper.dir.path, 'run');
  }

  get counts(): WarmCounts {
    const { warm } = this.keeper.app.keeper.stats();
    if (warm === undefined) throw new Error('the keeper counts no warm browsers');
    return warm;
  }

  /** The files of records. */
  records(): Promise<string[]> {
    return readdir(join(this.runRoot, 'records'));
  }

  /** Waits until a browser is ready; answers its run directory. */
  async untilReady(): Promise<RunDirectory> {
    const limits = { timeoutMs: 15_000, everyMs: 10 };
    await pollUntil('a warm browser', limits, () => (this.counts.ready === 1 ? true : undefined));
    const kept = new Set((await this.records()).map(file => file.replace('.json', '')));
    const [name, ...others] = (await RunDirectory.list(this.runRoot)).filter(one => !kept.has(one));
    expect(others).toEqual([]);
    return RunDirectory.at(this.runRoot, name ?? '');
  }

  close(): Promise<void> {
    return this.keeper.close();
  }
}

/** The browser itself, as its shim recorded it. */
export async function pidOf(directory: RunDirectory): Promise<number> {
  const pid = (await directory.cagedPid()) ?? (await directory.pid());
  if (pid === null) throw new Error('there is no browser');
  return pid;
}

/** Waits until nothing names a run directory any more. */
export async function untilGone({ path }: RunDirectory): Promise<void> {
  await pollUntil('a browser to be gone', { timeoutMs: 5_000, everyMs: 10 }, async () => {
    const isThere = await stat(path).then(
      () => true,
      () => false,
    );
    const named = (await listProcesses()).filter(({ commandLine }) => commandLine.includes(`${path}/`));
    return isThere || named.length > 0 ? undefined : true;
  });
}
