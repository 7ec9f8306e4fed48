import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errorOfReason } from '../../../src/producer/errors';

const root = resolve(__dirname, '../../..');

describe('the producer', () => {
  it('imports nothing but BullMQ, ioredis and its own files', () => {
    for (const form of ['esm', 'src']) {
      const folder = join(root, 'dist', form, 'producer');
      for (const name of readdirSync(folder).filter(file => file.endsWith('.js'))) {
        const text = readFileSync(join(folder, name), 'utf8');
        const imported = [...text.matchAll(/(?:from |import |require\()["']([^"']+)["']/g)].map(
          ([, from]) => from,
        );
        expect(imported.filter(from => !/^(\.\/.*|bullmq|ioredis)$/.test(from ?? ''))).toEqual([]);
      }
    }
  });
});

describe('the reason of a failed job', () => {
  it.each([
    ['queue_timeout: session a is failed', 'queue_timeout', 'session a is failed'],
    ['step_failed: step 3 (click): two\nlines', 'step_failed', 'step 3 (click): two\nlines'],
    ['Missing lock for job 7', 'internal_error', 'Missing lock for job 7'],
    ['', 'internal_error', ''],
  ])('%j has the code %s', (reason, code, message) => {
    expect(errorOfReason(reason, 'j')).toMatchObject({ code, message, jobId: 'j' });
  });
});
