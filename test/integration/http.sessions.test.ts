import type { SessionView } from '../../src/http/session-view';
import { startTestApi, type TestApi } from '../support/api';

describe('sessions over HTTP', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi();
  });
  afterAll(() => api.stop());

  it('creates a session and answers when it is live', async () => {
    const answer = await api.call('POST', '/v1/sessions', { body: { labels: { team: 'a' } } });
    expect(answer).toMatchObject({ status: 201, body: { status: 'live', labels: { team: 'a' } } });
    expect(answer.headers.get('location')).toBe(`/v1/sessions/${String(answer.body['id'])}`);
  });
});
