import { untilAsleep } from './asleep';
import { FakeBrowser } from './fake-browser';
import { connectPuppeteer, withPuppeteer } from './clients';
import { freePort } from './free-port';
import { Installation, type SessionView } from './installation';
import { TestPrometheus } from './prometheus';

/** How the sessions of {@link EveryEnd} end. */
export const ENDS = [
  'released_by_client',
  'released_by_bulk',
  'client_closed_browser',
  'session_timeout',
  'idle_timeout',
  'connect_timeout',
  'queue_timeout',
  'launch_failed',
  'browser_crashed',
] as const;

const SLOTS = 3;

/** An installation with Chromium that a Prometheus watches while sessions end in every way that is quickly done. */
export class EveryEnd {
  private constructor(
    readonly installation: Installation,
    readonly prometheus: TestPrometheus,
    private readonly browser: FakeBrowser,
  ) {}

  static async start(): Promise<EveryEnd> {
    const metricsPort = await freePort();
    const browser = await FakeBrowser.create('well');
    const installation = await Installation.start({
      browser: 'chromium',
      env: {
        HOLDFAST_CHROMIUM_PATH: browser.path,
        // The program writes beside itself.
        HOLDFAST_ISOLATION: 'shared',
        HOLDFAST_METRICS_PORT: String(metricsPort),
        HOLDFAST_SLOTS: String(SLOTS),
      },
    });
    const prometheus = await TestPrometheus.start({
      'holdfast-api': new URL(installation.url).host,
      'holdfast-worker': `127.0.0.1:${metricsPort}`,
    });
    return new EveryEnd(installation, prometheus, browser);
  }

  /** Lets sessions end; resolves when all have. */
  async run(): Promise<void> {
    await this.#clientsComeAndGo();
    await this.#sleepAndWake();
    await this.#timeOut();
    await this.#fail();
    await this.#fillUp();
  }

  async stop(): Promise<void> {
    await this.prometheus.stop();
    await this.installation.stop();
    await this.browser.remove();
  }

  async #clientsComeAndGo(): Promise<void> {
    const { installation } = this;
    const session = await installation.create();
    await withPuppeteer(session, page => page.goto('data:text/html,<h1>here</h1>'));
    await installation.call('PATCH', `/v1/sessions/${session.id}`, { timeout: 120_000 });
    await installation.call('POST', `/v1/sessions/${session.id}/release`);
    // Too late: the run is over.
    await connectPuppeteer(session).catch(() => undefined);
    const closed = await installation.create();
    await withPuppeteer(closed, (_page, browser) => browser.close());
    await this.#ended(closed);
  }

  async #sleepAndWake(): Promise<void> {
    const { installation } = this;
    const session = await installation.create({ sleepAfter: 1_000 });
    await withPuppeteer(session, async page => {
      await untilAsleep(installation, session);
      await page.title();
    });
    await installation.call('POST', `/v1/sessions/${session.id}/release`);
  }

  async #timeOut(): Promise<void> {
    const { installation } = this;
    await Promise.all([
      installation.create({ timeout: 1_500 }),
      installation.create({ idleTimeout: 1_000 }),
      installation.create({ connectTimeout: 1_000 }),
    ]);
    await this.#allEnded();
  }

  async #fail(): Promise<void> {
    const { installation, browser } = this;
    await browser.setBehaviour('exits');
    await installation.call('POST', '/v1/sessions', {});
    await browser.setBehaviour('well');
    const session = await installation.create();
    for (const pid of await installation.browsers()) process.kill(pid, 'SIGKILL');
    await this.#ended(session);
  }

  /* More sessions than slots: the last one gets no slot in time, then all are released. */
  async #fillUp(): Promise<void> {
    const { installation } = this;
    await Promise.all(Array.from({ length: SLOTS }, () => installation.create()));
    await installation.call('POST', '/v1/sessions', { queueTimeout: 1_500 });
    await installation.call('POST', '/v1/sessions/release');
    await this.#allEnded();
  }

  #ended({ id }: SessionView): Promise<SessionView> {
    return this.installation.until(id, ({ endedAt }) => endedAt !== null);
  }

  async #allEnded(): Promise<void> {
    const { body } = await this.installation.call<{ sessions: SessionView[] }>(
      'GET',
      '/v1/sessions?limit=100',
    );
    await Promise.all(body.sessions.map(session => this.#ended(session)));
  }
}
