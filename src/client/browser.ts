import { Contexts } from './contexts';
import type { CreateLiveRequest } from './creation';
import { environmentVariable } from './environment';
import { followEvents, type EventsOptions, type ServiceEvent } from './event-stream';
import { Workers, type Capacity, type Usage, type UsageOptions } from './fleet';
import { Jobs } from './jobs';
import { Keys } from './keys';
import { PlaywrightConnector, type PlaywrightLibrary } from './playwright-connector';
import { PuppeteerConnector, type PuppeteerLibrary } from './puppeteer-connector';
import type { CreateOptions, LiveSession } from './session';
import { Sessions } from './sessions';
import { queryOf, splitRequest, Transport, type RequestOptions } from './transport';

/** Options of the client. */
export interface ClientOptions {
  /** URL of the service. Default: `HOLDFAST_URL`, else `http://127.0.0.1:3000`. */
  readonly baseUrl?: string | undefined;
  /** Default: `HOLDFAST_API_KEY`, else none. */
  readonly apiKey?: string | undefined;
  /** How long one attempt of a call may take, milliseconds. Default 60 000. */
  readonly timeoutMs?: number | undefined;
  /** How often a failed call is retried. Default 2. */
  readonly maxRetries?: number | undefined;
  /**
   * At SIGINT and SIGTERM, release the sessions that this client has created before the process ends. Default: false.
   */
  readonly releaseOnSignal?: boolean | undefined;
  /** Default: the runtime's. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Your Puppeteer. Default: the installed package. */
  readonly puppeteer?: PuppeteerLibrary | undefined;
  /** Your Playwright. Default: the installed package. */
  readonly playwright?: PlaywrightLibrary | undefined;
}

const DEFAULT_URL = 'http://127.0.0.1:3000';

/** A client of a Holdfast service. It holds no connections: there is nothing to close. */
export class Browser {
  readonly sessions: Sessions;
  readonly contexts: Contexts;
  readonly workers: Workers;
  readonly jobs: Jobs;
  readonly keys: Keys;
  readonly puppeteer: PuppeteerConnector;
  readonly playwright: PlaywrightConnector;
  readonly #transport: Transport;

  /** @throws TypeError if `baseUrl` is not an HTTP URL. */
  constructor(options: ClientOptions = {}) {
    const transport = new Transport({
      baseUrl: checkedUrl(options.baseUrl ?? environmentVariable('HOLDFAST_URL') ?? DEFAULT_URL),
      apiKey: options.apiKey ?? environmentVariable('HOLDFAST_API_KEY'),
      timeoutMs: options.timeoutMs ?? 60_000,
      maxRetries: options.maxRetries ?? 2,
      // Looked up at every call, so that it can be instrumented later.
      fetch: options.fetch ?? (async (input, init) => globalThis.fetch(input, init)),
    });
    this.#transport = transport;
    this.contexts = new Contexts(transport);
    this.workers = new Workers(transport);
    this.jobs = new Jobs(transport);
    this.keys = new Keys(transport);
    this.sessions = new Sessions(transport, options.releaseOnSignal ?? false);
    this.puppeteer = new PuppeteerConnector(this.sessions, options.puppeteer);
    this.playwright = new PlaywrightConnector(this.sessions, options.playwright);
  }

  /** Events of your sessions and contexts from now on, or after a known event, until the signal is aborted. */
  events(options: EventsOptions = {}): AsyncGenerator<ServiceEvent, never, undefined> {
    return followEvents(this.#transport, options);
  }

  /** The current capacity of the installation. */
  async capacity(request: RequestOptions = {}): Promise<Capacity> {
    const { body } = await this.#transport.send({ ...request, method: 'GET', path: '/v1/capacity' });
    // SAFETY: a 2xx of this route carries the capacity.
    return body as Capacity;
  }

  /** The usage of your sessions, by the day in UTC on which they ended, and of your contexts. */
  async usage(options: UsageOptions = {}): Promise<Usage> {
    const [request, days] = splitRequest(options);
    const path = `/v1/usage${queryOf({ ...days })}`;
    const { body } = await this.#transport.send({ ...request, method: 'GET', path });
    // SAFETY: a 2xx of this route carries the usage.
    return body as Usage;
  }

  /** The metrics in Prometheus' text format, of the API process that answers. */
  async metrics(request: RequestOptions = {}): Promise<string> {
    const headers = { accept: 'text/plain' };
    const call = { ...request, method: 'GET', path: '/metrics', headers, isText: true } as const;
    const { body } = await this.#transport.send(call);
    // SAFETY: text was asked for.
    return body as string;
  }

  /**
   * Creates a session, calls the work with it and releases it, also if the work fails.
   *
   * @throws what the work throws; else what create or release throw.
   */
  async withSession<T>(
    options: CreateOptions,
    work: (session: LiveSession) => T | PromiseLike<T>,
    request: CreateLiveRequest = {},
  ): Promise<T> {
    const session = await this.sessions.create(options, request);
    let result: T;
    try {
      result = await work(session);
    } catch (error) {
      // The first error must not be hidden by one of the release; the service ends the session by its time-outs.
      await this.sessions.release(session).catch(() => undefined);
      throw error;
    }
    await this.sessions.release(session);
    return result;
  }
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new TypeError(`baseUrl is not an HTTP URL: ${text}`);
  return text.replace(/\/+$/, '');
}
