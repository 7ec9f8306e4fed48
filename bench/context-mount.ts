import { Installation } from '../test/support/installation';
import { startLoginSite } from '../test/support/login-site';
import {
  createWith,
  LARGE_BYTES,
  releaseSession,
  SMALL_BYTES,
  storeContext,
  type Ending,
  type StoredContext,
} from './context-sessions';
import {
  differences,
  interleave,
  p50,
  ratioOfMedians,
  sampleCount,
  timed,
  type Benchmark,
  type Claim,
} from './harness';

/**
 * How much longer a caller waits for a session that starts with a context: `POST /v1/sessions` until the answer says
 * `live`. The baseline is the same call without one. A context that was saved from a running browser gets its local
 * storage and its cookies back before the first page opens, so these are measured as well.
 */
export const contextMount: Benchmark = {
  name: 'context-mount',
  title: 'create → live with a context, beside one without',
  run: async plan => {
    const site = await startLoginSite();
    const installation = await Installation.start({ browser: 'chromium' });
    try {
      const store = (name: string, bytes: number, ending: Ending): Promise<StoredContext> =>
        storeContext(installation, site, { name, bytes, ending });
      const small = await store('small', SMALL_BYTES, 'release');
      const smallLive = await store('small-live', SMALL_BYTES, 'sync+kill');
      const large = await store('large', LARGE_BYTES, 'release');
      const largeLive = await store('large-live', LARGE_BYTES, 'sync+kill');
      const samples = await interleave(sampleCount(plan, 30, 3), {
        none: () => createdWithout(installation),
        small: () => created(installation, small),
        smallLive: () => created(installation, smallLive),
        large: () => created(installation, large),
        largeLive: () => created(installation, largeLive),
      });
      const extra = {
        small: differences(samples.small, samples.none),
        smallLive: differences(samples.smallLive, samples.none),
        large: differences(samples.large, samples.none),
        largeLive: differences(samples.largeLive, samples.none),
      };
      return {
        series: [
          { name: 'create → live without a context', unit: 'ms', values: samples.none },
          { name: 'longer with 200 KB', unit: 'ms', values: extra.small },
          { name: 'longer with 200 KB, saved live', unit: 'ms', values: extra.smallLive },
          { name: 'longer with 20 MB', unit: 'ms', values: extra.large },
          { name: 'longer with 20 MB, saved live', unit: 'ms', values: extra.largeLive },
        ],
        claims: [
          claim('200 KB, longer by, p50', extra.small, 60),
          claim('200 KB, saved live, longer by, p50', extra.smallLive, 60),
          claim('20 MB, longer by, p50', extra.large, 400),
          claim('20 MB, saved live, longer by, p50', extra.largeLive, 400),
          ratio('200 KB × without', samples.small, samples.none),
          ratio('200 KB, saved live × without', samples.smallLive, samples.none),
          ratio('20 MB × without', samples.large, samples.none),
          ratio('20 MB, saved live × without', samples.largeLive, samples.none),
        ],
        notes: [
          `stored bytes: ${[small, smallLive, large, largeLive].map(({ name, bytes }) => `${name} ${bytes}`).join(', ')}`,
          'nothing of what fills them can be compressed',
        ],
      };
    } finally {
      await installation.stop();
      await site.close();
    }
  },
};

function claim(text: string, values: readonly number[], atMost: number): Claim {
  return { text, unit: 'ms', value: p50(values), pass: { atMost } };
}

function ratio(text: string, measured: readonly number[], baseline: readonly number[]): Claim {
  return { text, unit: '×', ...ratioOfMedians(measured, baseline) };
}

async function createdWithout(installation: Installation): Promise<number> {
  const { tookMs, result } = await timed(() => installation.create());
  await releaseSession(installation, result);
  return tookMs;
}

async function created(installation: Installation, { name, version }: StoredContext): Promise<number> {
  const { tookMs, result } = await timed(() => createWith(installation, name, { persist: false }));
  if (result.context?.version !== version) throw new Error(`${name} was not mounted`);
  await releaseSession(installation, result);
  return tookMs;
}
