import { dirname } from 'node:path';
import { likenessOf, type Likeness, type Place } from '../support/browser-likeness';
import { freePort } from '../support/free-port';
import { Installation } from '../support/installation';
import { startMirrorSite, type MirrorSite } from '../support/mirror-site';
import { pollUntil } from '../support/poll-until';
import { startHttpProxy, type UpstreamProxyServer } from '../support/upstream-proxy';
import { isWrapper, listProcesses } from '../support/proc';
import { workerFigure } from '../support/worker-figures';

const PHONE = {
  dimensions: { width: 390, height: 844 },
  deviceScaleFactor: 3,
  userAgent: 'Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/156.0.0.0 Mobile Safari/537.36',
  locale: 'de-DE',
  timezone: 'Asia/Kathmandu',
};

const ANN = { username: 'ann', password: 'a-secret-of-the-test' };

/** A browser is compared when it has done what it does by itself after its start. */
const SETTLED_AFTER_MS = 3_000;

let site: MirrorSite;
let coldOnes: Installation;
let warmOnes: Installation;
let metricsPort: number;

beforeEach(async () => {
  site = await startMirrorSite();
  metricsPort = await freePort();
  const start = (env: Record<string, string>): Promise<Installation> =>
    Installation.start({ browser: 'chromium', env: { HOLDFAST_SLOTS: '2', ...env } });
  [coldOnes, warmOnes] = await Promise.all([
    start({}),
    start({ HOLDFAST_WARM_BROWSERS: '1', HOLDFAST_METRICS_PORT: String(metricsPort) }),
  ]);
});

afterEach(async () => {
  await Promise.all([coldOnes.stop(), warmOnes.stop()]);
  await site.close();
});

const figure = (series: string): Promise<number> => workerFigure(metricsPort, series);

const warmStarts = (): Promise<number> => figure('holdfast_browser_launches_total{start="warm"}');

const untilWarm = (): Promise<true> =>
  pollUntil('a warm browser', { timeoutMs: 30_000, everyMs: 50 }, async () =>
    (await figure('holdfast_worker_slots{state="warm"}')) === 1 ? true : undefined,
  );

/** The one browser of an installation. */
async function placeOf({ dir }: Installation): Promise<Place> {
  const found = (await listProcesses()).flatMap(({ pid, commandLine }) => {
    const profile = /--user-data-dir=(\S+)/.exec(commandLine)?.[1] ?? '';
    const isOurs = profile.startsWith(dir.path) && !commandLine.includes('--type=');
    return isOurs && !isWrapper(commandLine) ? [{ pid, runDirectory: dirname(profile) }] : [];
  });
  const [place] = found;
  if (place === undefined || found.length > 1) throw new Error(`${found.length} browsers run, not one`);
  return place;
}

const settle = (): Promise<void> => new Promise(resolve => setTimeout(resolve, SETTLED_AFTER_MS));

async function coldLikeness(options: Record<string, unknown>): Promise<Likeness> {
  const session = await coldOnes.create(options);
  await settle();
  const likeness = await likenessOf(session, site.url, await placeOf(coldOnes));
  await coldOnes.call('DELETE', `/v1/sessions/${session.id}`);
  return likeness;
}

/** @param earlier - the options of the session before, whose browser has the same shape */
async function warmLikeness(
  options: Record<string, unknown>,
  earlier = options,
  beforeCreate: () => void = () => undefined,
): Promise<Likeness> {
  // The next one is started with the shape of the last session.
  const teacher = await warmOnes.create(earlier);
  await warmOnes.call('DELETE', `/v1/sessions/${teacher.id}`);
  await untilWarm();
  await settle();
  const place = await placeOf(warmOnes);
  const before = await warmStarts();
  beforeCreate();
  const session = await warmOnes.create(options);
  expect(await warmStarts()).toBe(before + 1);
  const likeness = await likenessOf(session, site.url, place);
  await warmOnes.call('DELETE', `/v1/sessions/${session.id}`);
  return likeness;
}

/** What a proxy was asked for, with all headers, but for what Chromium asks for by itself. */
const ofSite = ({ heads }: UpstreamProxyServer): readonly (readonly string[])[] =>
  heads.filter(([line]) => line?.includes(site.url));

describe('a browser that was started ahead', () => {
  it.each([
    ['with default options', {}],
    ['with options of its own', PHONE],
  ])('cannot be told from one that was started for its session, %s', async (_what, options) => {
    const cold = await coldLikeness(options);
    expect(await warmLikeness(options)).toEqual(cold);
  });

  it('cannot be told by a page, a client or its proxy when the session has a proxy', async () => {
    const [colds, before, warms] = await Promise.all([
      startHttpProxy(ANN),
      startHttpProxy(ANN),
      startHttpProxy(ANN),
    ]);
    const proxied = ({ url }: UpstreamProxyServer): Record<string, unknown> => ({
      proxy: { server: url, ...ANN },
    });
    try {
      const cold = await coldLikeness(proxied(colds));
      let heard = 0;
      const likeness = await warmLikeness(proxied(warms), proxied(before), () => {
        heard = before.connections();
        expect(warms.connections()).toBe(0);
      });
      expect(likeness).toEqual(cold);
      expect(ofSite(warms)).toEqual(ofSite(colds));
      expect(ofSite(warms)).not.toEqual([]);
      expect(before.connections()).toBe(heard);
    } finally {
      await Promise.all([colds, before, warms].map(proxy => proxy.close()));
    }
  });

  it('has the cookies of its session, and no others', async () => {
    await untilWarm();
    const cookies = [{ name: 'sid', value: 'of-the-session', url: site.url }];
    const before = await warmStarts();
    const session = await warmOnes.create({ cookies });
    expect(await warmStarts()).toBe(before + 1);
    const { body } = await warmOnes.call<{ cookies: { name: string; value: string }[] }>(
      'GET',
      `/v1/sessions/${session.id}/cookies`,
    );
    expect(body.cookies.map(({ name, value }) => [name, value])).toEqual([['sid', 'of-the-session']]);
    await warmOnes.call('DELETE', `/v1/sessions/${session.id}`);
  });
});
