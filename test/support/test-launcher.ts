import { launchConsumer } from '../../workers/consumers/launch';
import type { Consumer, JobResult } from '../../src/queue/consumer';
import type { LaunchPayload, launchPayload } from '../../src/queue/payloads';
import type { DrainParts } from '../../workers/drain';
import type { KeeperClient } from '../../workers/keeper-client';
import { LaunchSlots } from '../../workers/launch/launch-slots';
import { OwnedSessions } from '../../workers/ownership/owned-sessions';
import { SessionCloser } from '../../workers/ownership/session-closer';
import { SessionLauncher } from '../../workers/launch/session-launcher';
import type { WorkerContext } from '../../workers/worker-context';
import { EngineFixture } from './engine-fixture';
import { ENDPOINT } from './session-samples';

/** The worker id under which it launches. */
export const LAUNCHER_ID = 'w-launcher';

/**
 * The part of a worker that takes launch jobs, in this process and on its own fixture. Its keeper reports every browser
 * as started at once. All other parts of a worker are missing.
 */
export class TestLauncher {
  readonly slots: LaunchSlots;
  readonly owned: OwnedSessions;
  /** Sessions whose browser the keeper was asked for. */
  readonly launched: string[] = [];
  /** Sessions whose browser the keeper was told to end. */
  readonly closed: string[] = [];
  /** Called while a browser starts. */
  onLaunch: () => Promise<void> = () => Promise.resolve();
  /** How many launch jobs were taken. */
  taken = 0;
  readonly #consumer: Consumer<typeof launchPayload>;
  readonly #stop = new AbortController();
  readonly #closer: SessionCloser;
  readonly #context: WorkerContext;

  private constructor(
    readonly fixture: EngineFixture,
    slots: number,
  ) {
    const { deps } = fixture;
    const { stepper, log } = deps;
    const onFenced = (): void => undefined;
    const context: WorkerContext = {
      workerId: LAUNCHER_ID,
      stepper,
      log,
      signal: this.#stop.signal,
      onFenced,
    };
    this.#context = context;
    this.owned = new OwnedSessions(context);
    // SAFETY: every call that launcher and closer make to a keeper is answered here.
    const keeper = {
      call: async (op: string, { ref }: { ref: string }) => {
        if (op === 'close') this.closed.push(ref);
        if (op !== 'launch') return {};
        this.launched.push(ref);
        await this.onLaunch();
        return { endpoint: ENDPOINT };
      },
    } as unknown as KeeperClient;
    const exporter = { launched: () => undefined, started: () => undefined, browserGone: () => undefined };
    const saver = { beforeEnd: () => Promise.resolve(), save: () => Promise.resolve(null) };
    this.#closer = new SessionCloser({ ...deps, keeper, beforeClose: () => undefined, saver, exporter });
    this.slots = new LaunchSlots(() => undefined);
    this.slots.update({ slots, used: 0, orphansReaped: 0, gatewayConnections: 0, load: null });
    const parts = { context, keeper, owned: this.owned, closer: this.#closer, slots: this.slots, exporter };
    const mounter = {
      mount: () => Promise.resolve({ version: 1, isPrepared: false, restore: null }),
      discard: () => Promise.resolve(),
    };
    const settings = { secret: deps.secret, tenantEgress: {} };
    const prepare = (): Promise<void> => Promise.resolve();
    const launcher = new SessionLauncher({ ...deps, ...parts, mounter, prepare, settings });
    const counting = { handle: (payload: LaunchPayload) => this.#count(launcher, payload) };
    this.#consumer = launchConsumer(deps.consumerBase, counting, slots);
  }

  async #count(launcher: SessionLauncher, payload: LaunchPayload): Promise<JobResult> {
    this.taken += 1;
    return launcher.handle(payload);
  }

  /** Opens the launcher; it takes no job before {@link start}. */
  static async open({ slots }: { slots: number }): Promise<TestLauncher> {
    return new TestLauncher(await EngineFixture.open(), slots);
  }

  /** Drains a worker of this id. */
  drainParts(workerId: string): Pick<DrainParts, 'context' | 'owned' | 'closer' | 'slots'> {
    const context = { ...this.#context, workerId };
    return { context, owned: this.owned, closer: this.#closer, slots: this.slots };
  }

  /** Begins to take jobs. */
  async start(): Promise<void> {
    await this.#consumer.start();
  }

  /** Stops, and closes the fixture. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#consumer.close(true);
    await this.fixture.close();
  }
}
