import { WebSocket } from 'ws';
import { once } from 'node:events';
import { startTestApi, type TestApi } from '../../support/api';

let api: TestApi;
beforeAll(
  async () =>
    (api = await startTestApi({
      apiKeys: [
        { tenant: 'a', key: 'key-a' },
        { tenant: 'b', key: 'key-b' },
      ],
    })),
);
afterAll(() => api.stop());

const A = { 'steel-api-key': 'key-a' };

interface Created {
  readonly id: string;
  readonly websocketUrl: string;
}

async function create(body: Record<string, unknown> = {}): Promise<Created> {
  const { status, body: session } = await api.call('POST', '/steel/v1/sessions', { body, headers: A });
  expect(status).toBe(200);
  // SAFETY: a 200 carries a session.
  return session as unknown as Created;
}

describe("Steel's API", () => {
  it('creates sessions that its clients connect to, and releases them twice', async () => {
    const { id, websocketUrl } = await create({ timeout: 60_000, maxRetries: 5 });
    const socket = new WebSocket(`${websocketUrl}&apiKey=key-a`);
    await once(socket, 'open');
    socket.terminate();
    for (let i = 0; i < 2; i += 1) {
      const released = await api.call('POST', `/steel/v1/sessions/${id}/release`, { headers: A });
      expect(released).toMatchObject({ status: 200, body: { success: true } });
    }
    const { body } = await api.call('GET', `/steel/v1/sessions/${id}`, { headers: A });
    expect(body).toMatchObject({ id, status: 'released', timeout: 60_000 });
  });

  it('does not show the sessions of another key', async () => {
    const { id, websocketUrl } = await create();
    const other = { 'steel-api-key': 'key-b' };
    const { status, body } = await api.call('GET', `/steel/v1/sessions/${id}`, { headers: other });
    expect({ status, message: body['message'] }).toEqual({
      status: 404,
      message: 'There is no such session.',
    });
    const refused = new WebSocket(`${websocketUrl}&apiKey=key-b`);
    const [error] = (await once(refused, 'error')) as [Error];
    expect(error.message).toContain('404');
    expect((await api.call('GET', `/steel/v1/sessions/${id}`)).status).toBe(401);
  });

  it('lists pages by the id of the last session, until one is empty', async () => {
    await api.call('POST', '/steel/v1/sessions/release', { headers: A });
    const ids: string[] = [];
    for (let i = 0; i < 3; i += 1) ids.unshift((await create()).id);
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const { body } = await api.call('GET', `/steel/v1/sessions?status=live&limit=2${cursor}`, {
        headers: A,
      });
      const { sessions } = body as unknown as { sessions: Created[] };
      if (sessions.length === 0) break;
      seen.push(...sessions.map(({ id }) => id));
      for (const { id } of sessions)
        await api.call('POST', `/steel/v1/sessions/${id}/release`, { headers: A });
      cursor = `&cursorId=${seen.at(-1) ?? ''}`;
    }
    expect(seen).toEqual(ids);
  });

  it('answers what it does not have in its own form', async () => {
    const { id } = await create();
    const missing = await api.call('GET', `/steel/v1/sessions/${id}/captchas/status`, { headers: A });
    expect(missing).toMatchObject({ status: 422, body: { code: 'not_supported' } });
    expect((await api.call('GET', '/steel/v1/nothing', { headers: A })).body['message']).toContain(
      'no route',
    );
  });
});
