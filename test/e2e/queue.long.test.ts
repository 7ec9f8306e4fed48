import { pause } from '../../src/core/abort';
import { sendSignal } from '../../src/core/process-identity';
import { FakeBrowser } from '../support/fake-browser';
import { Installation, type Answer, type SessionView } from '../support/installation';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';

/* From the request to the browser: waiting for a slot, starting, failing, and being released meanwhile. */

interface QueuedView extends SessionView {
  readonly queuePosition: number | null;
}

let installation: Installation;
afterEach(() => installation.call('POST', '/v1/sessions/release'));

const accept = async (wish: Record<string, unknown> = {}, key?: string): Promise<Answer<QueuedView>> =>
  installation.call('POST', '/v1/sessions', wish, {
    prefer: 'respond-async',
    ...(key === undefined ? {} : { 'idempotency-key': key }),
  });

const release = (id: string): Promise<Answer<SessionView>> =>
  installation.call('POST', `/v1/sessions/${id}/release`);

const ended = (id: string, timeoutMs = 10_000): Promise<SessionView> =>
  installation.until(id, ({ endedAt }) => endedAt !== null, timeoutMs);

const nothingRuns = (): Promise<true> =>
  pollUntil('the last browser process to be gone', { timeoutMs: 5_000, everyMs: 20 }, async () =>
    (await installation.browserProcesses()).length === 0 ? true : undefined,
  );

/** Counts the browsers, a hundred times a second, until told to stop; answers the highest count. */
function watchBrowsers(): () => Promise<number> {
  let isOver = false;
  const watching = (async () => {
    let most = 0;
    while (!isOver) {
      most = Math.max(most, (await installation.browsers()).length);
      await pause(10);
    }
    return most;
  })();
  return () => {
    isOver = true;
    return watching;
  };
}

describe('with fewer slots than sessions', () => {
  const SLOTS = 3;
  beforeAll(async () => (installation = await Installation.start({ env: { HOLDFAST_SLOTS: `${SLOTS}` } })));
  afterAll(() => installation.stop());

  it('sessions are served in their order, each when one before it ends, and slots are never exceeded', async () => {
    const mostBrowsers = watchBrowsers();
    const ids: string[] = [];
    for (let i = 0; i < SLOTS + 6; i += 1) ids.push((await accept()).body.id);
    const served = new Map<string, string>();
    for (const [i, id] of ids.entries()) {
      const session = await installation.until(id, ({ status }) => status === 'live');
      served.set(id, session.liveAt ?? '');
      const next = ids[i + 1];
      if (i >= SLOTS - 1 && next !== undefined) {
        const { body } = await installation.call<QueuedView>('GET', `/v1/sessions/${next}`);
        expect(body).toMatchObject({ status: 'created', queuePosition: 1 });
      }
      if (i >= SLOTS - 1) await release(ids[i - SLOTS + 1] ?? '');
    }
    const claims = await Promise.all(
      ids.map(async id => (await installation.history(id)).find(({ event }) => event === 'claim')?.at),
    );
    expect(claims.slice(SLOTS)).toEqual([...claims.slice(SLOTS)].sort());
    expect(await mostBrowsers()).toBe(SLOTS);
  });

  it('sessions that wait too long fail as queue_timeout, never early and at most a second late', async () => {
    await Promise.all(Array.from({ length: SLOTS }, () => installation.create()));
    const waiting = (await accept({ queueTimeout: 1_500 })).body;
    expect(waiting.queuePosition).toBe(1);
    const session = await ended(waiting.id);
    expect(session).toMatchObject({ status: 'failed', endReason: 'queue_timeout' });
    const lateMs = Date.parse(session.endedAt ?? '') - Date.parse(session.createdAt) - 1_500;
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThanOrEqual(scaled(1_000));
  });

  it('a session that is released while it waits never becomes live, and those behind it move up', async () => {
    const live = await Promise.all(Array.from({ length: SLOTS }, () => installation.create()));
    const [first, second] = [(await accept()).body, (await accept()).body];
    expect(second.queuePosition).toBe(2);
    expect((await release(first.id)).body).toMatchObject({ endReason: 'released_by_client' });
    const { body } = await installation.call<QueuedView>('GET', `/v1/sessions/${second.id}`);
    expect(body.queuePosition).toBe(1);
    await release(live[0]?.id ?? '');
    await installation.until(second.id, ({ status }) => status === 'live');
    expect((await installation.history(first.id)).map(({ event }) => event)).toEqual(['created', 'release']);
  });

  it('a create that waits for its turn is answered with 202 when it has waited long enough', async () => {
    await Promise.all(Array.from({ length: SLOTS }, () => installation.create()));
    const answer = await installation.call<QueuedView>('POST', '/v1/sessions', {}, { prefer: 'wait=1' });
    expect(answer).toMatchObject({ status: 202, body: { status: 'created', queuePosition: 1 } });
  });

  it('fifty creates at once with one Idempotency-Key make one session and get one answer', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        installation.call('POST', '/v1/sessions', { name: 'one' }, { 'idempotency-key': 'fifty' }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    const bodies = answers.map(({ body }) => ({ ...body, duration: null }));
    expect(bodies).toEqual(bodies.map(() => bodies[0]));
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
    expect((await installation.browsers()).length).toBe(1);
  });

  it('a release, a time-out and the death of the browser at the same moment make one end', async () => {
    for (let round = 0; round < 5; round += 1) {
      const session = await installation.create({ timeout: 1_000 });
      const [browser] = await installation.browsers();
      const dueMs = Date.parse(session.expiresAt ?? '');
      await pollUntil('the deadline', { timeoutMs: 2_000, everyMs: 1 }, () =>
        Date.now() >= dueMs - 3 ? true : undefined,
      );
      // On a busy machine the deadline can be faster, and the browser gone.
      sendSignal(browser ?? NaN, 'SIGKILL');
      const answers = await Promise.all(Array.from({ length: 5 }, () => release(session.id)));
      const end = await ended(session.id);
      for (const { status, body } of answers) {
        expect({ status, end: body.status, reason: body.endReason }).toEqual({
          status: 200,
          end: end.status,
          reason: end.endReason,
        });
      }
      const ends = (await installation.history(session.id)).filter(
        ({ to }) => to !== 'created' && to !== 'live',
      );
      expect(ends).toHaveLength(1);
      await nothingRuns();
    }
  });
});

describe('a browser that', () => {
  let browser: FakeBrowser;
  beforeAll(async () => {
    browser = await FakeBrowser.create('well');
    const env = { HOLDFAST_CHROMIUM_PATH: browser.path, HOLDFAST_ISOLATION: 'shared' };
    installation = await Installation.start({ browser: 'chromium', env });
  });
  afterAll(async () => {
    await installation.stop();
    await browser.remove();
  });
  afterEach(nothingRuns);

  it('exits at once fails its session after two attempts, with the last lines of its output', async () => {
    await browser.setBehaviour('exits');
    const answer = await installation.call<{ sessionId: string }>('POST', '/v1/sessions', {});
    expect(answer).toMatchObject({
      status: 502,
      body: {
        code: 'launch_failed',
        message: expect.stringMatching(/exited with status 1 .*something is missing here/),
      },
    });
    const history = await installation.history(answer.body.sessionId);
    expect(history.map(({ event }) => event)).toEqual([
      'created',
      'claim',
      'launch_failed',
      'claim',
      'launch_failed',
    ]);
  });

  it('exits at first and then starts makes its session live', async () => {
    await browser.setBehaviour('exits_once');
    const session = await installation.create();
    expect((await installation.history(session.id)).map(({ event }) => event)).toEqual([
      'created',
      'claim',
      'launch_failed',
      'claim',
      'browser_ready',
    ]);
    await release(session.id);
  });

  it('hangs is ended when its session is released during the start', async () => {
    await browser.setBehaviour('hangs');
    const { body } = await accept();
    await browser.untilHanging();
    const beganMs = performance.now();
    expect((await release(body.id)).body).toMatchObject({
      status: 'released',
      endReason: 'released_by_client',
    });
    await nothingRuns();
    expect(performance.now() - beganMs).toBeLessThan(scaled(5_000));
    expect((await installation.history(body.id)).map(({ to }) => to)).toEqual([
      'created',
      'created',
      'released',
    ]);
  });

  it('is slow does not delay the sessions after it', async () => {
    await browser.setBehaviour('hangs');
    const { body } = await accept();
    await browser.untilHanging();
    await browser.setBehaviour('well');
    const quick = await installation.create();
    expect((await installation.read(body.id)).status).toBe('created');
    await release(quick.id);
    await release(body.id);
  });
});
