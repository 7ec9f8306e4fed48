import { freePort } from '../support/free-port';
import { Installation, type SessionView } from '../support/installation';
import { pollUntil } from '../support/poll-until';
import { workerFigure } from '../support/worker-figures';

const SLOTS = 6;
const WARM = 2;

let installation: Installation;
let metricsPort: number;

beforeEach(async () => {
  metricsPort = await freePort();
  installation = await Installation.start({
    browser: 'shell',
    env: {
      HOLDFAST_SLOTS: String(SLOTS),
      HOLDFAST_WARM_BROWSERS: String(WARM),
      HOLDFAST_METRICS_PORT: String(metricsPort),
    },
  });
});

afterEach(async () => {
  await installation.interrupt('SIGTERM');
  expect(await installation.browserProcesses()).toEqual([]);
  await installation.dir.remove();
});

/* The worker may just have been killed. */
const warm = (): Promise<number> =>
  workerFigure(metricsPort, 'holdfast_worker_slots{state="warm"}').catch(() => Number.NaN);

/* So many at least: the pool may go on filling while this looks. */
const untilWarm = (count: number): Promise<true> =>
  pollUntil(`${count} warm browsers`, { timeoutMs: 30_000, everyMs: 20 }, async () =>
    (await warm()) >= count ? true : undefined,
  );

const untilNoneIsWarm = (): Promise<true> =>
  pollUntil('no warm browser', { timeoutMs: 30_000, everyMs: 20 }, async () =>
    (await warm()) === 0 ? true : undefined,
  );

/** Browsers of sessions and of the pool together. */
const untilBrowsers = (count: number): Promise<true> =>
  pollUntil(`${count} browsers`, { timeoutMs: 20_000, everyMs: 50 }, async () =>
    (await installation.browsers()).length === count ? true : undefined,
  );

/** A create that may be answered by an error while processes are dead; it is then looked for by its id. */
async function createThrough(id: string): Promise<SessionView> {
  const body = { sessionId: id, queueTimeout: 60_000 };
  await pollUntil(`session ${id} to be accepted`, { timeoutMs: 30_000, everyMs: 50 }, async () => {
    const answer = await installation
      .call('POST', '/v1/sessions', body, { prefer: 'wait=0' })
      .catch(() => null);
    return answer !== null && answer.status < 300 ? true : undefined;
  });
  return installation.until(id, ({ status }) => status !== 'created', 60_000);
}

const releaseAll = async (): Promise<void> => {
  await installation.call('POST', '/v1/sessions/release');
};

describe('warm browsers', () => {
  it.each(['worker', 'keeper'] as const)(
    'lose no session and leave nothing when the %s is killed six times while they are handed over and started',
    async role => {
      for (let round = 0; round < 6; round += 1) {
        await untilWarm(1);
        const creating = [0, 1, 2].map(n => createThrough(`${role}-${round}-${n}`));
        // Later in each round: before, during and after the handover, and while the next ones are started.
        await new Promise(resolve => setTimeout(resolve, round * 15));
        const killed = await installation.signal(role, 'SIGKILL');
        await installation.replaced(role, killed);
        const sessions = await Promise.all(creating);
        expect(sessions.map(({ status }) => status)).toEqual(['live', 'live', 'live']);
        expect(new Set(sessions.map(({ websocketUrl }) => websocketUrl)).size).toBe(3);
        await releaseAll();
      }
      await untilWarm(WARM);
      await untilBrowsers(WARM);
    },
    // The launch job of a killed worker is taken over after ten seconds.
    300_000,
  );

  it('and sessions never take more than the slots, with twenty creates at once', async () => {
    await untilWarm(1);
    let most = 0;
    const watching = setInterval(() => {
      void installation.browsers().then(found => (most = Math.max(most, found.length)));
    }, 100);
    const created = Array.from({ length: 20 }, async (_, n) => {
      const { id, status } = await createThrough(`at-once-${n}`);
      await installation.call('DELETE', `/v1/sessions/${id}`);
      return status;
    });
    expect(await Promise.all(created)).toEqual(Array(20).fill('live'));
    clearInterval(watching);
    // While one that was started ahead is killed for a session, both are there for a moment.
    expect(most).toBeLessThanOrEqual(SLOTS + WARM);
    await untilWarm(WARM);
    await untilBrowsers(WARM);
  });

  it('are gone from a drained worker, and come back when it is undrained', async () => {
    await untilWarm(1);
    const { body } = await installation.call<{ workers: { id: string }[] }>('GET', '/v1/workers');
    const id = body.workers[0]?.id ?? '';
    await installation.call('POST', `/v1/workers/${id}/drain`);
    await untilNoneIsWarm();
    await untilBrowsers(0);
    await installation.call('POST', `/v1/workers/${id}/undrain`);
    await untilWarm(1);
  });

  it('end with a keeper whose supervisor and worker are gone for longer than a lease', async () => {
    await untilWarm(1);
    const keeper = await installation.find('keeper');
    await installation.signal('supervisor', 'SIGKILL');
    await untilBrowsers(0);
    await installation.restart();
    expect((await installation.find('keeper')).pid).not.toBe(keeper.pid);
    await untilWarm(1);
  });
});
