import { createServer, type Server } from 'node:http';
import { pause } from '../../src/core/abort';
import { TestProducer } from '../support/ingress';
import { Installation } from '../support/installation';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';

const PAGE = `<!doctype html><title>Shop</title>
<input id="name"><select id="size"><option value="s">Small</option><option value="l">Large</option></select>
<button onclick="out.textContent = document.querySelector('#name').value + ' takes ' + size.value">Order</button>
<p id="out"></p><ul><li data-sku="a1">Apple</li><li data-sku="p1">Pear</li></ul><a href="/next">next</a>`;

interface Output {
  readonly step: number;
  readonly name?: string;
  readonly value?: unknown;
  readonly file?: { readonly url: string; readonly contentType: string; readonly bytes: number };
}

interface RunResult {
  readonly session: { readonly id: string; readonly status: string; readonly endReason: string | null };
  readonly outputs: readonly Output[];
}

describe('a job with steps', () => {
  let installation: Installation;
  let producer: TestProducer;
  let site: Server;
  let origin = '';
  const visits: string[] = [];
  beforeAll(async () => {
    site = createServer((req, res) => {
      visits.push(req.url ?? '');
      res.setHeader('content-type', 'text/html');
      if (req.url === '/large') res.end(`<p>${'x'.repeat(40_000)}</p>`);
      else res.end(PAGE);
    });
    await new Promise<void>(resolve => site.listen(0, '127.0.0.1', resolve));
    const address = site.address();
    origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    installation = await Installation.start({ browser: 'shell', env: { HOLDFAST_SLOTS: '4' } });
    producer = await TestProducer.open({
      socketPath: installation.redisSocketPath,
      password: installation.redisPassword,
    });
  });
  afterAll(async () => {
    await producer.close();
    await installation.stop();
    site.closeAllConnections();
    await new Promise(resolve => site.close(resolve));
  });

  const run = async (data: Record<string, unknown>): Promise<RunResult> =>
    (await producer.result(await producer.add('session.run', data), 60_000)) as unknown as RunResult;
  const progressOf = async (jobId: string | undefined): Promise<Record<string, unknown>> =>
    ((await producer.queue.getJob(jobId ?? ''))?.progress ?? {}) as Record<string, unknown>;

  it('keeps its session from falling idle under a step that takes long', async () => {
    const { session } = await run({ session: { idleTimeout: 1_000 }, steps: [{ do: 'wait', ms: 2_500 }] });
    expect(session).toMatchObject({ status: 'released', endReason: 'released_by_client' });
  });

  it('runs its steps in order, gives their results, and releases its session', async () => {
    const { session, outputs } = await run({
      session: { labels: { by: 'steps' } },
      steps: [
        { do: 'goto', url: origin },
        { do: 'type', selector: '#name', text: 'Ann' },
        { do: 'press', selector: '#name', key: 'a' },
        { do: 'select', selector: '#size', values: ['Large'] },
        { do: 'click', selector: 'text/Order' },
        { do: 'wait', selector: '#out:not(:empty)' },
        { do: 'extract', selector: '#out', name: 'order' },
        { do: 'extract', selector: 'li', all: true },
        { do: 'extract', selector: 'li', attribute: 'data-sku', all: true, name: 'skus' },
        { do: 'extract', selector: 'ul', take: 'html' },
        { do: 'cookies', set: [{ name: 'seen', value: '1', url: origin }] },
        { do: 'cookies', name: 'jar' },
        { do: 'click', selector: 'a' },
        { do: 'wait', url: '**/next' },
        { do: 'wait', ms: 10 },
        { do: 'screenshot', name: 'picture' },
        { do: 'screenshot', selector: 'ul', type: 'jpeg' },
        { do: 'pdf', name: 'print' },
      ],
    });
    expect(session).toMatchObject({ status: 'released', endReason: 'released_by_client' });
    const named = Object.fromEntries(outputs.map(output => [output.name ?? output.step, output]));
    expect(named['order']?.value).toBe('Anna takes l');
    expect(named[8]?.value).toEqual(['Apple', 'Pear']);
    expect(named['skus']?.value).toEqual(['a1', 'p1']);
    expect(named[10]?.value).toContain('<li data-sku="a1">Apple</li>');
    expect(named['jar']?.value).toEqual([expect.objectContaining({ name: 'seen', value: '1' })]);
    for (const [name, type, magic] of [
      ['picture', 'image/png', '\u0089PNG'],
      [17, 'image/jpeg', '\u00ff\u00d8'],
      ['print', 'application/pdf', '%PDF'],
    ] as const) {
      const file = named[name]?.file;
      expect(file?.contentType).toBe(type);
      const response = await fetch(file?.url ?? '');
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe(type);
      expect(response.headers.get('content-security-policy')).toContain('sandbox');
      const content = Buffer.from(await response.arrayBuffer());
      expect(content.length).toBe(file?.bytes);
      expect(content.toString('latin1').startsWith(magic)).toBe(true);
    }
  });

  it('types behind what is there, in fields of every kind', async () => {
    const fields = ['<input value=a1>', '<input type=email value=a1>', '<input type=number value=1>'];
    const more = ['<textarea>a1</textarea>', '<p contenteditable>a1</p>'];
    const all = [...fields, ...more].map((field, at) => field.replace(/^<\w+/, `$& id=f${at}`));
    const show = `onkeyup="s.textContent = [...document.querySelectorAll('[id^=f]')].map(f => f.value ?? f.textContent)"`;
    const { outputs } = await run({
      steps: [
        { do: 'goto', url: `data:text/html,<body ${show}>${all.join('')}<output id=s></output>` },
        ...all.map((_field, at) => ({ do: 'type', selector: `#f${at}`, text: '2' })),
        { do: 'extract', selector: '#s' },
      ],
    });
    expect(outputs[0]?.value).toBe('a12,a12,12,a12,a12');
  });

  it('finds elements by text, role and XPath, and reads them in lists', async () => {
    const page = `data:text/html,<button onclick="this.after('pressed')">Send now</button><i>one</i><i id=b>two</i>`;
    const { outputs } = await run({
      steps: [
        { do: 'goto', url: page },
        { do: 'click', selector: 'aria/Send now[role="button"]' },
        { do: 'extract', selector: 'xpath///button/following-sibling::i', all: true },
        { do: 'extract', selector: 'body ::-p-text(two)', attribute: 'id' },
        { do: 'extract', selector: 'text/pressed' },
      ],
    });
    expect(outputs.map(({ value }) => value)).toEqual([
      ['one', 'two'],
      'b',
      expect.stringContaining('pressed'),
    ]);
  });

  it('chooses an option that comes late, and none that is disabled', async () => {
    const late = `setTimeout(() => { s.options[0].disabled = false }, 300)`;
    const list = '<select id=s><option value=a disabled>A<option>B</select><output id=o></output>';
    const script = `${late}; s.onchange = () => { o.textContent = s.value }`;
    const { outputs } = await run({
      steps: [
        { do: 'goto', url: `data:text/html,${list}<script>${script}</script>` },
        { do: 'select', selector: 'select', values: ['A'] },
        { do: 'extract', selector: 'output' },
      ],
    });
    expect(outputs[0]?.value).toBe('a');
  });

  it('goes on when the page opens a dialog', async () => {
    const page = `data:text/html,<button onclick="this.textContent = String(confirm('sure?'))">ask</button>`;
    const { outputs } = await run({
      steps: [
        { do: 'goto', url: page },
        { do: 'click', selector: 'button' },
        { do: 'extract', selector: 'button' },
      ],
    });
    expect(outputs[0]?.value).toBe('false');
  });

  it.each([
    { do: 'click', selector: 'li[' },
    { do: 'wait', selector: 'li >> nth=0', state: 'hidden' },
    { do: 'extract', selector: 'p:nope', all: true },
  ])('fails at once with the invalid selector of $do', async step => {
    const job = await producer.add('session.run', { steps: [{ ...step, timeout: 60_000 }] });
    await expect(producer.result(job, 20_000)).rejects.toThrow(
      /^step_failed: step 1 \(.*is not a valid selector/,
    );
  });

  it('gives a large value as a file', async () => {
    const { outputs } = await run({
      steps: [
        { do: 'goto', url: `${origin}/large` },
        { do: 'extract', selector: 'p' },
      ],
    });
    expect(outputs).toHaveLength(1);
    const answer = await fetch(outputs[0]?.file?.url ?? '');
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(await answer.json()).toBe('x'.repeat(40_000));
  });

  it('works in a session that another service has made, and keeps it if the job says so', async () => {
    const { id } = await installation.create({ connectTimeout: 60_000 });
    const first = await run({ sessionId: id, steps: [{ do: 'goto', url: origin }], then: 'keep' });
    expect(first.session).toEqual({ id, status: 'live', endReason: null });
    const second = await run({ sessionId: id, steps: [{ do: 'extract', selector: 'li', all: true }] });
    expect(second.outputs[0]?.value).toEqual(['Apple', 'Pear']);
    expect(second.session.status).toBe('released');
  });

  it('names the step that failed and why, gives the results before it, and releases its session', async () => {
    const job = await producer.add('session.run', {
      steps: [
        { do: 'goto', url: origin },
        { do: 'extract', selector: 'li', name: 'first' },
        { do: 'click', selector: '#nowhere', timeout: 200 },
      ],
    });
    await expect(producer.result(job, 30_000)).rejects.toThrow(
      'step_failed: step 3 (click): click took longer than 200 ms; nothing matches #nowhere',
    );
    const progress = await progressOf(job.id);
    expect(progress).toMatchObject({
      state: 'failed',
      step: 3,
      of: 3,
      outputs: [{ name: 'first', value: 'Apple' }],
    });
    const ended = await installation.until(String(progress['sessionId']), ({ status }) => status !== 'live');
    expect(ended.endReason).toBe('released_by_client');
  });

  it('reads the values of very many matches without delaying other calls', async () => {
    const many = `data:text/html,<script>document.write('<i id=x>abc</i>'.repeat(20000))</script>`;
    const running = run({
      steps: [
        { do: 'goto', url: many },
        { do: 'extract', selector: 'i', all: true },
        { do: 'extract', selector: 'i:first-of-type', all: true, attribute: 'id', name: 'id' },
        { do: 'extract', selector: 'i:first-of-type', all: true, take: 'html', name: 'html' },
      ],
    });
    let longestMs = 0;
    let isOver = false;
    const asking = (async () => {
      while (!isOver) {
        const from = performance.now();
        await installation.call('GET', '/livez');
        longestMs = Math.max(longestMs, performance.now() - from);
        await pause(20);
      }
    })();
    const { outputs } = await running.finally(() => void (isOver = true));
    await asking;
    expect(outputs[0]?.file).toMatchObject({ contentType: 'application/json' });
    expect(outputs.slice(1)).toEqual([
      { step: 3, name: 'id', value: ['x'] },
      { step: 4, name: 'html', value: ['abc'] },
    ]);
    expect(longestMs).toBeLessThan(scaled(2_000));
  }, 60_000);

  it.each([
    { do: 'pdf', timeout: 500 },
    { do: 'press', key: 'Enter', timeout: 500 },
    { do: 'extract', selector: 'p', all: true, timeout: 500 },
  ])('gives up $do after its time on a page that is stuck', async step => {
    const stuck = 'data:text/html,<p>x</p><script>setTimeout(() => { for (;;); }, 200)</script>';
    const steps = [{ do: 'goto', url: stuck }, { do: 'wait', ms: 500 }, step];
    const job = await producer.add('session.run', { steps });
    await expect(producer.result(job, 20_000)).rejects.toThrow(/^step_failed: step 3 .*500 ms/);
  });

  it('fails with session_ended when its session ends', async () => {
    const { id } = await installation.create();
    const job = await producer.add('session.run', {
      sessionId: id,
      steps: [{ do: 'wait', ms: 60_000, timeout: 90_000 }],
    });
    await pollUntil('the step', { timeoutMs: 10_000, everyMs: 20 }, async () =>
      (await progressOf(job.id))['state'] === 'step' ? true : undefined,
    );
    await installation.call('POST', `/v1/sessions/${id}/release`);
    await expect(producer.result(job, 20_000)).rejects.toThrow(/^session_ended: .*released_by_client/);
    await expect(
      producer.run('session.run', { sessionId: id, steps: [{ do: 'wait', ms: 1 }] }),
    ).rejects.toThrow(/^session_ended: /);
  });

  it('goes on with the step that was under way when the API dies', async () => {
    visits.length = 0;
    const job = await producer.add('session.run', {
      steps: [
        { do: 'goto', url: `${origin}/first` },
        { do: 'extract', selector: 'li', all: true },
        { do: 'wait', ms: 2_000 },
        { do: 'goto', url: `${origin}/last` },
      ],
    });
    await pollUntil('the third step', { timeoutMs: 20_000, everyMs: 20 }, async () =>
      (await progressOf(job.id))['step'] === 3 ? true : undefined,
    );
    const api = await installation.signal('api', 'SIGKILL');
    await installation.replaced('api', api);
    const result = (await producer.result(job, 40_000)) as unknown as RunResult;
    expect(result.session.status).toBe('released');
    expect(result.outputs).toEqual([{ step: 2, value: ['Apple', 'Pear'] }]);
    expect(visits.filter(path => path !== '/favicon.ico')).toEqual(['/first', '/last']);
  }, 60_000);
});
