import { execFile, spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { open, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { makeTempDir, type TempDir } from '../support/temp-dir';
import { scaled } from '../support/slowdown';

/* The reader of a log must not affect the process that writes it. */

let dir: TempDir;
beforeEach(async () => (dir = await makeTempDir()));
afterEach(() => dir.remove());

/** A process that logs many long lines, writes to stderr how many milliseconds that took, and then ends with 7. */
async function spawnTalker(stdout: 'pipe' | number, lines = 3_000): Promise<ChildProcess> {
  const program = join(dir.path, 'talker.ts');
  await writeFile(
    program,
    `import { createLogger } from '${join(__dirname, '../../src/core/logger')}';
     const log = createLogger('talker', 'info');
     const startedMs = performance.now();
     for (let n = 1; n <= ${lines}; n++) log.info({ n, filling: 'x'.repeat(1_000) }, 'line');
     process.stderr.write(String(performance.now() - startedMs));
     process.exit(7);`,
  );
  const hook = join(__dirname, '../support/typescript-hook.cjs');
  const stdio: StdioOptions = ['ignore', stdout, 'pipe'];
  return spawn(process.execPath, ['-r', hook, program], { stdio });
}

/** A pipe and both its ends; it is not read until a test does so. */
async function makePipe(): Promise<{ reader: FileHandle; writer: FileHandle }> {
  const path = join(dir.path, 'pipe');
  await promisify(execFile)('mkfifo', [path]);
  const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, writer: await open(path, constants.O_WRONLY) };
}

async function end(child: ChildProcess): Promise<{ tookMs: number; code: number | null }> {
  const { stderr } = child;
  if (stderr === null) throw new Error('the talker has no stderr');
  const [said, [code]] = await Promise.all([text(stderr), once(child, 'exit')]);
  // SAFETY: `exit` brings a code, or null with a signal.
  return { tookMs: Number(said), code: code as number | null };
}

test('a slow reader gets every line, the last ones too', async () => {
  const { stdout } = await spawnTalker('pipe', 500);
  if (stdout === null) throw new Error('the talker has no stdout');
  const lines = (await text(stdout)).trim().split('\n');
  expect(lines).toHaveLength(500);
  expect(JSON.parse(lines[499] ?? '')).toMatchObject({ n: 500, msg: 'line' });
});

test('a socket that is not read does not delay the process', async () => {
  const { tookMs, code } = await end(await spawnTalker('pipe'));
  expect(tookMs).toBeLessThan(scaled(1_000));
  expect(code).toBe(7);
});

test('a pipe that is not read does not delay the process, and a later reader gets the last lines', async () => {
  const { reader, writer } = await makePipe();
  const { tookMs, code } = await end(await spawnTalker(writer.fd));
  expect(tookMs).toBeLessThan(scaled(1_000));
  expect(code).toBe(7);
  await writer.close();
  const kept = (await reader.readFile('utf8')).split('\n').slice(0, -1);
  await reader.close();
  expect(JSON.parse(kept[0] ?? '')).toMatchObject({ n: 1 });
  expect(kept.length).toBeGreaterThan(10);
});

test('a full disk does not delay the process', async () => {
  const full = await open('/dev/full', 'w');
  const { tookMs, code } = await end(await spawnTalker(full.fd));
  await full.close();
  expect(tookMs).toBeLessThan(scaled(1_000));
  expect(code).toBe(7);
});

test('a reader that is gone does not stop the process', async () => {
  const talker = await spawnTalker('pipe');
  talker.stdout?.destroy();
  expect((await end(talker)).code).toBe(7);
});
