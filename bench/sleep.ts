import { pause } from '../src/core/abort';
import { BROWSERS, type BrowserName } from '../machines/session/session.words';
import { untilAsleep } from '../test/support/asleep';
import { Installation, type SessionView } from '../test/support/installation';
import { pssMiB, treeOf } from './browser-trees';
import { CdpClient } from './cdp-client';
import {
  percentile,
  ratioOfMedians,
  roundCount,
  sampleCount,
  timed,
  type Benchmark,
  type Claim,
  type Series,
} from './harness';
import { loadPage } from './load-page';
import { cpuUsOf } from './process-cpu';

const SLEEP_AFTER_MS = 1_000;
const ASLEEP_WITHIN_MS = 60_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** How many sessions of each browser never sleep, to compare with. */
const AWAKE = 2;
const ROUND_TRIPS = 100;

/** A session with a page loaded and a client attached. */
interface Held {
  readonly id: string;
  readonly rootPid: number;
  readonly client: CdpClient;
}

type Fleet = Readonly<Record<BrowserName, readonly Held[]>>;

const ENV = { HOLDFAST_SLOTS: '200', HOLDFAST_WARM_BROWSERS: '0', HOLDFAST_TIMEOUT_DEFAULT: '86400000' };

/**
 * What a sleeping session costs, and how long its client waits for the answer that wakes it: after a minute and after a
 * moment, in rounds. Sessions of both browsers sleep at the same time, and are woken one after another.
 */
export const sleep: Benchmark = {
  name: 'sleep',
  title: 'sleeping sessions',
  run: async plan => {
    const count = sampleCount(plan, 10, 1);
    const installation = await Installation.start({ browser: 'chromium', env: ENV });
    try {
      const sleepy = await fleet(installation, count, SLEEP_AFTER_MS);
      const awake = await fleet(installation, AWAKE, null);
      const awakeMiB = await ofEach(sleepy, async ({ client, rootPid }) => {
        await client.evaluate();
        return pssMiB(rootPid);
      });
      await allAsleep(installation, sleepy);
      const idle = { asleep: await cpuOf(sleepy), awake: await cpuOf(awake) };
      await pause(plan.quick ? SLEEP_AFTER_MS : MINUTE_MS);
      const used = { asleep: await cpuOf(sleepy), awake: await cpuOf(awake) };
      const asleepMiB = await ofEach(sleepy, ({ rootPid }) => Promise.resolve(pssMiB(rootPid)));
      const first = await wakeEach(installation, sleepy);
      const minutes = roundCount(plan, 10, 1) - 1;
      const minute = joined([
        first,
        ...(await rounds(installation, sleepy, { times: minutes, forMs: MINUTE_MS })),
      ]);
      const moment = joined(await rounds(installation, sleepy, { times: roundCount(plan, 10, 2), forMs: 0 }));
      const trips = await tripsOf(sleepy, awake);
      return {
        series: [
          ...seriesOf('first answer, asleep for a minute', 'ms', minute),
          ...seriesOf('first answer, just fallen asleep', 'ms', moment),
          ...seriesOf('evaluate, awake, may sleep', 'ms', trips.sleepy),
          ...seriesOf('evaluate, never sleeps', 'ms', trips.awake),
          ...seriesOf('MiB awake (PSS)', '', awakeMiB),
          ...seriesOf('MiB asleep (PSS)', '', asleepMiB),
        ],
        claims: BROWSERS.flatMap(browser =>
          claimsOf(browser, { minute, used, idle, trips, awakeMiB, asleepMiB }),
        ),
        notes: [`${count} sessions of each browser sleep, ${AWAKE} of each never do`],
      };
    } finally {
      await installation.call('POST', '/v1/sessions/release');
      await installation.stop();
    }
  },
};

/**
 * The same after an hour, once for each session: many are needed for many samples, 4 GB for the default. What else the
 * machine does in that hour matters only when they are woken.
 */
export const sleepHour: Benchmark = {
  name: 'sleep-hour',
  title: 'sessions that have slept for an hour',
  run: async plan => {
    const installation = await Installation.start({ browser: 'chromium', env: ENV });
    try {
      const sleepy = await fleet(installation, sampleCount(plan, 25, 1), SLEEP_AFTER_MS);
      const forMs = plan.quick ? SLEEP_AFTER_MS : HOUR_MS;
      const hour = joined(await rounds(installation, sleepy, { times: 1, forMs }));
      return {
        series: seriesOf('first answer, asleep for an hour', 'ms', hour),
        claims: BROWSERS.flatMap(browser => thawClaims(browser, 'an hour', hour)),
      };
    } finally {
      await installation.call('POST', '/v1/sessions/release');
      await installation.stop();
    }
  },
};

type Samples = Readonly<Record<BrowserName, number[]>>;

interface Measured {
  /** The first answers after a minute. */
  readonly minute: Samples;
  /** Processor time of all its processes, µs, before and after. */
  readonly idle: Readonly<Record<'asleep' | 'awake', Samples>>;
  readonly used: Readonly<Record<'asleep' | 'awake', Samples>>;
  readonly trips: Readonly<Record<'sleepy' | 'awake', Samples>>;
  readonly awakeMiB: Samples;
  readonly asleepMiB: Samples;
}

function claimsOf(browser: BrowserName, measured: Measured): Claim[] {
  const { minute, idle, used, trips, awakeMiB, asleepMiB } = measured;
  const msEach = (which: 'asleep' | 'awake'): number =>
    (sum(used[which][browser]) - sum(idle[which][browser])) / used[which][browser].length / 1_000;
  return [
    ...thawClaims(browser, 'a minute', minute),
    {
      text: `${browser}: evaluate, may sleep × never sleeps`,
      unit: '×',
      ...ratioOfMedians(trips.sleepy[browser], trips.awake[browser]),
    },
    {
      text: `${browser}: memory, asleep × awake`,
      unit: '×',
      ...ratioOfMedians(asleepMiB[browser], awakeMiB[browser]),
    },
    {
      text: `${browser}: processor of a session that sleeps, of the minute`,
      unit: 'ms',
      value: msEach('asleep'),
    },
    { text: `${browser}: processor of one that never sleeps`, unit: 'ms', value: msEach('awake') },
  ];
}

function thawClaims(browser: BrowserName, after: string, samples: Samples): Claim[] {
  const mark = (name: string, p: number, atMost: number): Claim => ({
    text: `${browser}: first answer after ${after}, ${name}`,
    unit: 'ms',
    value: percentile(samples[browser], p),
    pass: { atMost },
  });
  return [mark('p50', 0.5, 20), mark('p99', 0.99, 80)];
}

async function fleet(installation: Installation, count: number, sleepAfter: number | null): Promise<Fleet> {
  return perBrowser(async browser => {
    const held: Held[] = [];
    for (let n = 0; n < count; n += 1) {
      const before = new Set(await installation.browsers());
      const session = await installation.create({ browser, sleepAfter });
      const [rootPid = 0] = (await installation.browsers()).filter(pid => !before.has(pid));
      held.push(await attached(session, rootPid));
    }
    return held;
  });
}

async function attached(session: SessionView, rootPid: number): Promise<Held> {
  await loadPage(session);
  return { id: session.id, rootPid, client: await CdpClient.open(session.websocketUrl ?? '') };
}

const wake = async ({ client }: Held): Promise<number> => (await timed(() => client.evaluate())).tookMs;

/* In each round all sleep for that long at least, and are woken one after another. */
async function rounds(
  installation: Installation,
  sleepy: Fleet,
  { times, forMs }: { readonly times: number; readonly forMs: number },
): Promise<Samples[]> {
  const all: Samples[] = [];
  for (let round = 0; round < times; round += 1) {
    await allAsleep(installation, sleepy);
    await pause(forMs);
    all.push(await wakeEach(installation, sleepy));
  }
  return all;
}

/* Each is asleep again before the next one: what it does after its answer is not to delay that of another. */
const wakeEach = (installation: Installation, sleepy: Fleet): Promise<Samples> =>
  ofEach(sleepy, async one => {
    const tookMs = await wake(one);
    await untilAsleep(installation, one, ASLEEP_WITHIN_MS);
    return tookMs;
  });

function joined(all: readonly Samples[]): Samples {
  const of = (browser: BrowserName): number[] => all.flatMap(samples => samples[browser]);
  return { chromium: of('chromium'), 'chromium-headless-shell': of('chromium-headless-shell') };
}

/* In turns, so that other load on the machine affects both alike. */
async function tripsOf(sleepy: Fleet, awake: Fleet): Promise<Measured['trips']> {
  const none = (): Promise<Samples> => perBrowser(() => Promise.resolve<number[]>([]));
  const trips = { sleepy: await none(), awake: await none() };
  for (const browser of BROWSERS) {
    for (let trip = 0; trip < ROUND_TRIPS; trip += 1) {
      for (const one of awake[browser]) trips.awake[browser].push(await wake(one));
      for (const one of sleepy[browser].slice(0, AWAKE)) trips.sleepy[browser].push(await wake(one));
    }
  }
  return trips;
}

const cpuOf = (held: Fleet): Promise<Samples> =>
  ofEach(held, async ({ rootPid }) => sum(await Promise.all(treeOf(rootPid).map(cpuUsOf))));

async function ofEach(held: Fleet, measure: (one: Held) => Promise<number>): Promise<Samples> {
  return perBrowser(async browser => {
    const values: number[] = [];
    for (const one of held[browser]) values.push(await measure(one));
    return values;
  });
}

async function perBrowser<T>(work: (browser: BrowserName) => Promise<T>): Promise<Record<BrowserName, T>> {
  const entries: [BrowserName, T][] = [];
  for (const browser of BROWSERS) entries.push([browser, await work(browser)]);
  // SAFETY: every key is set by fromEntries.
  return Object.fromEntries(entries) as Record<BrowserName, T>;
}

async function allAsleep(installation: Installation, sleepy: Fleet): Promise<void> {
  for (const one of BROWSERS.flatMap(browser => sleepy[browser]))
    await untilAsleep(installation, one, ASLEEP_WITHIN_MS);
}

function seriesOf(name: string, unit: Series['unit'], samples: Samples): Series[] {
  return BROWSERS.map(browser => ({ name: `${browser}: ${name}`, unit, values: samples[browser] }));
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
