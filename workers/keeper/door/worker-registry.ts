import type { Clock } from '../../../src/core/clock';
import { messageOf } from '../../../src/core/errors';
import type { Logger } from '../../../src/core/logger';
import { signalProcess, type ProcessIdentity, type ProcessTable } from '../../../src/core/process-identity';
import { SilenceWatch } from '../../../src/core/silence-watch';
import type { Keeper } from '../keeper';
import { KeeperError, type KeeperOperation, type KeeperOperations } from './protocol';
import type { CheckedRequest } from './requests';
import type { Connection, RequestHandler } from './socket-server';

/** The part of a keeper that workers give orders to. */
export type Browsers = Pick<
  Keeper,
  | 'onEvent'
  | 'stats'
  | 'list'
  | 'expectLaunches'
  | 'launch'
  | 'claim'
  | 'close'
  | 'cutHeard'
  | 'copyProfile'
  | 'forget'
  | 'endAll'
>;

/** Dependencies of {@link WorkerRegistry}. */
export interface WorkerRegistryDeps {
  readonly keeper: Browsers;
  readonly hostId: string;
  readonly self: ProcessIdentity;
  readonly processes: ProcessTable;
  readonly clock: Clock;
  readonly log: Logger;
  readonly silentAfterMs: number;
  readonly adoptGraceMs: number;
  readonly workerlessMaxMs: number;
  /** Called when there was neither a worker nor a supervisor for `adoptGraceMs`; the browsers are being ended. */
  readonly onAbandoned: () => void;
}

type Reply<Op extends KeeperOperation> = KeeperOperations[Op]['reply'];

/** Operations that need no registration: they do not change browsers. */
const UNREGISTERED_OPERATIONS: readonly KeeperOperation[] = ['register', 'list', 'attend'];

/**
 * Registers workers: one at a time. It must beat every second, and is killed when it is silent. Two rules prevent
 * mistakes: time in which the keeper itself was stalled does not count (SilenceWatch), and a worker that has only
 * disconnected is unregistered, not killed.
 */
export class WorkerRegistry implements RequestHandler {
  readonly #deps: WorkerRegistryDeps;
  readonly #silence: SilenceWatch;
  readonly #grace: SilenceWatch;
  readonly #stopListening: () => void;
  #registered: { readonly connection: Connection; readonly worker: ProcessIdentity } | null = null;
  #secret: string | null = null;
  #workerlessSinceMs: number;
  #closed = false;

  constructor(deps: WorkerRegistryDeps) {
    this.#deps = deps;
    this.#silence = new SilenceWatch(deps.clock, deps.silentAfterMs, () => void this.#killSilent());
    this.#grace = new SilenceWatch(deps.clock, deps.adoptGraceMs, () => this.#abandoned());
    this.#stopListening = deps.keeper.onEvent(event => this.#registered?.connection.send(event));
    this.#workerlessSinceMs = deps.clock.monotonicMs();
    this.#grace.start();
  }

  /** The installation's secret; null until a worker has handed it over. */
  get secret(): string | null {
    return this.#secret;
  }

  get hasWorker(): boolean {
    return this.#registered !== null;
  }

  /** Stops all watches; the server closes the connections. */
  close(): void {
    this.#closed = true;
    this.#silence.stop();
    this.#grace.stop();
    this.#stopListening();
  }

  async handle(request: CheckedRequest, connection: Connection): Promise<unknown> {
    if (this.#registered?.connection === connection) this.#silence.reset();
    else if (!UNREGISTERED_OPERATIONS.includes(request.op))
      throw new KeeperError('not_registered', 'the worker must register first');
    return this.#dispatch(request, connection);
  }

  onClosed(connection: Connection): void {
    if (this.#registered?.connection !== connection) return;
    this.#registered = null;
    this.#silence.stop();
    if (this.#closed) return;
    this.#workerlessSinceMs = this.#deps.clock.monotonicMs();
    this.#grace.start();
    this.#deps.log.warn('the worker has disconnected');
  }

  async #dispatch(request: CheckedRequest, connection: Connection): Promise<Reply<KeeperOperation>> {
    const { keeper } = this.#deps;
    switch (request.op) {
      case 'register':
        return this.#register(request.args, connection);
      case 'beat':
        keeper.expectLaunches(request.args.takesWarm ?? false);
        return { stats: keeper.stats() };
      case 'attend':
        return this.#attend();
      case 'secret':
        this.#secret = request.args.secret;
        return {};
      case 'launch':
        return keeper.launch(request.args);
      case 'claim':
        await keeper.claim(request.args.ref, request.args.from, request.args.to);
        return {};
      case 'close':
        return keeper.close(request.args.ref, request.args.claimId);
      case 'forget':
        await keeper.forget(request.args.ref, request.args.claimId);
        return {};
      case 'cutsHeard':
        await keeper.cutHeard(request.args.ref, request.args.claimId, 'downloads');
        return {};
      case 'uploadCutHeard':
        await keeper.cutHeard(request.args.ref, request.args.claimId, 'uploads');
        return {};
      case 'copyProfile': {
        const { claimId, parts } = request.args;
        return { profile: await keeper.copyProfile(claimId, parts) };
      }
      case 'list':
        return { stats: keeper.stats(), browsers: keeper.list() };
    }
  }

  #register(
    { workerPid, workerStartedAt }: KeeperOperations['register']['request'],
    connection: Connection,
  ): Reply<'register'> {
    const earlier = this.#registered?.connection;
    this.#registered = { connection, worker: { pid: workerPid, startedAt: workerStartedAt } };
    if (earlier !== connection) earlier?.close();
    this.#grace.stop();
    this.#silence.start();
    const { keeper, hostId, self, log } = this.#deps;
    log.info({ workerPid }, 'a worker has registered');
    return {
      hostId,
      keeperPid: self.pid,
      keeperStartedAt: self.startedAt,
      stats: keeper.stats(),
      browsers: keeper.list(),
    };
  }

  #attend(): Reply<'attend'> {
    const { hostId, self, clock, workerlessMaxMs } = this.#deps;
    const isWorkerless = this.#registered === null;
    if (isWorkerless && clock.monotonicMs() - this.#workerlessSinceMs < workerlessMaxMs) this.#grace.reset();
    return { hostId, keeperPid: self.pid, keeperStartedAt: self.startedAt };
  }

  /** A frozen worker would block its sessions. After a kill, its supervisor starts another one, which adopts them. */
  async #killSilent(): Promise<void> {
    const { processes, silentAfterMs, log } = this.#deps;
    const silent = this.#registered;
    if (silent === null) return;
    log.error({ workerPid: silent.worker.pid, silentAfterMs }, 'the worker is silent; killing it');
    try {
      await signalProcess(processes, silent.worker, 'SIGKILL');
    } catch (error) {
      log.error({ err: error }, `the silent worker could not be killed: ${messageOf(error)}`);
    }
    silent.connection.close();
  }

  #abandoned(): void {
    const { keeper, adoptGraceMs, onAbandoned } = this.#deps;
    void keeper.endAll(`no worker for ${adoptGraceMs} ms`);
    onAbandoned();
  }
}
