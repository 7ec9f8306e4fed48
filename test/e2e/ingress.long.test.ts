import { OrderBench } from '../order/order-run';
import type { TestProducer } from '../support/ingress';
import type { Installation } from '../support/installation';

const JOBS = 200;

describe('session jobs of other services', () => {
  let bench: OrderBench;
  let installation: Installation;
  let producer: TestProducer;
  beforeAll(async () => {
    bench = await OrderBench.start(JOBS);
    ({ installation, producer } = bench);
  });
  afterAll(() => bench.stop());

  /* A short form of `npm run test:order`. */
  it('keep their order, and none is lost, while processes, Redis and connections die', async () => {
    const { asked, made, failures } = await bench.run({
      name: 'fifo',
      jobs: JOBS,
      faults: ['api', 'redis', 'connections', 'worker', 'api'],
      seed: 4,
    });
    expect(made).toEqual(asked);
    expect(failures).toEqual([]);
  }, 150_000);

  it('are taken up again when the API dies, without a second session', async () => {
    const before = await producer.count();
    // The session waits until the keeper kills the frozen worker and another one is started.
    const worker = await installation.signal('worker', 'SIGSTOP');
    const job = await producer.add('session.create', { queueTimeout: 60_000, sessionId: 'survivor' });
    await installation.until('survivor', ({ status }) => status === 'created');
    const api = await installation.signal('api', 'SIGKILL');
    await installation.replaced('api', api);
    await installation.replaced('worker', worker);
    const view = await producer.result(job, 30_000);
    expect(view).toMatchObject({ id: 'survivor', status: 'live' });
    expect(await producer.count()).toBe(before + 1);
    await installation.call('POST', '/v1/sessions/survivor/release');
  }, 60_000);

  it('are put back, not failed, when the API shuts down', async () => {
    const worker = await installation.signal('worker', 'SIGSTOP');
    const job = await producer.add('session.create', { sessionId: 'handed-back' });
    await installation.until('handed-back', ({ status }) => status === 'created');
    const api = await installation.signal('api', 'SIGTERM');
    await installation.replaced('api', api);
    await installation.replaced('worker', worker);
    expect(await producer.result(job, 20_000)).toMatchObject({ id: 'handed-back', status: 'live' });
    await installation.call('POST', '/v1/sessions/handed-back/release');
  }, 60_000);
});
