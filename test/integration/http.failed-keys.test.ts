import { newKey } from '../../src/core/api-key';
import {
  KEYS_OF_ADMIN_AND_OTHER,
  startTestApi,
  type Answer,
  type CallOptions,
  type TestApi,
} from '../support/api';
import { tryUpgrade } from '../support/upgrade';

/* S20: who tries keys is told to wait, wherever they are sent, and locks out nobody who has one. */

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi({ apiKeys: KEYS_OF_ADMIN_AND_OTHER });
});
afterEach(() => api.stop());

const withKey = (key: string) => ({ headers: { 'x-api-key': key } });
const list = (options: CallOptions = {}): Promise<Answer> => api.call('GET', '/v1/sessions', options);
const [{ key: right }, { key: unused }] = KEYS_OF_ADMIN_AND_OTHER;

/* Keys count again, one a second, while a slow machine asks: of so many at once some are always refused. */
async function refusals(ask: () => Promise<{ readonly status?: number }>): Promise<number> {
  const answers = await Promise.all(Array.from({ length: 30 }, ask));
  return answers.filter(({ status }) => status === 429).length;
}

it('answers 429 with Retry-After to keys of an address that has sent too many wrong ones', async () => {
  const { id, websocketUrl } = await api.createLive({}, withKey(right).headers);
  const statuses = new Set<number>();
  for (let n = 0; n < 100; n += 1)
    statuses.add((await list(withKey(n % 2 === 0 ? `guess-${n}` : newKey().key))).status);
  expect([...statuses].slice(0, 2)).toEqual([401, 429]);

  // Neither does the answer to a right key say that it is one.
  const [refused] = (
    await Promise.all(Array.from({ length: 30 }, async (_, n) => list(withKey(n < 29 ? 'guess' : unused))))
  ).slice(-1);
  expect(refused).toMatchObject({ status: 429, body: { code: 'too_many_failures', retryable: true } });
  expect(refused?.headers.get('retry-after')).toBe('1');
  expect((await list(withKey(right))).status).toBe(200);
  // Without a key there is nothing to guess.
  expect((await list()).status).toBe(401);
  expect((await api.call('GET', '/livez')).status).toBe(200);
  const opened = await tryUpgrade(String(websocketUrl), {});
  expect(opened).toHaveProperty('socket');
  if ('socket' in opened) opened.socket.terminate();

  const socketUrl = `${api.url.replace('http', 'ws')}/v1/sessions/${id}/cdp`;
  const upgrade = async (): Promise<{ status?: number }> => {
    const answer = await tryUpgrade(socketUrl, withKey('guess').headers);
    return 'socket' in answer ? {} : answer;
  };
  expect(await refusals(upgrade)).toBeGreaterThan(0);
  const dialects = [
    ['/steel/v1/sessions', { 'steel-api-key': 'guess' }],
    ['/notte/sessions', { authorization: 'Bearer guess' }],
  ] as const;
  for (const [path, headers] of dialects)
    expect(await refusals(async () => api.call('GET', path, { headers }))).toBeGreaterThan(0);

  const { body } = await api.call('GET', '/metrics', withKey(right));
  const [, unchecked = '0'] =
    /keys_refused_total\{outcome="unchecked"\} (\d+)/.exec(String(body['text'])) ?? [];
  expect(Number(unchecked)).toBeGreaterThanOrEqual(20);
});
