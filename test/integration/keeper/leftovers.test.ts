import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { pause } from '../../../src/core/abort';
import { systemProcesses, type ProcessTable } from '../../../src/core/process-identity';
import { Leftovers } from '../../../workers/keeper/process/leftovers';

/* What the keeper does about processes of a browser's user that hide from a list of processes. */

const asRoot = process.getuid?.() === 0 ? test : test.skip;

/** A user of nobody, so that all of its processes can be killed. */
const USER = { uid: 2_111_111, gid: 2_111_111 };

/** A directory that no process names. */
const NOWHERE = '/nowhere/b-000000';

const sleepAs = async (): Promise<ChildProcess> => {
  const child = spawn('sleep', ['1000'], { ...USER, cwd: '/', stdio: 'ignore', env: {} });
  await once(child, 'spawn');
  return child;
};

/** Misses a process in two lists: it was started behind the place that was being read. Each list takes so long. */
function missingTwice(hidden: number | undefined, listMs = 0): ProcessTable {
  let lists = 0;
  return {
    ...systemProcesses,
    list: async () => {
      lists += 1;
      await pause(listMs);
      const all = await systemProcesses.list();
      return lists <= 2 ? all.filter(({ pid }) => pid !== hidden) : all;
    },
  };
}

asRoot.each([0, 600])('a process that lists of %i ms have missed is killed, too', async listMs => {
  const [seen, hidden] = [await sleepAs(), await sleepAs()];
  const exited = Promise.all([once(seen, 'exit'), once(hidden, 'exit')]);
  await new Leftovers(missingTwice(hidden.pid, listMs)).kill(NOWHERE, USER, false);
  expect(await exited).toEqual([
    [null, 'SIGKILL'],
    [null, 'SIGKILL'],
  ]);
});

asRoot('nothing is started for a user whose cgroup is known to be gone', async () => {
  let lists = 0;
  const counting: ProcessTable = { ...systemProcesses, list: () => Promise.resolve(((lists += 1), [])) };
  await new Leftovers(counting).kill(NOWHERE, USER, true);
  expect(lists).toBe(1);
});

asRoot('a process that outlives SIGKILL for a second is an error', async () => {
  const { pid = 0 } = await sleepAs();
  const standing = await systemProcesses.inspect(pid);
  const undying: ProcessTable = {
    ...systemProcesses,
    list: () => Promise.resolve([{ pid, uid: USER.uid, commandLine: 'sleep' }]),
    inspect: () => Promise.resolve(standing),
  };
  await expect(new Leftovers(undying).kill(NOWHERE, USER)).rejects.toThrow('longer than 1000 ms');
});
