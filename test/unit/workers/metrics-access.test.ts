import type { Socket } from 'node:net';
import { newKey } from '../../../src/core/api-key';
import type { Scope } from '../../../src/core/scopes';
import { systemClock } from '../../../src/core/clock';
import { FailedKeys } from '../../../src/engine/failed-keys';
import type { HeldKey } from '../../../src/engine/key-ring';
import { metricsAccess, type MetricsAccess } from '../../../workers/metrics-access';

type Peer = Pick<Socket, 'remoteAddress'>;

const STORED = newKey();
const ring = (scopes: readonly Scope[]) => ({
  find: async (key: string): Promise<HeldKey | null> =>
    Promise.resolve(
      key === STORED.key
        ? {
            ...{
              id: STORED.id,
              digest: STORED.digest,
              name: 'scrape',
              tenant: 'ops',
              scopes,
              createdAtMs: 0,
            },
            ...{ createdBy: 'key:acme', expiresAtMs: null, revoked: new AbortController().signal },
          }
        : null,
    ),
});
const names = ['worker-1'];
const BROWSER = '127.0.0.9';
const isSessionBrowser = async ({ remoteAddress }: Peer): Promise<boolean> =>
  Promise.resolve(remoteAddress === BROWSER);
const failedKeys = (): FailedKeys =>
  new FailedKeys({ clock: systemClock, report: { keyRefused: () => undefined } });
const open = metricsAccess({
  apiKeys: [],
  ring: ring([]),
  failedKeys: failedKeys(),
  isSessionBrowser,
  names,
});
const closed = metricsAccess({
  apiKeys: [
    { tenant: 'acme', key: 'acme-key-1' },
    { tenant: 'ops', key: 'ops-key-1', isAdmin: true },
  ],
  ring: ring(['admin']),
  failedKeys: failedKeys(),
  isSessionBrowser,
  names,
});

const ask = async (
  access: MetricsAccess<Peer>,
  host: string | undefined,
  remoteAddress: string,
  headers: Record<string, string> = {},
): Promise<number> =>
  (await access({
    headers: { ...headers, ...(host === undefined ? {} : { host }) },
    socket: { remoteAddress },
  })) ?? 200;

describe("a worker's metrics", () => {
  it.each([
    ['127.0.0.1:9464', 200],
    ['localhost:9464', 200],
    ['[::1]:9464', 200],
    ['10.0.0.7:9464', 200],
    ['worker-1:9464', 200],
    ['WORKER-1', 200],
    ['evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['10.0.0.7.nip.io:9464', 403],
    ['worker-1.', 403],
    ['', 403],
    [undefined, 403],
  ])('are answered to the host %s with %i', async (host, status) => {
    expect(await ask(open, host, '10.0.0.9')).toBe(status);
    expect(await ask(closed, host, '127.0.0.1')).toBe(status);
  });

  it('need a key for the installation from another machine, once there are keys', async () => {
    const from = async (headers: Record<string, string>): Promise<number> =>
      ask(closed, '10.0.0.7:9464', '10.0.0.9', headers);
    expect(await from({})).toBe(401);
    expect(await from({ 'x-api-key': 'guessed' })).toBe(403);
    expect(await from({ 'x-api-key': 'acme-key-1' })).toBe(403);
    expect(await from({ authorization: 'Bearer ops-key-1' })).toBe(200);
    expect(await from({ 'x-api-key': STORED.key })).toBe(200);
    expect(await ask(closed, 'worker.internal:9464', '10.0.0.9', { 'x-api-key': 'ops-key-1' })).toBe(200);
    expect(await ask(closed, '127.0.0.1', '::ffff:127.0.0.1')).toBe(200);
  });

  it('are not where keys can be guessed', async () => {
    const statuses = new Set<number>();
    for (let n = 0; n < 80; n += 1)
      statuses.add(await ask(closed, '10.0.0.7:9464', '10.0.0.66', { 'x-api-key': `guess-${n}` }));
    expect([...statuses]).toEqual([403, 429]);
    expect(await ask(closed, '10.0.0.7:9464', '10.0.0.66', { 'x-api-key': 'ops-key-1' })).toBe(429);
    expect(await ask(closed, '10.0.0.7:9464', '10.0.0.9', { 'x-api-key': 'ops-key-1' })).toBe(200);
  });

  it('are not for the browsers of sessions, which are on the same machine', async () => {
    for (const access of [open, closed]) expect(await ask(access, '127.0.0.1', BROWSER)).toBe(403);
  });
});
