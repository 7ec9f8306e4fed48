import { NewerMachineVersionError } from '../../../machines/session/session.versions';
import { ContentionError } from '../../../src/engine/stepper';
import { refOf } from '../../../src/core/ids';
import { createLogger } from '../../../src/core/logger';
import { retryUntilDone } from '../../../workers/retry-until-done';

const log = createLogger('test', 'silent');

const insistOn = (work: () => Promise<string>): Promise<string> =>
  retryUntilDone('a word', log, new AbortController().signal, work);

/* Fails as often as told, then works. */
const failing = (error: Error, times: number) => {
  let calls = 0;
  const work = (): Promise<string> =>
    (calls += 1) <= times ? Promise.reject(error) : Promise.resolve('done');
  return { work, calls: () => calls };
};

describe('insisting', () => {
  it.each([
    ['Redis is away', new Error('Connection is closed.')],
    ['Redis has no room', new Error('OOM command not allowed when used memory > maxmemory')],
    ['the session is written to too fast', new ContentionError(refOf('default', 's'))],
  ])('goes on while %s', async (_what, error) => {
    const { work, calls } = failing(error, 2);
    expect(await insistOn(work)).toBe('done');
    expect(calls()).toBe(3);
  });

  it.each([
    ['a newer version has written the row', new NewerMachineVersionError(99)],
    ['something is broken', new TypeError('undefined is not a function')],
    ['a key has the wrong type', new Error('WRONGTYPE Operation against a key')],
  ])('gives up at once when %s', async (_what, error) => {
    const { work, calls } = failing(error, 2);
    await expect(insistOn(work)).rejects.toBe(error);
    expect(calls()).toBe(1);
  });
});
