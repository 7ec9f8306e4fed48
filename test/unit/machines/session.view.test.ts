import { projectSession, statusOf } from '../../../machines/session/session.view';
import { isEnded } from '../../../machines/session/session.words';
import { INPUT, LIMITS, SAMPLES, T0 } from '../../support/session-samples';

describe('the view of a session', () => {
  it.each([
    [SAMPLES.queued, 'created'],
    [SAMPLES.launching, 'created'],
    [SAMPLES.live, 'live'],
    [SAMPLES.released, 'released'],
    [SAMPLES.failed, 'failed'],
    [SAMPLES.timed_out, 'timed_out'],
  ] as const)('has one public word: $value → %s', (snapshot, status) => {
    expect(statusOf(snapshot)).toBe(status);
    expect(projectSession(snapshot).status).toBe(status);
  });

  it('knows which statuses are final', () => {
    expect((['created', 'live', 'released', 'failed', 'timed_out'] as const).filter(isEnded)).toEqual([
      'released',
      'failed',
      'timed_out',
    ]);
  });

  it('has no expiry before the session is live', () => {
    expect(projectSession(SAMPLES.launching).expiresAtMs).toBeNull();
  });

  it('keeps the expiry after the end', () => {
    const expiresAtMs = T0 + 300 + LIMITS.timeoutMs;
    expect(projectSession(SAMPLES.live).expiresAtMs).toBe(expiresAtMs);
    expect(projectSession(SAMPLES.released).expiresAtMs).toBe(expiresAtMs);
  });

  it('names the worker of the browser, also after the end, and none before the claim', () => {
    expect(projectSession(SAMPLES.queued).workerId).toBeNull();
    expect(projectSession(SAMPLES.live).workerId).toBe('w-1');
    expect(projectSession(SAMPLES.failed).workerId).toBe('w-1');
  });

  it('says why a session failed', () => {
    expect(projectSession(SAMPLES.failed)).toMatchObject({
      endReason: 'browser_crashed',
      error: { code: 'browser_crashed', message: 'exit status 133' },
      endedAtMs: T0 + 5_000,
    });
  });

  it('shows what the creator set', () => {
    const { tenant, id, name, labels } = INPUT;
    expect(projectSession(SAMPLES.queued)).toMatchObject({ tenant, id, name, labels, createdAtMs: T0 });
  });
});
