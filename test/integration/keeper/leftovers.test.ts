import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { systemProcesses, type ProcessTable } from '../../../src/core/process-identity';
import { Leftovers } from '../../../workers/keeper/process/leftovers';

/* What the keeper does about processes of a browser's user that hide from a list of processes. */

const asRoot = process.getuid?.() === 0 ? test : test.skip;

/** A user of nobody, so that all of its processes can be killed. */
const USER = { uid: 2_111_111, gid: 2_111_111 };

/** Does not see the processes of that user the first time: they were started behind the place that was being read. */
function missingOnce(): ProcessTable {
  let lists = 0;
  return {
    ...systemProcesses,
    list: async () => {
      lists += 1;
      const all = await systemProcesses.list();
      return lists === 1 ? all.filter(({ uid }) => uid !== USER.uid) : all;
    },
  };
}

asRoot('a process that one list of processes has missed is killed, too', async () => {
  const hidden = spawn('sleep', ['1000'], { ...USER, cwd: '/', stdio: 'ignore', env: {} });
  await once(hidden, 'spawn');
  const exited = once(hidden, 'exit');
  await new Leftovers(missingOnce()).killUser(USER, false);
  expect(await exited).toEqual([null, 'SIGKILL']);
});

asRoot('nothing is started for a user whose cgroup is known to be gone', async () => {
  let lists = 0;
  const counting: ProcessTable = { ...systemProcesses, list: () => Promise.resolve(((lists += 1), [])) };
  await new Leftovers(counting).killUser(USER, true);
  expect(lists).toBe(1);
});
