import { plain } from '../../../src/cli/colours';
import { widthOf } from '../../../src/cli/columns';
import { MetricsPage } from '../../../src/cli/top/metrics-text';
import { RateCounter } from '../../../src/cli/top/rates';
import type { Snapshot } from '../../../src/cli/top/snapshot';
import { timingsOf } from '../../../src/cli/top/timings';
import { renderTop } from '../../../src/cli/top/view';
import type { Session } from '../../../src/client/session';
import type { ServiceEvent } from '../../../src/client/event-stream';

const PAGE = `# HELP holdfast_timeout_lateness_seconds How late.
# TYPE holdfast_timeout_lateness_seconds histogram
holdfast_timeout_lateness_seconds_bucket{le="0.01",kind="session",layer="job"} 50
holdfast_timeout_lateness_seconds_bucket{le="0.1",kind="session",layer="job"} 80
holdfast_timeout_lateness_seconds_bucket{le="+Inf",kind="session",layer="job"} 80
holdfast_timeout_lateness_seconds_bucket{le="0.01",kind="idle",layer="sweep"} 10
holdfast_timeout_lateness_seconds_bucket{le="0.1",kind="idle",layer="sweep"} 20
holdfast_timeout_lateness_seconds_bucket{le="+Inf",kind="idle",layer="sweep"} 20
holdfast_sweep_repairs_total{sweep="requeue"} 2
holdfast_sweep_repairs_total{sweep="odd\\"\\\\name"} 1
holdfast_up 1
`;

describe('a metrics page', () => {
  const page = new MetricsPage(PAGE);

  it('is summed over labels, and gives no number for a metric that it does not have', () => {
    expect(page.sum('holdfast_sweep_repairs_total')).toBe(3);
    expect(page.sum('holdfast_sweep_repairs_total', { sweep: 'requeue' })).toBe(2);
    expect(page.samples('holdfast_sweep_repairs_total')[1]?.labels).toEqual({ sweep: 'odd"\\name' });
    expect(page.sum('holdfast_up')).toBe(1);
    expect(page.sum('holdfast_missing')).toBeNull();
  });
});

describe('timings', () => {
  const at = (ms: number): string => new Date(Date.parse('2030-01-01T00:00:00Z') + ms).toISOString();
  const session = (fields: Partial<Session>): Session => fields as unknown as Session;

  it('are computed from the sessions, whichever process has committed them', () => {
    const started = Array.from({ length: 20 }, (_, i) => session({ createdAt: at(0), liveAt: at(i * 100) }));
    const neverLive = session({ createdAt: at(0), liveAt: null });
    const late = session({ endReason: 'session_timeout', expiresAt: at(0), endedAt: at(40) });
    const idle = session({ endReason: 'idle_timeout', expiresAt: at(90_000), endedAt: at(7) });
    expect(timingsOf([neverLive, ...started], [late, idle])).toEqual({
      startP95Seconds: 1.8,
      timeoutLatenessP99Seconds: 0.04,
    });
  });

  it('are unknown without sessions to compute them from', () => {
    expect(timingsOf([], [])).toEqual({ startP95Seconds: null, timeoutLatenessP99Seconds: null });
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
    rates.add({ type: 'closed', contextSave: null, traffic: null, id: '2-0', sessionId: 's' }, 1_600);
    rates.add(transition('created', 'queue_timeout'), 30_000);
    expect(rates.at(30_000)).toEqual({ windowMs: 30_000, created: 1, ended: { queue_timeout: 1 } });
    expect(rates.at(61_500)).toEqual({ windowMs: 60_000, created: 0, ended: { queue_timeout: 1 } });
    expect(rates.at(90_001)).toEqual({ windowMs: 60_000, created: 0, ended: {} });
  });
});

describe('the frame', () => {
  const nowMs = Date.parse('2030-01-01T00:10:00Z');
  const snapshot: Snapshot = {
    capacity: {
      ...{ slots: 8, used: 3, free: 5, warm: 2, asleep: 1, queued: 1 },
      ...{ workers: 1, drainingWorkers: 0, isAvailable: true },
    },
    workers: [
      {
        id: 'w'.repeat(36),
        hostname: 'vm',
        slots: 8,
        used: 3,
        warm: 2,
        asleep: 1,
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
    eventStreams: 1,
    overdue: 0,
    leftBehind: 4,
    quarantined: 2,
    redisMemoryUsedBytes: 3 * 1_048_576,
    redisMemoryMaxBytes: 300 * 1_048_576,
    queues: {
      launch: { waiting: 5, active: 1, delayed: 0, oldestWaitingSeconds: 12.4 },
      timers: { waiting: 0, active: 0, delayed: 9, oldestWaitingSeconds: 0 },
    },
    endedToday: { session_timeout: 2, released_by_client: 5 },
  };
  const frame = { nowMs, paint: plain, columns: null, rows: null };

  it('shows the installation, its workers and its sessions, and a dash for what is not known', () => {
    const rates = { windowMs: 12_000, created: 4, ended: {} };
    const text = renderTop({ snapshot, rates, outage: null }, frame).join('\n');
    expect(text).toMatch(
      /slots +3\/8 used, 1 asleep, 5 free, 2 warm {3}queued 1 {3}live 3 {3}clients 2 {3}streams 1/,
    );
    expect(text).toMatch(/last 12s +created 4 {3}ended 0/);
    expect(text).toContain('ended 7: released_by_client 5, session_timeout 2');
    expect(text).toContain('start – (p95)   late by 12ms (p99)   overdue 0');
    expect(text).toContain('sweeps repaired 0   left behind 4   Redis 3 MiB (1 %)');
    expect(text).toContain('launch 5 (12s)   timers 0   quarantined 2');
    expect(text).toMatch(/w{36} +vm +draining +3 +2 +1 +8 +8s/);
    expect(text).toMatch(/s-1 +3m12s +1m00s +wwwwwwww +– +team=a/);
  });

  it('is never longer than the terminal, nor are its plain lines wider', () => {
    const lines = renderTop({ snapshot, rates: null, outage: null }, { ...frame, columns: 40, rows: 7 });
    expect(lines).toHaveLength(7);
    for (const line of lines.slice(0, 5)) expect(widthOf(line)).toBeLessThanOrEqual(40);
  });

  it('says that the service is away, and still shows the last numbers', () => {
    const outage = { message: 'http://x cannot be reached', sinceMs: nowMs - 65_000 };
    const lines = renderTop({ snapshot, rates: null, outage }, frame);
    expect(lines[0]).toBe('http://x cannot be reached (for 1m05s)');
    expect(lines.join('\n')).toContain('3/8 used');
    expect(renderTop({ snapshot: null, rates: null, outage }, frame)).toHaveLength(1);
  });

  it('is not controlled by the message of an error', () => {
    const outage = { message: 'a\u001b[2Jb\nc', sinceMs: nowMs - 65_000 };
    expect(renderTop({ snapshot: null, rates: null, outage }, frame)).toEqual(['a [2Jb c (for 1m05s)']);
  });
});
