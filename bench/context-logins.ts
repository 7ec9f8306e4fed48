import { isDeepStrictEqual } from 'node:util';
import { pause } from '../src/core/abort';
import { messageOf } from '../src/core/errors';
import { withPuppeteer } from '../test/support/clients';
import { Installation } from '../test/support/installation';
import { login, loginOf, rememberedLogin, startLoginSite, type LoginSite } from '../test/support/login-site';
import { createWith, releaseSession, saveAndEnd, type Ending } from './context-sessions';
import { roundCount, timed, type Benchmark } from './harness';
import { untilNoBrowser } from './session-browser';

/** So long after the last write of a login the save is asked for. Chromium writes cookies after 30 s. */
const SYNC_AFTER_MS = 100;

/** What goes wrong is shown for so many rounds. */
const SHOWN_FAILURES = 20;

/** A login that is made in one session, and looked for in the next one. */
interface Round {
  readonly ending: Ending;
  /** A new context, or one that all logins of its kind went into before. */
  readonly context: string;
  readonly value: string;
}

/**
 * Whether a login comes back, in each way that a site can keep one: session cookie, persistent cookie, partitioned
 * cookie, local storage, IndexedDB, service worker with its cache. In every second round the session is released; in
 * the others the save is asked for 100 ms after the last write, and the browser killed as soon as it is answered.
 */
export const contextLogins: Benchmark = {
  name: 'context-logins',
  title: 'logins that come back in the next session',
  run: async plan => {
    const site = await startLoginSite();
    const installation = await Installation.start({ browser: 'chromium' });
    const rounds = roundsOf(roundCount(plan, 200, 8));
    const saved: Record<Ending, number[]> = { release: [], 'sync+kill': [] };
    const failures: string[] = [];
    try {
      for (const [number, round] of rounds.entries()) {
        const { lost, savedAfterMs } = await carryOut(round, installation, site).catch((error: unknown) => ({
          lost: messageOf(error),
          savedAfterMs: null,
        }));
        if (savedAfterMs !== null) saved[round.ending].push(savedAfterMs);
        if (lost !== null) failures.push(`round ${number + 1}, ${round.ending}, ${round.context}: ${lost}`);
        await installation.call('POST', '/v1/sessions/release');
        await untilNoBrowser(installation);
      }
      return {
        series: [
          { name: 'release → context saved, answered', unit: 'ms', values: saved.release },
          { name: 'sync → context saved, answered, browser gone', unit: 'ms', values: saved['sync+kill'] },
        ],
        claims: [
          { text: 'rounds', unit: '', value: rounds.length },
          {
            text: 'logins that did not come back whole',
            unit: '',
            value: failures.length,
            pass: { atMost: 0 },
          },
        ],
        notes: [
          'half of the rounds by release, half by sync and SIGKILL; of each, half in new contexts',
          ...failures.slice(0, SHOWN_FAILURES),
        ],
      };
    } finally {
      await installation.stop();
      await site.close();
    }
  },
};

function roundsOf(count: number): Round[] {
  return Array.from({ length: count }, (_, number) => {
    const ending = number % 2 === 0 ? 'release' : 'sync+kill';
    const kind = ending === 'release' ? 'released' : 'synced';
    const isNew = number % 4 < 2;
    return { ending, context: isNew ? `${kind}-${number}` : `${kind}-used`, value: `login-${number}` };
  });
}

/* What of the login was lost; null: nothing. */
async function carryOut(
  { ending, context, value }: Round,
  installation: Installation,
  site: LoginSite,
): Promise<{ lost: string | null; savedAfterMs: number }> {
  const first = await createWith(installation, context, { persist: true });
  await withPuppeteer(first, page => login(page, site, value));
  if (ending === 'sync+kill') await pause(SYNC_AFTER_MS);
  const { tookMs, result: version } = await timed(() => saveAndEnd(installation, first, ending));
  const second = await createWith(installation, context, { persist: false });
  if (second.context?.version !== version)
    return { lost: `version ${version} was not mounted`, savedAfterMs: tookMs };
  const found = await withPuppeteer(second, page => rememberedLogin(page, site));
  await releaseSession(installation, second);
  const lost = isDeepStrictEqual(found, loginOf(value)) ? null : `found ${JSON.stringify(found)}`;
  return { lost, savedAfterMs: tookMs };
}
