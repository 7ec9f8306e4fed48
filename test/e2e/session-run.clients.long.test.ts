import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { TestProducer } from '../support/ingress';
import { Installation, type SessionView } from '../support/installation';
import { RawCdp } from '../support/raw-cdp';
import { pollUntil, within } from '../support/poll-until';

const ROOT = join(__dirname, '../..');

/** Connects to the first page of a session as an API process does for a job with steps, and stays connected. */
const HOLDER = `
  const { openStepPage } = require('./src/browser/run-steps');
  const { hostname: host, port, pathname, search } = new URL(process.argv[1]);
  const route = { host, port: Number(port), path: pathname + search, direct: false };
  openStepPage(route, new AbortController().signal).then(() => console.log('connected'));`;

interface Target {
  readonly type: string;
  readonly targetId: string;
  readonly attached: boolean;
  readonly url: string;
}

describe('steps in a session that other clients use', () => {
  let installation: Installation;
  let producer: TestProducer;
  let session: SessionView;
  let client: RawCdp;
  beforeAll(async () => {
    installation = await Installation.start({ browser: 'chromium' });
    producer = await TestProducer.open({
      socketPath: installation.redisSocketPath,
      password: installation.redisPassword,
    });
  });
  beforeEach(async () => {
    session = await installation.create({ connectTimeout: 60_000 });
    client = await RawCdp.connect(session.websocketUrl ?? '');
  });
  afterEach(async () => {
    client.socket.terminate();
    await installation.call('POST', `/v1/sessions/${session.id}/release`);
  });
  afterAll(async () => {
    await producer.close();
    await installation.stop();
  });

  const pages = async (): Promise<Target[]> => {
    const { targetInfos } = await client.call<{ targetInfos: Target[] }>('Target.getTargets');
    return targetInfos.filter(({ type }) => type === 'page');
  };
  const openPage = async (url: string): Promise<string> =>
    (await client.call<{ targetId: string }>('Target.createTarget', { url })).targetId;
  const evaluate = async (page: string, expression: string): Promise<unknown> => {
    const params = { expression, awaitPromise: true, userGesture: true };
    const answer = client.call<{ result: { value: unknown } }>('Runtime.evaluate', params, page);
    return (await within('the page', 10_000, answer)).result.value;
  };

  it('are attached to the first page alone', async () => {
    const before = await openPage('data:text/html,before');
    const job = await producer.add('session.run', {
      sessionId: session.id,
      steps: [{ do: 'wait', selector: '#never' }],
      then: 'keep',
    });
    await pollUntil('the step', { timeoutMs: 20_000, everyMs: 20 }, async () => {
      const progress = (await producer.queue.getJob(job.id ?? ''))?.progress;
      return JSON.stringify(progress).includes('"state":"step"') ? true : undefined;
    });
    const after = await openPage('data:text/html,after');
    const isAttached = Object.fromEntries((await pages()).map(page => [page.targetId, page.attached]));
    const [first = ''] = Object.keys(isAttached).filter(id => id !== before && id !== after);
    expect(isAttached).toEqual({ [before]: false, [first]: true, [after]: false });
    await client.call('Target.closeTarget', { targetId: first });
    await expect(producer.result(job, 20_000)).rejects.toThrow(/^step_failed: .*the page has been closed/);
  });

  it('do not keep workers and popups from starting when their process stalls', async () => {
    const holder = spawn(
      process.execPath,
      ['-r', './test/support/typescript-hook.cjs', '-e', HOLDER, session.websocketUrl ?? ''],
      { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    try {
      const [line] = (await once(createInterface(holder.stdout), 'line')) as [string];
      expect(line).toBe('connected');
      holder.kill('SIGSTOP');
      const page = await client.attachToPage();
      const worker = `new Promise(resolve => {
        new Worker(URL.createObjectURL(new Blob(['postMessage(7)']))).onmessage = event => resolve(event.data);
      })`;
      expect(await evaluate(page, worker)).toBe(7);
      await evaluate(page, `void open('${installation.url}/livez')`);
      await pollUntil('the popup', { timeoutMs: 10_000, everyMs: 20 }, async () =>
        (await pages()).find(({ url }) => url === `${installation.url}/livez`),
      );
    } finally {
      holder.kill('SIGKILL');
      await once(holder, 'exit');
    }
  });

  it('work on their page while another one is in front', async () => {
    await openPage('data:text/html,in front');
    const button = `<button onclick="this.textContent = document.visibilityState">press</button>`;
    const job = await producer.add('session.run', {
      sessionId: session.id,
      steps: [
        { do: 'goto', url: `data:text/html,${button}` },
        { do: 'click', selector: 'button' },
        { do: 'extract', selector: 'button' },
        { do: 'screenshot', name: 'picture' },
      ],
    });
    const { outputs } = await producer.result(job, 60_000);
    expect(outputs).toMatchObject([{ value: 'visible' }, { file: { contentType: 'image/png' } }]);
  });
});
