import { refOf } from '../../../src/core/ids';
import { sessionAnswer } from '../../../src/http/openapi/answers';
import { SessionViews } from '../../../src/contract/session-view';
import { EVENTS, INPUT, SAMPLES, T0, type SampleName } from '../../support/session-samples';

const views = new SessionViews('https://hf.example.com/base', 'secret');
const ref = refOf(INPUT.tenant, INPUT.id);

function viewOf(sample: SampleName, nowMs: number, queuePosition: number | null = null) {
  const record = {
    ref,
    revision: 7,
    snapshot: SAMPLES[sample],
    fingerprint: '',
    lastActivityMs: null,
    attachedAtMs: null,
    presentAtMs: null,
    tokenGeneration: 0,
    finalSave: null,
    traffic: null,
  };
  return views.of({ record, nowMs, queuePosition });
}

const LIVE_AT = EVENTS.BROWSER_READY.nowMs;

describe('the view of a session', () => {
  it('shows a waiting session with its place in the queue, and without fields of later states', () => {
    expect(viewOf('queued', T0 + 50, 3)).toEqual({
      id: INPUT.id,
      status: 'created',
      endReason: null,
      name: 'sample',
      labels: { team: 'search' },
      createdAt: '2023-11-14T22:13:20.000Z',
      liveAt: null,
      endedAt: null,
      expiresAt: null,
      timeout: 300_000,
      idleTimeout: 60_000,
      sleepAfter: 60_000,
      duration: 0,
      websocketUrl: null,
      viewerUrl: expect.stringMatching(
        /^https:\/\/hf\.example\.com\/base\/v1\/sessions\/[^/]+\/view\?token=\w+\.[\w-]{43}$/,
      ),
      browser: 'chromium',
      headless: true,
      dimensions: { width: 390, height: 844 },
      deviceScaleFactor: 3,
      userAgent: 'Sample/1.0',
      locale: 'de-DE',
      timezone: 'Europe/Berlin',
      egress: { allow: ['*.example.com:443'], deny: ['10.0.0.0/8'] },
      proxy: { server: 'http://proxy.example:3128' },
      context: {
        id: INPUT.contextUse?.contextId,
        persist: true,
        onConflict: 'keep',
        saveEvery: 60_000,
        version: null,
        lastSave: null,
      },
      traffic: null,
      workerId: null,
      queuePosition: 3,
      revision: 7,
      error: null,
    });
  });

  it('shows a live session with its URL and its expiry', () => {
    const view = viewOf('live', LIVE_AT + 1_234);
    expect(view).toMatchObject({
      status: 'live',
      duration: 1_234,
      workerId: 'w-1',
      expiresAt: new Date(LIVE_AT + 300_000).toISOString(),
    });
    expect(view.websocketUrl).toMatch(
      new RegExp(`^wss://hf\\.example\\.com/base/v1/sessions/${INPUT.id}/cdp\\?token=default\\.[\\w-]{43}$`),
    );
  });

  it('shows an ended session with its live time and its end reason', () => {
    const view = viewOf('failed', LIVE_AT + 1_000_000);
    expect(view).toMatchObject({
      status: 'failed',
      endReason: 'browser_crashed',
      duration: EVENTS.BROWSER_GONE.nowMs - LIVE_AT,
      websocketUrl: null,
      error: { code: 'browser_crashed', message: 'exit status 133' },
    });
  });

  it.each(Object.keys(SAMPLES).filter((name): name is SampleName => name in SAMPLES))(
    'of a %s session is as documented for its status',
    name => {
      const view = viewOf(name, T0 + 400_000);
      expect(sessionAnswer.parse(view)).toEqual(view);
      expect(view.websocketUrl === null).toBe(view.status !== 'live');
    },
  );

  it('shows no negative duration when another clock is behind', () => {
    expect(viewOf('live', LIVE_AT - 5).duration).toBe(0);
  });
});
