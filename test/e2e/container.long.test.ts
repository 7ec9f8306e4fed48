import { readCompose } from '../support/compose';
import { canContain, Container } from '../support/container';
import { pollUntil } from '../support/poll-until';

/* What the compose file gives a worker, tried with the runtime that Docker uses; there is no Docker in it. */

const worker = readCompose().services['worker'];
if (worker === undefined) throw new Error('the compose file has no worker');

/** What only the service may read. */
const CLOSED = [
  '/var/lib/holdfast/children.json',
  '/var/lib/holdfast/redis/',
  '/app/package.json',
  '/etc/shadow',
];

/** A session is created, used over CDP and released, in the container. */
const USE = `
  (async () => {
    const answer = await fetch('http://127.0.0.1:3000/v1/sessions', { method: 'POST' });
    const session = await answer.json();
    const browser = await require('puppeteer').connect({ browserWSEndpoint: session.websocketUrl });
    const seen = {};
    for (const path of ${JSON.stringify(CLOSED)}) {
      const page = await browser.newPage();
      seen[path] = await page.goto('file://' + path).then(() => 'shown', () => 'not shown');
      await page.close();
    }
    const page = await browser.newPage();
    const one = await page.goto('data:text/html,ok').then(() => page.evaluate('1 + 1'));
    await browser.disconnect();
    await fetch('http://127.0.0.1:3000/v1/sessions/' + session.id + '/release', { method: 'POST' });
    console.log(JSON.stringify({ status: session.status, seen, one }));
  })();
`;

(canContain() ? describe : describe.skip)('in the container of a worker', () => {
  let container: Container;
  afterEach(() => container.dispose());

  it('sessions are kept apart as well as anywhere, without root and with everything read-only', async () => {
    container = await Container.make(worker);
    expect(await container.run('node', 'bin/holdfast', 'doctor')).toContain('✓ isolation: sealed');
  });

  it('with a part of /proc hidden they are not, and doctor says why', async () => {
    container = await Container.make(worker, ['systempaths=unconfined']);
    const said = await container.run('node', 'bin/holdfast', 'doctor');
    expect(said).toContain('! isolation: shared');
    expect(said).toContain("a cage cannot be made: bwrap: Can't mount proc");
  });

  it('the service runs, a session sees nothing of it, and a stop leaves nothing', async () => {
    container = await Container.make(worker);
    await container.start('node', 'bin/holdfast', 'start');
    await pollUntil('the service', { timeoutMs: 30_000, everyMs: 50 }, () =>
      container.output.includes('Holdfast is ready') ? true : undefined,
    );
    expect(JSON.parse(await container.exec('node', '-e', USE))).toEqual({
      status: 'live',
      seen: Object.fromEntries(CLOSED.map(path => [path, 'not shown'])),
      one: 2,
    });
    await container.signal('SIGTERM');
    expect(await container.ended()).toBe(0);
  });
});
