import { firstStep } from '../machines/step';
import { NO_QUOTAS } from '../src/config/quotas';
import { refOf } from '../src/core/ids';
import { EngineFixture } from '../test/support/engine-fixture';
import { Installation } from '../test/support/installation';
import { INPUT } from '../test/support/session-samples';
import { interleave, percentile, ratioOfMedians, sampleCount, timed, type Benchmark } from './harness';

/** How many sessions are made at a time. */
const PARALLEL = 50;

/** Out of a hundred sessions one carries both labels. */
const SELECTOR = 'app=app-3,team=team-7';
const PAGE_SIZE = 50;

/**
 * A page of 50 through HTTP, out of many retained sessions, by two labels. The baselines are a page without filters,
 * and `/livez`, which asks no other process.
 */
export const listPage: Benchmark = {
  name: 'list-page',
  title: 'a page of 50 by two labels, through HTTP',
  run: async plan => {
    const sessions = plan.quick ? 10_000 : 100_000;
    const fixture = await EngineFixture.open();
    let api: Installation | null = null;
    try {
      await fill(fixture, sessions);
      api = await Installation.start({ mode: 'api', env: { REDIS_URL: fixture.server.url } });
      const page = pageLane(api, `/v1/sessions?labelSelector=${encodeURIComponent(SELECTOR)}`, PAGE_SIZE);
      const samples = await interleave(sampleCount(plan, 500, 50), {
        filtered: page,
        plain: pageLane(api, '/v1/sessions', PAGE_SIZE),
        bare: pageLane(api, '/livez', null),
      });
      const { filtered, plain, bare } = samples;
      return {
        series: [
          { name: 'page by two labels', unit: 'ms', values: filtered },
          { name: 'page without filter', unit: 'ms', values: plain },
          { name: '/livez', unit: 'ms', values: bare },
        ],
        claims: [
          {
            text: 'page by two labels, p99',
            unit: 'ms',
            value: percentile(filtered, 0.99),
            pass: { atMost: 10 },
          },
          { text: 'by two labels × without filter', unit: '×', ...ratioOfMedians(filtered, plain) },
        ],
        notes: [`${sessions} retained sessions; one of a hundred carries both labels`],
      };
    } finally {
      await api?.stop();
      await fixture.deps.lifecycle.close();
      await fixture.server.stop();
    }
  },
};

function pageLane(api: Installation, path: string, expected: number | null): () => Promise<number> {
  return async () => {
    const { tookMs, result } = await timed(() =>
      api.call<{ readonly sessions?: readonly unknown[] }>('GET', path),
    );
    if (result.status !== 200) throw new Error(`${path} answered ${result.status}`);
    if (expected !== null && result.body.sessions?.length !== expected)
      throw new Error('the page is not full');
    return tookMs;
  };
}

/* Accepts sessions and ends them at once, so that no work for them is left. */
async function fill({ deps }: EngineFixture, count: number): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) {
      const id = `s-${i}`;
      const ref = refOf('default', id);
      const labels = { app: `app-${i % 10}`, team: `team-${Math.floor(i / 10) % 10}` };
      const nowMs = await deps.maintenance.nowMs();
      const input = { ...INPUT, tenant: 'default', id, labels, nowMs };
      const first = firstStep(input);
      await deps.sessions.create({
        ...{ input, first },
        fingerprint: '',
        opId: id,
        actor: 'bench',
        idempotency: null,
        quotas: NO_QUOTAS,
      });
      const outcome = await deps.stepper.apply({
        ref,
        cause: 'bench',
        actor: 'bench',
        event: (_record, nowMs) => ({ type: 'RELEASE', reason: 'released_by_client', nowMs }),
      });
      if (outcome.kind !== 'committed') throw new Error(`release was ${outcome.kind}`);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, lane));
}
