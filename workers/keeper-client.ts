import { connect, type Socket } from 'node:net';
import { backoffMs, pause, withDeadline } from '../src/core/abort';
import type { Clock } from '../src/core/clock';
import { messageOf } from '../src/core/errors';
import { LineReader } from '../src/core/line-reader';
import type { Logger } from '../src/core/logger';
import { signalProcess, type ProcessIdentity, type ProcessTable } from '../src/core/process-identity';
import { SilenceWatch } from '../src/core/silence-watch';
import { TurnWrites } from '../src/core/turn-writes';
import {
  BEAT_EVERY_MS,
  KeeperError,
  SILENT_AFTER_MS,
  type BrowserRecord,
  type KeeperMessage,
  type KeeperOperation,
  type KeeperOperations,
  type KeeperStats,
} from './keeper/door/protocol';

const RECONNECT_FIRST_MS = 100;
const RECONNECT_CAP_MS = 1_000;
const REGISTER_TIMEOUT_MS = 5_000;

/** Dependencies of {@link KeeperClient}. */
export interface KeeperClientOptions {
  readonly socketPath: string;
  /** This process, which the keeper kills when it is silent. */
  readonly self: ProcessIdentity;
  readonly processes: ProcessTable;
  readonly clock: Clock;
  readonly log: Logger;
  /** For tests: how long a keeper may be silent. */
  readonly silentAfterMs?: number;
}

/** The answer to a registration: identity and browsers of the keeper. */
export type Registration = KeeperOperations['register']['reply'];

interface PendingCall {
  readonly resolve: (ok: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The worker's connection to its keeper. Connects and registers, reconnects when the connection is lost, beats every
 * second, and kills a keeper that no longer answers (the supervisor restarts it, and it adopts its browsers). Calls
 * fail when the connection is lost; the browsers in the next registration show their outcome.
 */
export class KeeperClient {
  readonly #options: KeeperClientOptions;
  readonly #closing = new AbortController();
  readonly #silence: SilenceWatch;
  readonly #pending = new Map<number, PendingCall>();
  readonly #registeredHandlers: ((registration: Registration) => void)[] = [];
  readonly #goneHandlers: ((browser: BrowserRecord) => void)[] = [];
  readonly #statsHandlers: ((stats: KeeperStats) => void)[] = [];
  readonly #lostHandlers: (() => void)[] = [];
  #socket: Socket | null = null;
  #keeper: ProcessIdentity | null = null;
  #beats: NodeJS.Timeout | null = null;
  #secret: string | null = null;
  #takesWarm: () => boolean = () => false;
  readonly #writes = new TurnWrites();
  #nextId = 1;
  #running: Promise<void> | null = null;

  constructor(options: KeeperClientOptions) {
    this.#options = options;
    const silentAfterMs = options.silentAfterMs ?? SILENT_AFTER_MS;
    this.#silence = new SilenceWatch(options.clock, silentAfterMs, () => void this.#killSilent());
  }

  /** Called after each registration, also after a reconnect. */
  onRegistered(handler: (registration: Registration) => void): void {
    this.#registeredHandlers.push(handler);
  }

  /** Called when a browser ended without an order. */
  onBrowserGone(handler: (browser: BrowserRecord) => void): void {
    this.#goneHandlers.push(handler);
  }

  /** Called when a slot was taken or became free, and with every beat. */
  onStats(handler: (stats: KeeperStats) => void): void {
    this.#statsHandlers.push(handler);
  }

  /** Called when a registered connection is lost; the client reconnects. */
  onLost(handler: () => void): void {
    this.#lostHandlers.push(handler);
  }

  /** Whether this worker is currently registered with a keeper. */
  get registered(): boolean {
    return this.#keeper !== null;
  }

  /** Starts to connect; add the handlers before. A second call does nothing. */
  connect(): void {
    this.#running ??= this.#run();
  }

  /** Sends the installation's secret now and after every later registration. */
  setSecret(secret: string): void {
    this.#secret = secret;
    if (this.registered) this.#handOverSecret();
  }

  /** Tells the keeper with every beat whether launches are to be expected of this worker; before, they are not. */
  expectLaunches(areExpected: () => boolean): void {
    this.#takesWarm = areExpected;
  }

  /**
   * Sends a request to the keeper.
   *
   * @throws KeeperError with the keeper's code, or `connection_lost`: the request may or may not have been carried out.
   * @throws DeadlineExceededError after `timeoutMs`; an Error whose cause is the signal's reason when that is aborted.
   */
  async call<Op extends KeeperOperation>(
    op: Op,
    args: KeeperOperations[Op]['request'],
    { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<KeeperOperations[Op]['reply']> {
    signal?.throwIfAborted();
    const socket = this.#socket;
    if (socket === null) throw new KeeperError('connection_lost', 'there is no connection to the keeper');
    const id = this.#nextId++;
    let abort: () => void = () => undefined;
    const reply = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      abort = () =>
        reject(new Error(`the request ${op} to the keeper was cancelled`, { cause: signal?.reason }));
      signal?.addEventListener('abort', abort);
      this.#writes.hold(() => [socket]);
      socket.write(`${JSON.stringify({ id, op, args })}\n`);
    });
    try {
      // SAFETY: the keeper answers each operation with the reply that the protocol gives for it.
      return (await withDeadline(`keeper ${op}`, timeoutMs, reply)) as KeeperOperations[Op]['reply'];
    } finally {
      this.#pending.delete(id);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Disconnects for good; the keeper then waits for another worker. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#socket?.destroy();
    await this.#running;
  }

  async #run(): Promise<void> {
    const signal = this.#closing.signal;
    for (let attempt = 0; !signal.aborted; attempt++) {
      await pause(backoffMs(attempt, RECONNECT_FIRST_MS, RECONNECT_CAP_MS), signal);
      if (signal.aborted) return;
      if (await this.#oneConnection()) attempt = -1;
    }
  }

  /** Runs one connection until its end; answers whether it was registered. */
  async #oneConnection(): Promise<boolean> {
    const socket = connect(this.#options.socketPath);
    const ended = new Promise<void>(resolve => socket.once('close', () => resolve()));
    socket.once('close', () => this.#onClosed());
    // An error is followed by `close`, which handles it.
    socket.on('error', () => undefined);
    const reader = new LineReader(line => this.#receive(line));
    socket.on('data', chunk => {
      if (!reader.push(chunk)) socket.destroy();
    });
    const opened = await new Promise<boolean>(resolve => {
      socket.once('connect', () => resolve(true));
      void ended.then(() => resolve(false));
    });
    if (!opened) return false;
    this.#socket = socket;
    const registered = await this.#register(socket);
    await ended;
    if (registered && !this.#closing.signal.aborted) {
      this.#options.log.warn('the connection to the keeper was lost');
      for (const handler of this.#lostHandlers) handler();
    }
    return registered;
  }

  async #register(socket: Socket): Promise<boolean> {
    const { self, log } = this.#options;
    try {
      const args = { workerPid: self.pid, workerStartedAt: self.startedAt };
      const registration = await this.call('register', args, { timeoutMs: REGISTER_TIMEOUT_MS });
      this.#keeper = { pid: registration.keeperPid, startedAt: registration.keeperStartedAt };
      this.#silence.start();
      this.#beats = setInterval(() => this.#beat(), BEAT_EVERY_MS);
      if (this.#secret !== null) this.#handOverSecret();
      for (const handler of this.#registeredHandlers) handler(registration);
      return true;
    } catch (error) {
      log.warn({ err: error }, `the keeper did not register this worker: ${messageOf(error)}`);
      socket.destroy();
      return false;
    }
  }

  #onClosed(): void {
    this.#socket = null;
    this.#keeper = null;
    this.#silence.stop();
    if (this.#beats !== null) clearInterval(this.#beats);
    this.#beats = null;
    const lost = new KeeperError('connection_lost', 'the connection to the keeper was lost');
    for (const { reject } of this.#pending.values()) reject(lost);
    this.#pending.clear();
  }

  #receive(line: string): void {
    this.#silence.reset();
    // SAFETY: only the keeper of this data folder can write to this socket, and it writes KeeperMessages.
    const message = JSON.parse(line) as KeeperMessage;
    if ('event' in message) {
      if (message.event === 'browser_gone')
        for (const handler of this.#goneHandlers) handler(message.browser);
      else this.#onStats(message.stats);
      return;
    }
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return; // the call has timed out
    if ('error' in message) pending.reject(new KeeperError(message.error.code, message.error.message));
    else pending.resolve(message.ok);
  }

  #beat(): void {
    this.call('beat', { takesWarm: this.#takesWarm() }, { timeoutMs: SILENT_AFTER_MS }).then(
      ({ stats }) => this.#onStats(stats),
      // The silence watch handles a beat without an answer.
      () => undefined,
    );
  }

  #onStats(stats: KeeperStats): void {
    for (const handler of this.#statsHandlers) handler(stats);
  }

  #handOverSecret(): void {
    if (this.#secret === null) return;
    const sent = this.call('secret', { secret: this.#secret }, { timeoutMs: REGISTER_TIMEOUT_MS });
    // Fails only if the connection is lost, and is then repeated after the next registration.
    sent.catch((error: unknown) =>
      this.#options.log.debug({ err: error }, 'the secret could not be sent to the keeper'),
    );
  }

  async #killSilent(): Promise<void> {
    const { processes, log } = this.#options;
    const keeper = this.#keeper;
    if (keeper === null) return;
    log.error({ keeperPid: keeper.pid }, 'the keeper is silent; killing it');
    try {
      await signalProcess(processes, keeper, 'SIGKILL');
    } catch (error) {
      log.error({ err: error }, 'the silent keeper could not be killed');
    }
    this.#socket?.destroy();
  }
}
