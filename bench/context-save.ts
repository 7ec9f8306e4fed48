import { randomUUID } from 'node:crypto';
import { withPuppeteer } from '../test/support/clients';
import { Installation, type SessionView } from '../test/support/installation';
import { login, startLoginSite, type LoginSite } from '../test/support/login-site';
import { BareSave } from './bare-save';
import {
  createWith,
  LARGE_BYTES,
  releaseSession,
  savedVersion,
  SMALL_BYTES,
  storeContext,
} from './context-sessions';
import { differences, interleave, p50, sampleCount, timed, type Benchmark } from './harness';

/**
 * How much longer a release is answered that saves a context. The baselines are a release of a session that has done
 * the same without a context, and the save alone: the same profile packed, encrypted and stored by a process that does
 * nothing else.
 */
export const contextSave: Benchmark = {
  name: 'context-save',
  title: 'release that saves a context, beside one that does not',
  run: async plan => {
    const site = await startLoginSite();
    const installation = await Installation.start({ browser: 'chromium' });
    try {
      const small = await bareSaveOf(installation, site, 'small', SMALL_BYTES);
      const large = await bareSaveOf(installation, site, 'large', LARGE_BYTES);
      const samples = await interleave(sampleCount(plan, 20, 3), {
        none: async () => (await releaseUsed(await installation.create(), installation, site)).tookMs,
        small: () => releaseSaving(installation, site, 'small'),
        smallAlone: () => small.measure(),
        large: () => releaseSaving(installation, site, 'large'),
        largeAlone: () => large.measure(),
      });
      await Promise.all([small.remove(), large.remove()]);
      const smallOver = differences(differences(samples.small, samples.none), samples.smallAlone);
      const largeOver = differences(differences(samples.large, samples.none), samples.largeAlone);
      const pass = { atMost: 100 };
      return {
        series: [
          { name: 'release without a context', unit: 'ms', values: samples.none },
          { name: 'release that saves 200 KB', unit: 'ms', values: samples.small },
          { name: 'the save of 200 KB alone', unit: 'ms', values: samples.smallAlone },
          { name: '200 KB: longer than both together', unit: 'ms', values: smallOver },
          { name: 'release that saves 20 MB', unit: 'ms', values: samples.large },
          { name: 'the save of 20 MB alone', unit: 'ms', values: samples.largeAlone },
          { name: '20 MB: longer than both together', unit: 'ms', values: largeOver },
        ],
        claims: [
          { text: '200 KB: longer than both together, p50', unit: 'ms', value: p50(smallOver), pass },
          { text: '20 MB: longer than both together, p50', unit: 'ms', value: p50(largeOver), pass },
        ],
        notes: ['a release is answered when nothing of the browser is left, and its context is saved'],
      };
    } finally {
      await installation.stop();
      await site.close();
    }
  },
};

/* Makes a context, and takes the profile of a session with it. */
async function bareSaveOf(
  installation: Installation,
  site: LoginSite,
  name: string,
  bytes: number,
): Promise<BareSave> {
  await storeContext(installation, site, { name, bytes, ending: 'release' });
  const session = await createWith(installation, name, { persist: false });
  const save = await BareSave.of(installation);
  await releaseSession(installation, session);
  return save;
}

async function releaseSaving(installation: Installation, site: LoginSite, name: string): Promise<number> {
  const session = await createWith(installation, name, { persist: true });
  const { tookMs, result } = await releaseUsed(session, installation, site);
  savedVersion(result);
  return tookMs;
}

/* Every session logs in before it is released: a browser that has done something takes longer to close. */
async function releaseUsed(
  session: SessionView,
  installation: Installation,
  site: LoginSite,
): Promise<{ readonly tookMs: number; readonly result: SessionView }> {
  await withPuppeteer(session, page => login(page, site, randomUUID()));
  return timed(() => releaseSession(installation, session));
}
