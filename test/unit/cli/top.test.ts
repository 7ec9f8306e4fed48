import { plain } from '../../../src/cli/colours';
import { widthOf } from '../../../src/cli/columns';
import { MetricsPage } from '../../../src/cli/top/metrics-text';
import { RateCounter } from '../../../src/cli/top/rates';
import type { Snapshot } from '../../../src/cli/top/snapshot';
import { renderTop } from '../../../src/cli/top/view';
import type { Session } from '../../../src/client/session';
import type { ServiceEvent } from '../../../src/client/event-stream';

const PAGE = `# HELP holdfast_timeout_lateness_seconds How late.
# TYPE holdfast_timeout_lateness_seconds histogram
holdfast_timeout_lateness_seconds_bucket{le="0.01",kind="session",layer="local"} 50
holdfast_timeout_lateness_seconds_bucket{le="0.1",kind="session",layer="local"} 80
holdfast_timeout_lateness_seconds_bucket{le="+Inf",kind="session",layer="local"} 80
holdfast_timeout_lateness_seconds_bucket{le="0.01",kind="idle",layer="sweep"} 10
holdfast_timeout_lateness_seconds_bucket{le="0.1",kind="idle",layer="sweep"} 20
holdfast_timeout_lateness_seconds_bucket{le="+Inf",kind="idle",layer="sweep"} 20
holdfast_sweep_repairs_total{sweep="requeue"} 2
holdfast_sweep_repairs_total{sweep="odd\\"\\\\name"} 1
holdfast_up 1
`;

describe('a metrics page', () => {
  const page = new MetricsPage(PAGE);

  it('is summed over labels, and says nothing of what it does not have', () => {
    expect(page.sum('holdfast_sweep_repairs_total')).toBe(3);
    expect(page.sum('holdfast_sweep_repairs_total', { sweep: 'requeue' })).toBe(2);
    expect(page.samples('holdfast_sweep_repairs_total')[1]?.labels).toEqual({ sweep: 'odd"\\name' });
    expect(page.sum('holdfast_up')).toBe(1);
    expect(page.sum('holdfast_missing')).toBeNull();
  });

  it('gives quantiles as Prometheus does', () => {
    // 60 of 100 are in the first bucket, so p50 is 50/60 of the way through it; p99 is 39/40 of the second.
    expect(page.quantile('holdfast_timeout_lateness_seconds', 0.5)).toBeCloseTo((0.01 * 50) / 60, 6);
    expect(page.quantile('holdfast_timeout_lateness_seconds', 0.99)).toBeCloseTo(0.01 + (0.09 * 39) / 40, 6);
    expect(page.quantile('holdfast_missing', 0.99)).toBeNull();
    const beyond = new MetricsPage('h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 9\n');
    expect(beyond.quantile('h', 0.99)).toBe(1);
  });
});

const transition = (from: 'created' | null, endReason: string | null): ServiceEvent => ({
  type: 'transition',
  id: '1-0',
  sessionId: 's',
  revision: 1,
  at: '2030-01-01T00:00:00.000Z',
  event: 'e',
  from,
  to: endReason === null ? 'created' : 'failed',
  endReason,
});

describe('rates', () => {
  it('count what began and ended within the last minute', () => {
    const rates = new RateCounter(0);
    rates.add(transition(null, null), 1_000);
    rates.add(transition('created', null), 1_500);
    rates.add({ type: 'closed', id: '2-0', sessionId: 's' }, 1_600);
    rates.add(transition('created', 'queue_timeout'), 30_000);
    expect(rates.at(30_000)).toEqual({ windowMs: 30_000, created: 1, ended: { queue_timeout: 1 } });
    expect(rates.at(61_500)).toEqual({ windowMs: 60_000, created: 0, ended: { queue_timeout: 1 } });
    expect(rates.at(90_001)).toEqual({ windowMs: 60_000, created: 0, ended: {} });
  });
});

describe('the frame', () => {
  const nowMs = Date.parse('2030-01-01T00:10:00Z');
  const snapshot: Snapshot = {
    capacity: { slots: 8, used: 3, free: 5, queued: 1, workers: 1, drainingWorkers: 0, isAvailable: true },
    workers: [
      {
        id: 'w'.repeat(36),
        hostname: 'vm',
        slots: 8,
        used: 3,
        draining: true,
        alive: true,
        leaseExpiresAt: '2030-01-01T00:10:08Z',
      },
    ],
    sessions: [
      {
        id: 's-1',
        liveAt: '2030-01-01T00:06:48Z',
        expiresAt: '2030-01-01T00:11:00Z',
        status: 'live',
        workerId: 'w'.repeat(36),
        name: null,
        labels: { team: 'a' },
      } as unknown as Session,
    ],
    counts: { live: 3 },
    timeoutLatenessP99Seconds: 0.012,
    startP95Seconds: null,
    sweepRepairs: 0,
    cdpConnections: 2,
    queues: { launch: 1 },
    endedToday: { session_timeout: 2, released_by_client: 5 },
  };
  const frame = { nowMs, paint: plain, columns: null, rows: null };

  it('shows the installation, its workers and its sessions, and a dash for what is not known', () => {
    const rates = { windowMs: 12_000, created: 4, ended: {} };
    const text = renderTop({ snapshot, rates, outage: null }, frame).join('\n');
    expect(text).toMatch(/slots +3\/8 used, 5 free {3}queued 1 {3}live 3 {3}clients 2/);
    expect(text).toMatch(/last 12s +created 4 {3}ended 0/);
    expect(text).toContain('ended 7: released_by_client 5, session_timeout 2');
    expect(text).toContain('late by 12ms (p99)   start – (p95)   sweeps repaired 0');
    expect(text).toMatch(/w{36} +vm +draining +3 +8 +8s/);
    expect(text).toMatch(/s-1 +3m12s +1m00s +wwwwwwww +– +team=a/);
  });

  it('is never longer than the terminal, nor are its plain lines wider', () => {
    const lines = renderTop({ snapshot, rates: null, outage: null }, { ...frame, columns: 40, rows: 7 });
    expect(lines).toHaveLength(7);
    for (const line of lines.slice(0, 5)) expect(widthOf(line)).toBeLessThanOrEqual(40);
  });

  it('says that the service is away, and goes on to show what it knew', () => {
    const outage = { message: 'http://x cannot be reached', sinceMs: nowMs - 65_000 };
    const lines = renderTop({ snapshot, rates: null, outage }, frame);
    expect(lines[0]).toBe('http://x cannot be reached (for 1m05s)');
    expect(lines.join('\n')).toContain('3/8 used');
    expect(renderTop({ snapshot: null, rates: null, outage }, frame)).toHaveLength(1);
  });
});
