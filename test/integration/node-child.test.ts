import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NodeChild } from '../../src/supervisor/node-child';
import { makeTempDir, type TempDir } from '../support/temp-dir';

let dir: TempDir;
beforeEach(async () => (dir = await makeTempDir()));
afterEach(() => dir.remove());

/* The supervisor reads all that has come at once when it was held up for a moment. */
test('a process that is ready is heard, whatever comes together with it', async () => {
  const entry = join(dir.path, 'child.cjs');
  const messages = [{ beat: true }, { ready: true, url: 'http://127.0.0.1:1' }, { beat: true }];
  const sends = messages.map(message => `process.send(${JSON.stringify(message)});`);
  const sent = join(dir.path, 'sent');
  writeFileSync(
    entry,
    [...sends, `require('node:fs').writeFileSync(${JSON.stringify(sent)}, '');`].join('\n'),
  );
  const plan = new NodeChild('api', { entry, environment: () => process.env });
  const child = plan.spawn();
  const exited = once(child, 'exit');
  const ended = new AbortController();
  let signs = 0;
  plan.listen(child, { heard: () => (signs += 1), silentMs: 1_000, over: ended.signal });
  const ready = plan.ready(child, ended.signal);
  // Meanwhile this process reads nothing.
  while (!existsSync(sent)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  expect(await ready).toEqual({ url: 'http://127.0.0.1:1' });
  expect(signs).toBe(3);
  child.disconnect();
  await exited;
});
