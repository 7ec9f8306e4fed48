import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Installation, type SessionView } from '../support/installation';

const folder = resolve(__dirname, '../../examples');

/** What each example prints. */
const OUTPUT: Readonly<Record<string, readonly string[]>> = {
  '01-first-session.mjs': [
    'the session is live',
    'the page is called Hello',
    'open pages: Hello',
    'the session is released: released_by_client',
  ],
  '02-playwright.mjs': ['the button says: pressed'],
  '03-parallel-release-all.mjs': [
    'done: part a, part b, part c',
    'live: 3',
    'All sessions released successfully: 3',
  ],
  '04-extend.mjs': [
    'it may live 60 s longer',
    'precondition_failed',
    'session_ended: released, released_by_client',
  ],
  '05-recover-by-id.mjs': [
    'first process: left a page open',
    'second process: found the page "half done" of task recover',
    'first process: session_ended: released, released_by_client',
  ],
  '06-watch-history.mjs': [
    '1. nothing → created: requested',
    '2. created → created: slot_free',
    '3. created → live: browser_ready',
    '4. live → timed_out: session',
    'in the end it is timed_out: session_timeout',
  ],
  '07-idempotent-retry.mjs': ['the same session: true', 'idempotency_key_reused'],
  '08-browser-options.mjs': ['Willkommen zurück', '390 × 844 at 3', 'de-DE', '1'],
  '20-job-producer.mjs': [
    'the session is live, for 60 s',
    'whoever has its websocketUrl has the browser: true',
    'asked again, the same session: true',
    'now it may live 120 s',
    'the session is released: released_by_client',
    'invalid_request',
    'cancelled: removed',
  ],
  '21-pipeline.mjs': [
    'sessions handed on: 2',
    'title: part one; proof: image/png',
    'the session is released',
    'title: part two; proof: image/png',
    'the session is released',
    'step_failed: step 1 (click)',
  ],
};

describe('the examples', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await Installation.start({ browser: 'chromium' });
  });
  afterAll(() => installation.stop());

  it('are all here', () => {
    expect(readdirSync(folder).filter(name => name.endsWith('.mjs'))).toEqual(Object.keys(OUTPUT));
  });

  it.each(Object.entries(OUTPUT))('%s prints what it should and leaves no session', async (name, lines) => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, name)], {
      env: {
        ...process.env,
        HOLDFAST_URL: installation.url,
        HOLDFAST_REDIS_URL: `unix://${installation.redisSocketPath}`,
      },
      timeout: 30_000,
    });
    expect(stdout.trimEnd().split('\n')).toEqual(lines);
    const { body } = await installation.call<{ sessions: SessionView[] }>('GET', '/v1/sessions?status=live');
    expect(body.sessions).toEqual([]);
  });
});
