import { startApi, type Api } from '../../src/api/app';
import { envToConfig, type Config } from '../../src/config/config';
import { createLogger } from '../../src/core/logger';
import { openDeps, type Deps } from '../../src/deps';
import type { SessionData } from '../../src/client/session';
import { startEchoBrowser, type EchoBrowser } from './echo-browser';
import { makeTempDir } from './temp-dir';
import { startRedis, type RedisOptions, type TestRedis } from './redis';
import { StandInWorker } from './stand-in-worker';

/** The keys of two tenants. */
export const KEYS_OF_TWO = [
  { tenant: 'acme', key: 'acme-key-1' },
  { tenant: 'beta', key: 'beta-key-1' },
] as const;

/** The same; the first one also acts on the whole installation. */
export const KEYS_OF_ADMIN_AND_OTHER = [{ ...KEYS_OF_TWO[0], isAdmin: true }, KEYS_OF_TWO[1]] as const;

/** An API in this process with a Redis, a stand-in worker and a stand-in browser of its own. */
export interface TestApi {
  readonly url: string;
  /** Where its TLS listener is; empty without one. */
  readonly tlsUrl: string;
  readonly redis: TestRedis;
  /** The parts of a worker, on connections of their own as in a second process. */
  readonly deps: Deps;
  readonly worker: StandInWorker;
  readonly browser: EchoBrowser;
  /** Closes the API at `url`; everything else goes on. */
  closeFirst(): Promise<void>;
  /** Starts one more API on the same Redis; closed with the rest. */
  another(config?: Partial<Config>): Promise<Api>;
  /** One request, JSON in and out. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** Creates a session and waits until it is live. */
  createLive(body?: Record<string, unknown>, headers?: Record<string, string>): Promise<SessionData>;
  stop(): Promise<void>;
}

/** A request of a test. */
export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent unchanged, instead of `body`. */
  readonly text?: string;
  readonly signal?: AbortSignal;
}

/** An answer. `body` is the parsed JSON, for `toMatchObject`. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** The configuration of an API under test: loopback, any free port, no keys. */
export function testConfig(overrides: Partial<Config> = {}): Config {
  return { ...envToConfig({}), port: 0, dataDir: '/nonexistent', ...overrides };
}

/** Starts the API with everything that belongs to it. */
export async function startTestApi(
  overrides: Partial<Config> = {},
  redisOptions: RedisOptions = {},
): Promise<TestApi> {
  const blobs = await makeTempDir();
  const config = testConfig({ storage: { kind: 'folder', dir: blobs.path }, ...overrides });
  const log = createLogger('test', process.env['HF_TEST_LOG'] ?? 'silent');
  const redis = await startRedis(redisOptions);
  const apis = [await startApi(config, redis.url, log)];
  const deps = await openDeps(config, redis.url, log);
  await deps.notices.start();
  const browser = await startEchoBrowser();
  const worker = new StandInWorker(deps, browser.endpoint);
  await worker.start();
  const url = apis[0]?.url ?? '';
  const tlsUrl = apis[0]?.tlsUrl ?? '';
  const call = (method: string, path: string, options: CallOptions = {}): Promise<Answer> =>
    callApi(url, method, path, options);
  return {
    url,
    tlsUrl,
    redis,
    deps,
    worker,
    browser,
    call,
    closeFirst: async () => apis.shift()?.close(),
    another: async changes => {
      const api = await startApi({ ...config, ...changes }, redis.url, log);
      apis.push(api);
      return api;
    },
    createLive: async (body = {}, headers = {}) => {
      const answer = await call('POST', '/v1/sessions', { body, headers });
      if (answer.status !== 201)
        throw new Error(`create answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      // SAFETY: a 201 carries the view of the session.
      return answer.body as unknown as SessionData;
    },
    stop: async () => {
      await Promise.all(apis.map(api => api.close()));
      await worker.close();
      await deps.lifecycle.close();
      await browser.close();
      await redis.stop();
      await blobs.remove();
    },
  };
}

/** One request to any URL of the service. */
export async function callApi(
  url: string,
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<Answer> {
  const { body, text, headers = {}, signal } = options;
  const sent = text ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...(sent === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(sent === undefined ? {} : { body: sent }),
    ...(signal === undefined ? {} : { signal }),
  });
  const answered = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return {
    status: response.status,
    headers: response.headers,
    // SAFETY: every JSON answer of the service is an object.
    body: (isJson && answered !== '' ? JSON.parse(answered) : { text: answered }) as Record<string, unknown>,
  };
}
