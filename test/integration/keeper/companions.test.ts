import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hostXvfb } from '../../../workers/keeper/host';
import { makeTempDir } from '../../support/temp-dir';

const support = join(__dirname, '../../support');

test('companions that cannot start for want of file descriptors are an error, and the keeper goes on', async () => {
  expect(await hostXvfb('/usr/bin')).not.toBeNull();
  const runRoot = await makeTempDir();
  try {
    const program = [process.execPath, '-r', join(support, 'typescript-hook.cjs')];
    const command = [...program, join(support, 'without-descriptors.ts'), runRoot.path];
    const { stdout } = await promisify(execFile)('/bin/sh', [
      '-c',
      'ulimit -n 64; exec "$@"',
      'sh',
      ...command,
    ]);
    expect(JSON.parse(stdout)).toEqual([
      expect.stringMatching(/^spawn \S+ EMFILE$/),
      expect.stringMatching(/^spawn \S+Xvfb EMFILE$/),
    ]);
  } finally {
    await runRoot.remove();
  }
});
