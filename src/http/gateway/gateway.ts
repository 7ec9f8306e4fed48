import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { dial, hostHeaderOf, type DialTarget, type HostIdentity } from '../../browser/dial';
import { DOWNLOADS_STAY } from '../../browser/download-behavior';
import { ClientFrames } from '../../core/client-frames';
import type { Clock } from '../../core/clock';
import { ServiceError } from '../../core/errors';
import { destroyWhenHalfClosed } from '../../core/half-closed';
import { parseRef, type SessionRef } from '../../core/ids';
import type { Logger } from '../../core/logger';
import { spliceUpgrade } from '../../core/splice';
import type { StalledReaders } from '../../core/stalled-readers';
import { sessionNotFound } from '../../engine/not-found';
import type { ApiMetrics } from '../../metrics/api-metrics';
import { newerVersion } from '../../engine/newer-version';
import type { QuotaPlaces } from '../../engine/quota-places';
import { requireGeneration } from '../../engine/token-generation';
import { requireLive } from '../../engine/session-ended';
import type { ActivityStore } from '../../store/activity-store';
import type { SessionStore } from '../../store/session-store';
import type { SessionRecord } from '../../store/session-record';
import { ActivityMeter } from './activity-meter';
import type { ClientPresence } from './client-presence';
import { closingOf } from './closing';
import type { AskedBrowser, Door } from './door';
import type { EdgeGuard } from '../edge/edge-guard';
import { refuseUpgrade } from '../edge/listener';
import { codedError, problemAnswer } from '../edge/problem';
import { withinRedisBudget } from '../edge/redis-budget';
import { requestIdOf } from '../edge/request-context';
import { noWebSocket } from './session-door';
import { shuttingDown, type SplicedClient, type SplicedClients } from './spliced-clients';

/** Dependencies of {@link Gateway}. */
export interface GatewayParts {
  readonly guard: EdgeGuard;
  /** The first one for the path of a request opens it. */
  readonly doors: readonly Door[];
  readonly sessions: Pick<SessionStore, 'read'>;
  readonly activity: Pick<ActivityStore, 'note'>;
  readonly presence: Pick<ClientPresence, 'hold'>;
  readonly clients: SplicedClients;
  /** The quota of sockets. */
  readonly sockets: Pick<QuotaPlaces, 'take'>;
  readonly apiMetrics: Pick<ApiMetrics, 'cdpUpgradeFailures' | 'cdpClientsCut'>;
  /** Cuts clients that do not read. */
  readonly silentClients: Pick<StalledReaders, 'watch'>;
  readonly localHost: HostIdentity;
  readonly secret: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted when this process shuts down. */
  readonly draining: AbortSignal;
}

/**
 * How long to wait, after a browser has gone, for the end of its session; then clients are closed without its reason.
 */
const END_KNOWN_MS = 900;

/** An upgrade request in progress. */
interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
  readonly url: URL;
  readonly requestId: string;
}

/**
 * Connects CDP clients to the browser, or the page, that a door finds for them. After that the bytes of a client are
 * carried unchanged, except for the folder that it may name for downloads, and nothing here waits for Redis.
 */
export class Gateway {
  constructor(private readonly parts: GatewayParts) {}

  /** Answers an upgrade request: with the browser, or with a refusal in the form of every other error. */
  readonly onUpgrade = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    const { requestId } = requestIdOf(request.headers['x-request-id']);
    const url = urlOf(request);
    const door = this.parts.doors.find(({ isFor }) => isFor(url.pathname));
    this.#admit({ request, socket, head, url, requestId }, door).catch((thrown: unknown) => {
      const error = codedError(thrown);
      const { log, apiMetrics } = this.parts;
      apiMetrics.cdpUpgradeFailures.inc({ code: error.code });
      if (error.code === 'internal_error') log.error({ requestId, err: error.cause }, 'upgrade failed');
      else log.debug({ requestId, code: error.code, reason: error.message }, 'upgrade refused');
      const answerTo = door?.errorAnswer ?? problemAnswer;
      if (!socket.destroyed) refuseUpgrade(request, socket, error, { requestId, answerTo });
    });
  };

  async #admit(upgrade: Upgrade, door: Door | undefined): Promise<void> {
    const { guard, draining } = this.parts;
    const { request, socket, url, requestId } = upgrade;
    guard(request);
    if (draining.aborted) throw shuttingDown();
    if (door === undefined || request.headers.upgrade?.toLowerCase() !== 'websocket')
      throw noWebSocket(url.pathname);
    const gone = new AbortController();
    socket.once('close', () => gone.abort());
    const opening = door.open({ request, url, requestId, gone: gone.signal });
    const asked = opening instanceof Promise ? await whileThere(socket, opening) : opening;
    try {
      await this.#connect(upgrade, asked);
    } catch (error) {
      asked.onLeft?.();
      throw error;
    }
  }

  async #connect(upgrade: Upgrade, asked: AskedBrowser): Promise<void> {
    const { clients, sessions, sockets } = this.parts;
    const { ref, generation = null, place = sockets.take(parseRef(ref)?.tenant ?? '') } = asked;
    const client = clients.enter(ref, asked);
    const leave = (): void => {
      place.free();
      client.leave();
    };
    upgrade.socket.once('close', leave);
    try {
      const [{ record }] = await withinRedisBudget(Promise.all([sessions.read(ref), place.taken]));
      if (record === null) throw sessionNotFound();
      requireGeneration(record, generation);
      requireLive(record);
      await this.#splice(upgrade, record, client, asked);
    } catch (error) {
      leave();
      // The session ended, or the shutdown began, while the client was connecting; that is the cause of the error.
      throw client.why() ?? error;
    }
  }

  async #splice(
    upgrade: Upgrade,
    record: SessionRecord,
    client: SplicedClient,
    { ref, part, onLeft }: AskedBrowser,
  ): Promise<void> {
    const { localHost, secret, activity, presence, clock, log } = this.parts;
    const { request, socket, head, requestId } = upgrade;
    const { limits } = record.snapshot.context;
    const dialled = await dial({ ...targetOf(record), part }, localHost, secret, client.ended);
    if (client.ended.aborted || socket.destroyed) {
      dialled.socket.destroy();
      throw new ServiceError('browser_unreachable', 'The client has disconnected.');
    }
    const meter = new ActivityMeter({
      idleTimeoutMs: limits.idleTimeoutMs,
      // The first note also ends the connect time-out. All notes do the same, because the first one may fail.
      note: () => activity.note(ref, true),
      monotonicMs: () => clock.monotonicMs(),
    });
    const frames = new ClientFrames(DOWNLOADS_STAY);
    const close = (): void => splice.close(closingOf(client.why() ?? unreachable()));
    let browserGone: NodeJS.Timeout | undefined;
    const splice = spliceUpgrade({
      client: socket,
      head,
      request,
      upstream: dialled.socket,
      upstreamPath: dialled.path,
      upstreamHost: hostHeaderOf(dialled),
      onClientBytes: meter.touch,
      fromClient: chunk => frames.push(chunk),
      onUpstreamGone: () => (browserGone = setTimeout(close, END_KNOWN_MS)),
    });
    client.ended.addEventListener('abort', close, { once: true });
    const reader = this.#cutWhenSilent(upgrade, ref);
    client.attached(() => splice.bytes());
    const depart = limits.disconnectTimeoutMs === null ? undefined : presence.hold(ref);
    meter.touch();
    log.info({ session: ref, requestId }, 'client attached');
    void splice.closed.then(() => {
      client.ended.removeEventListener('abort', close);
      reader.unwatch();
      clearTimeout(browserGone);
      meter.stop();
      client.leave();
      depart?.();
      onLeft?.();
      log.info({ session: ref, requestId }, 'client detached');
    });
  }

  #cutWhenSilent({ socket, requestId }: Upgrade, session: SessionRef): { unwatch(): void } {
    const { silentClients, apiMetrics, log } = this.parts;
    return silentClients.watch(socket, stall => {
      apiMetrics.cdpClientsCut.inc({});
      log.warn(
        { session, requestId, ...stall },
        'client disconnected: it does not read the data of the browser',
      );
      // A reset: after a normal close the kernel would keep trying to deliver the bytes that the client does not read.
      socket.resetAndDestroy();
    });
  }
}

function targetOf({ ref, snapshot, isPartial }: SessionRecord): DialTarget {
  const { endpoint, owner } = snapshot.context;
  if (endpoint !== null && owner !== null) return { endpoint, claimId: owner.fence.claimId };
  if (isPartial === true) throw newerVersion();
  throw new Error(`live session ${ref} has no browser`);
}

/* A client that leaves while its session is made is noticed, although it is not read yet. */
async function whileThere<T>(socket: Socket, work: Promise<T>): Promise<T> {
  const stopWatching = destroyWhenHalfClosed(socket);
  try {
    return await work;
  } finally {
    stopWatching();
  }
}

/* What is no URL has no door. */
function urlOf({ url = '' }: IncomingMessage): URL {
  const base = 'http://gateway';
  return new URL(URL.canParse(url, base) ? url : base, base);
}

const unreachable = (): ServiceError =>
  new ServiceError('browser_unreachable', 'The connection to the browser is lost.');
