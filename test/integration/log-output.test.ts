import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTempDir, type TempDir } from '../support/temp-dir';

let dir: TempDir;
beforeEach(async () => (dir = await makeTempDir()));
afterEach(() => dir.remove());

/** A process that logs `count` long lines and then ends with 7. */
async function spawnTalker(count: number) {
  const program = join(dir.path, 'talker.ts');
  await writeFile(
    program,
    `import { createLogger } from '${join(__dirname, '../../src/core/logger')}';
     const log = createLogger('talker', 'info');
     for (let n = 1; n <= ${count}; n++) log.info({ n, filling: 'x'.repeat(1_000) }, 'line');
     process.exit(7);`,
  );
  const hook = join(__dirname, '../support/typescript-hook.cjs');
  return spawn(process.execPath, ['-r', hook, program], { stdio: ['ignore', 'pipe', 'inherit'] });
}

test('a reader that is slow gets every line, the last words too', async () => {
  const talker = await spawnTalker(500);
  let text = '';
  for await (const chunk of talker.stdout.setEncoding('utf8')) text += String(chunk);
  const lines = text.trim().split('\n');
  expect(lines).toHaveLength(500);
  expect(JSON.parse(lines[499] ?? '')).toMatchObject({ n: 500, msg: 'line' });
});

test('a reader that is gone stops nobody', async () => {
  const talker = await spawnTalker(500);
  talker.stdout.destroy();
  expect(await once(talker, 'exit')).toEqual([7, null]);
});
