import { Installation, type Answer, type SessionView } from '../support/installation';
import { pollUntil } from '../support/poll-until';

const LIVE_MAX = 20;

describe('a quota of live sessions', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await Installation.start({
      env: {
        HOLDFAST_SLOTS: '5',
        HOLDFAST_QUOTAS: JSON.stringify({ tenants: { default: { liveSessions: LIVE_MAX } } }),
      },
    });
  });
  afterAll(() => installation.stop());

  const burst = (count: number): Promise<PromiseSettledResult<Answer<SessionView>>[]> =>
    Promise.allSettled(
      Array.from({ length: count }, () =>
        installation.call('POST', '/v1/sessions', {}, { prefer: 'respond-async' }),
      ),
    );
  const statuses = (answers: PromiseSettledResult<Answer<SessionView>>[]): (number | null)[] =>
    answers.map(answer => (answer.status === 'fulfilled' ? answer.value.status : null));
  const open = async (): Promise<number> => {
    const { body } = await installation.call<{ sessions: SessionView[] }>('GET', '/v1/sessions?limit=100');
    return body.sessions.filter(({ endedAt }) => endedAt === null).length;
  };

  it('is neither exceeded nor lost when an API is killed in the middle of creates', async () => {
    const api = await installation.find('api');
    const cut = burst(60);
    await installation.signal('api', 'SIGKILL');
    await cut;
    await installation.replaced('api', api);
    await pollUntil('the next API to answer', { timeoutMs: 20_000, everyMs: 50 }, async () =>
      (await fetch(`${installation.url}/readyz`).catch(() => null))?.ok === true ? true : undefined,
    );
    const left = await open();
    expect(left).toBeLessThanOrEqual(LIVE_MAX);
    const filled = statuses(await burst(40));
    expect(filled.filter(status => status === 202 || status === 201)).toHaveLength(LIVE_MAX - left);
    expect(filled.filter(status => status === 429)).toHaveLength(40 - (LIVE_MAX - left));
    expect(await open()).toBe(LIVE_MAX);

    await installation.call('POST', '/v1/sessions/release');
    expect(await open()).toBe(0);
    const again = statuses(await burst(40));
    expect(again.filter(status => status === 202 || status === 201)).toHaveLength(LIVE_MAX);
  }, 60_000);
});
