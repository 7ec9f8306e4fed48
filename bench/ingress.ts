import { SessionProducer } from '../src/producer/producer';
import { Installation } from '../test/support/installation';
import { interleave, p50, sampleCount, timed, type Benchmark } from './harness';

/** How much longer a session may take when it is requested with a job. */
const MARK_MS = 5;

/**
 * How long it takes until a session is live and its caller knows: a job and its result, through the producer library,
 * compared with `POST /v1/sessions` until its answer. One at a time, with the null browser, so that only the path to
 * the service differs.
 */
export const ingress: Benchmark = {
  name: 'ingress',
  title: 'create → live with a job of another service, beside REST, null browser',
  run: async plan => {
    const installation = await Installation.start({ env: { HOLDFAST_SLOTS: '8' } });
    const producer = new SessionProducer({ redisUrl: installation.redisUrl });
    const releaseAll = async (): Promise<void> => {
      await installation.call('POST', '/v1/sessions/release');
    };
    try {
      const samples = await interleave(sampleCount(plan, 200, 10), {
        job: async () => {
          const { tookMs } = await timed(async () => (await producer.create()).result());
          await releaseAll();
          return tookMs;
        },
        rest: async () => {
          const { tookMs } = await timed(() => installation.create());
          await releaseAll();
          return tookMs;
        },
      });
      return {
        series: [
          { name: 'job → result', unit: 'ms', values: samples.job },
          { name: 'POST /v1/sessions', unit: 'ms', values: samples.rest },
        ],
        claims: [
          {
            text: 'job − REST, medians',
            unit: 'ms',
            value: p50(samples.job) - p50(samples.rest),
            pass: { atMost: MARK_MS },
          },
        ],
        notes: ['a warm producer: one connection for jobs, one for their events'],
      };
    } finally {
      await producer.close();
      await installation.stop();
    }
  },
};
