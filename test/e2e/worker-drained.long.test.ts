import { Installation } from '../support/installation';
import { pollUntil } from '../support/poll-until';

interface Worker {
  readonly id: string;
  readonly used: number;
  readonly draining: boolean;
  readonly leaseExpiresAt: string;
}

describe('a worker', () => {
  let installation: Installation;

  beforeAll(async () => {
    installation = await Installation.start();
  });
  afterAll(() => installation.stop());

  const worker = async (): Promise<Worker> => {
    const { body } = await installation.call<{ workers: Worker[] }>('GET', '/v1/workers');
    const [only] = body.workers;
    if (only === undefined) throw new Error('no worker is listed');
    return only;
  };
  const accept = async (): Promise<string> =>
    (await installation.call('POST', '/v1/sessions', {}, { prefer: 'respond-async' })).body.id;
  const order = (id: string, what: 'drain' | 'undrain') =>
    installation.call<Worker>('POST', `/v1/workers/${id}/${what}`);

  const twoRenewals = async (): Promise<void> => {
    const { leaseExpiresAt: before } = await worker();
    await pollUntil('two more renewals', { timeoutMs: 10_000, everyMs: 100 }, async () => {
      const { leaseExpiresAt } = await worker();
      return Date.parse(leaseExpiresAt) - Date.parse(before) > 3_500 ? true : undefined;
    });
  };

  it('is counted with all its slots from the moment the installation is ready', async () => {
    expect((await installation.call('GET', '/v1/capacity')).body).toMatchObject({
      slots: 8,
      free: 8,
      isAvailable: true,
    });
  });

  it('that is drained keeps live sessions but launches nothing, also after a restart, until undrained', async () => {
    const { id } = await worker();
    const live = await installation.create();
    expect((await order(id, 'drain')).body).toMatchObject({ id, draining: true });
    const waiting = await accept();
    expect((await installation.call('GET', '/v1/capacity')).body).toMatchObject({
      free: 0,
      drainingWorkers: 1,
      isAvailable: false,
    });

    // A worker that is killed while it hands a launch job back keeps it until its lock ends: killed when it has.
    await twoRenewals();
    const killed = await installation.signal('worker', 'SIGKILL');
    await installation.replaced('worker', killed);
    const adopted = await installation.until(live.id, ({ revision }) => revision > live.revision);
    expect(adopted).toMatchObject({ status: 'live', workerId: id });
    // It has adopted the session, so it could have taken launches for some time; its renewals go on.
    await twoRenewals();
    expect(await installation.read(waiting)).toMatchObject({ status: 'created', workerId: null });
    expect(await worker()).toMatchObject({ id, draining: true });

    expect((await order(id, 'undrain')).body).toMatchObject({ draining: false });
    await installation.until(waiting, ({ status }) => status === 'live', 5_000);
    await installation.create();
    expect((await installation.call('POST', '/v1/sessions/release')).body).toMatchObject({ released: 3 });
  });
});
