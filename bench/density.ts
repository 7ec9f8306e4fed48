import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { pause } from '../src/core/abort';
import { BROWSERS, type BrowserName } from '../machines/session/session.words';
import { Installation, type SessionView } from '../test/support/installation';
import { CdpClient } from './cdp-client';
import { p50, sampleCount, timed, type Benchmark, type Claim, type Series } from './harness';
import { loadPage } from './load-page';

/** More than any machine of this size holds. */
const SLOTS = 2_000;

/** After so many creates the machine is looked at. */
const STEP = 20;

/** A create that takes longer is not served any more. */
const QUEUE_TIMEOUT_MS = 20_000;

/** Until what the last creates have started is quiet. */
const SETTLE_MS = 3_000;
const LOOK_MS = 5_000;

const ROUND_TRIPS = 100;

/**
 * How many sessions a machine holds, each with a page loaded and then idle, and what breaks first: sessions of one
 * browser are created one by one until a create is not served.
 */
export const density: Benchmark = {
  name: 'density',
  title: 'idle sessions, until a create is not served any more',
  run: async plan => {
    const most = sampleCount(plan, SLOTS, STEP);
    const series: Series[] = [];
    const claims: Claim[] = [];
    const notes = [`${await figure('MemTotal')} MiB of memory, ${availableParallelism()} processors`];
    for (const browser of BROWSERS) {
      const { looks, live, why } = await fill(browser, most);
      const [first, last] = [looks[0], looks.at(-1)];
      if (first === undefined || last === undefined) throw new Error('no session went live');
      series.push(
        { name: `${browser}: create, first ${STEP}`, unit: 'ms', values: first.createMs },
        { name: `${browser}: create, last ${STEP}`, unit: 'ms', values: last.createMs },
        { name: `${browser}: evaluate among the first ${STEP}`, unit: 'ms', values: first.evaluateMs },
        { name: `${browser}: evaluate among all`, unit: 'ms', values: last.evaluateMs },
      );
      claims.push(
        { text: `${browser}: sessions`, unit: '', value: live },
        { text: `${browser}: MiB each`, unit: '', value: last.usedMiB / live },
        { text: `${browser}: processor while idle, each`, unit: '%', value: last.idlePercent / live },
      );
      notes.push(`${browser}: ${why}`);
      for (const { live: at, createMs, usedMiB, idlePercent } of looks)
        notes.push(
          `${browser}, ${at}: create ${p50(createMs).toFixed(0)} ms, ${usedMiB.toFixed(0)} MiB, ` +
            `idle ${idlePercent.toFixed(0)} %`,
        );
    }
    return { series, claims, notes };
  },
};

/** The machine at one number of sessions. */
interface Look {
  readonly live: number;
  readonly createMs: number[];
  readonly evaluateMs: number[];
  /** By how much less memory is available than before the first session. */
  readonly usedMiB: number;
  /** Of one processor, by everything on the machine. */
  readonly idlePercent: number;
}

async function fill(
  browser: BrowserName,
  most: number,
): Promise<{ readonly looks: readonly Look[]; readonly live: number; readonly why: string }> {
  const env = { HOLDFAST_SLOTS: String(SLOTS), HOLDFAST_TIMEOUT_DEFAULT: '86400000' };
  const installation = await Installation.start({ browser: 'chromium', env });
  const looks: Look[] = [];
  const ids: string[] = [];
  let createMs: number[] = [];
  try {
    const availableMiB = await figure('MemAvailable');
    for (;;) {
      const live = ids.length;
      if (live === most) return { looks, live, why: `${most} sessions were enough` };
      const { tookMs, result } = await timed(() => createOne(installation, browser));
      if (typeof result === 'string') return { looks, live, why: result };
      ids.push(result.id);
      createMs.push(tookMs);
      if (ids.length % STEP !== 0) continue;
      looks.push({ live: ids.length, createMs, ...(await look(result, availableMiB)) });
      createMs = [];
    }
  } finally {
    // One after another: so many at once take longer than a stop may.
    for (const id of ids) await installation.call('POST', `/v1/sessions/${id}/release`);
    await installation.stop();
  }
}

/* The session, or why there is none. */
async function createOne(installation: Installation, browser: BrowserName): Promise<SessionView | string> {
  const { status, body } = await installation.call<SessionView & { readonly code?: string; detail?: string }>(
    'POST',
    '/v1/sessions',
    { browser, queueTimeout: QUEUE_TIMEOUT_MS },
  );
  if (status !== 201) return `create answered ${status} ${body.code ?? ''}: ${body.detail ?? body.status}`;
  return loadPage(body).then(
    () => body,
    (error: unknown) => `no page could be loaded: ${String(error)}`,
  );
}

async function look(
  { websocketUrl }: SessionView,
  availableBeforeMiB: number,
): Promise<Pick<Look, 'evaluateMs' | 'usedMiB' | 'idlePercent'>> {
  await pause(SETTLE_MS);
  const usedMiB = availableBeforeMiB - (await figure('MemAvailable'));
  const before = await busyTicks();
  await pause(LOOK_MS);
  const idlePercent = ((await busyTicks()) - before) / (LOOK_MS / 1_000);
  const client = await CdpClient.open(websocketUrl ?? '');
  const evaluateMs: number[] = [];
  for (let trip = 0; trip < ROUND_TRIPS; trip += 1)
    evaluateMs.push((await timed(() => client.evaluate())).tookMs);
  client.close();
  return { usedMiB, idlePercent, evaluateMs };
}

/* A line of proc_meminfo(5), MiB. */
async function figure(name: string): Promise<number> {
  const kib = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(await readFile('/proc/meminfo', 'latin1'))?.[1];
  return Math.round(Number(kib) / 1_024);
}

/* What all processors have worked: fields of proc_stat(5), hundredths of a second. */
async function busyTicks(): Promise<number> {
  const [first = ''] = (await readFile('/proc/stat', 'latin1')).split('\n', 1);
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = first.split(/\s+/).map(Number);
  return user + nice + system + irq + softirq;
}
