import { setMaxListeners } from 'node:events';
import { rowsAndFolds } from '../support/fold-history';
import { Installation, type Answer, type EventView, type SessionView } from '../support/installation';
import { check, type Violation } from './checker';
import { ChaosClient } from './client';
import { rage, warmBrowsersOf, type Fault } from './nemesis';
import { Random } from './random';
import type { FinalSession, Recording } from './recording';
import { pollUntil } from '../support/poll-until';
import { startHttpProxy } from '../support/upstream-proxy';

/** The options of a run. */
export interface ChaosOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly browser: 'null' | 'shell' | 'chromium';
  /** How many browsers the keeper keeps warm at most; not for null browsers. */
  readonly warmBrowsers?: number;
}

/** The result of a run. */
export interface ChaosResult {
  readonly recording: Recording;
  readonly faults: readonly Fault[];
  readonly violations: readonly Violation[];
  /** Number of ends by reason: a run in which every session failed proves little. */
  readonly ends: Readonly<Record<string, number>>;
}

interface SessionPage {
  readonly sessions: readonly SessionView[];
  readonly nextCursor: string | null;
}

const CLIENTS = { null: 10, shell: 4, chromium: 4 } as const;
const SLOTS = { null: 6, shell: 3, chromium: 3 } as const;

/** Clients that want all slots for ever leave no room for warm browsers. */
const BESIDE_WARM = { clients: 3, slots: 6, longTimeoutMs: 6_000 } as const;
const LONG_TIMEOUT_MS = 600_000;

/** For the proxy of sessions with one. */
const KNOWN = { username: 'chaos', password: 'a-password-of-chaos' };

/** A run with fewer proves little. */
const LEAST_FAULTS = 4;

/** How long after the faults all sessions may take to end. */
const SETTLE_TIMEOUT_MS = 90_000;
const GONE_WITHIN_MS = 10_000;

/**
 * Runs clients and faults against a whole installation, waits until it is idle, ends the sessions that are left and
 * checks the recording. The seed decides the schedule of the faults, but not what the installation is doing at those
 * moments. So a seed helps to find a failure again but does not guarantee it.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { browser, warmBrowsers = 0 } = options;
  const slots = warmBrowsers === 0 ? SLOTS[browser] : BESIDE_WARM.slots;
  const env = { HOLDFAST_SLOTS: String(slots), HOLDFAST_WARM_BROWSERS: String(warmBrowsers) };
  const upstream = warmBrowsers === 0 ? null : await startHttpProxy(KNOWN);
  const installation = await Installation.start({ browser, env });
  try {
    const { faults, ...seen } = await rageAndSettle(installation, options, upstream?.url ?? null);
    await installation.interrupt('SIGTERM');
    const leftAfterStop = (await installation.browserProcesses()).length;
    const recording = { ...seen, browsersLeft: seen.browsersLeft + leftAfterStop };
    return { recording, faults, violations: check(recording), ends: countEnds(seen.sessions) };
  } finally {
    await installation.stop();
    await upstream?.close();
  }
}

/* Answers the faults, and what was seen until all sessions had ended. */
async function rageAndSettle(
  installation: Installation,
  { seconds, seed, browser, warmBrowsers = 0 }: ChaosOptions,
  proxyUrl: string | null,
): Promise<Recording & { readonly faults: readonly Fault[] }> {
  const hasWarm = warmBrowsers > 0;
  const longTimeoutMs = hasWarm ? BESIDE_WARM.longTimeoutMs : LONG_TIMEOUT_MS;
  const proxy = proxyUrl === null ? null : { server: proxyUrl, ...KNOWN };
  const habits = { longTimeoutMs, visits: browser !== 'null', proxy };
  const clients = Array.from(
    { length: hasWarm ? BESIDE_WARM.clients : CLIENTS[browser] },
    (_, i) => new ChaosClient(installation, `${seed}-${i}`, new Random(seed * 1_000 + i), habits),
  );
  const over = new AbortController();
  setMaxListeners(0, over.signal);
  const running = Promise.all(clients.map(client => client.run(over.signal)));
  if (hasWarm) await untilWarm(installation);
  const faults = await rage(installation, new Random(seed), {
    forMs: seconds * 1_000,
    ...{ leastFaults: LEAST_FAULTS, minPauseMs: 300, maxPauseMs: 2_500 },
  });
  over.abort();
  await running;

  const patience = AbortSignal.timeout(SETTLE_TIMEOUT_MS);
  await Promise.all(clients.map(client => client.settleAll(patience)));
  await endAll(installation);
  const browsersLeft = await countBrowsersBeside(installation, warmBrowsers);
  const calls = clients.flatMap(client => client.calls);
  const visits = clients.flatMap(client => client.visits);
  const sessions = await readAll(
    installation,
    calls.flatMap(({ id }) => id ?? []),
  );
  const rows = await rowsAndFolds(
    installation,
    sessions.map(({ id }) => id),
  );
  return { faults, calls, visits, sessions, rows, browsersLeft };
}

/* The demand of the clients has a browser started ahead. */
async function untilWarm(installation: Installation): Promise<void> {
  await pollUntil('the first warm browser', { timeoutMs: SETTLE_TIMEOUT_MS, everyMs: 50 }, async () =>
    ((await warmBrowsersOf(installation)) ?? 0) > 0 ? true : undefined,
  );
}

/* Releases all sessions again and again until none is created or live any more. */
async function endAll(installation: Installation): Promise<void> {
  await pollUntil('every session to end', { timeoutMs: SETTLE_TIMEOUT_MS, everyMs: 250 }, async () => {
    const answer = await installation
      .call<{ matched?: number }>('POST', '/v1/sessions/release')
      .catch(() => null); // the API may still be on its way back
    return answer?.status === 200 && answer.body.matched === 0 ? true : undefined;
  });
}

/* How many browsers there are beside those that may be warm. Without any, no process of one may be left. */
async function countBrowsersBeside(installation: Installation, warmBrowsers: number): Promise<number> {
  const left = async (): Promise<number> => {
    if (warmBrowsers === 0) return (await installation.browserProcesses()).length;
    return Math.max(0, (await installation.browsers()).length - warmBrowsers);
  };
  await pollUntil('the last browser to be gone', { timeoutMs: GONE_WITHIN_MS, everyMs: 50 }, async () =>
    (await left()) === 0 ? true : undefined,
  ).catch(() => undefined); // the checker reports browsers that are left
  return left();
}

/*
 * Sessions that clients know and sessions that the service lists: a create without an answer may have made a session.
 */
async function readAll(installation: Installation, known: readonly string[]): Promise<FinalSession[]> {
  const ids = new Set(known);
  let cursor: string | null = '';
  while (cursor !== null) {
    const page: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const answer: Answer<SessionPage> = await installation.call('GET', `/v1/sessions?limit=100${page}`);
    for (const { id } of answer.body.sessions) ids.add(id);
    cursor = answer.body.nextCursor;
  }
  const sessions: FinalSession[] = [];
  for (const id of ids) sessions.push(await readOne(installation, id));
  return sessions;
}

async function readOne(installation: Installation, id: string): Promise<FinalSession> {
  const { status, body } = await installation.call('GET', `/v1/sessions/${id}`);
  if (status === 404) return { id, view: null, history: [] };
  if (status !== 200) throw new Error(`GET ${id} answered ${status}`);
  const history: readonly EventView[] = await installation.history(id);
  return { id, view: body, history };
}

function countEnds(sessions: readonly FinalSession[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { view } of sessions) {
    const reason = view?.endReason ?? 'unknown';
    counts[reason] = (counts[reason] ?? 0) + 1;
  }
  return counts;
}
