import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { SpawnedProcess } from '../../../src/supervisor/running-process';

/* What spawn() gives without free file descriptors: Node 20 would send signals to pid 0, the group of this process. */
class NeverStarted extends EventEmitter {
  readonly pid = undefined;
  readonly kill = jest.fn(() => true);
}

test('a process that never started is sent no signal', async () => {
  const child = new NeverStarted();
  const errors: Error[] = [];
  // SAFETY: it has what a SpawnedProcess uses.
  const one = new SpawnedProcess(child as unknown as ChildProcess, error => errors.push(error));
  const error = new Error('spawn EMFILE');
  child.emit('error', error);
  await one.signal('SIGKILL');
  expect(child.kill).not.toHaveBeenCalled();
  expect(await one.exited).toEqual({ code: null, signal: null });
  expect(errors).toEqual([error]);
});
