import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NO_LIMITS } from '../../../src/config/browser-limits';
import { exceededLimit, joinWords, readCounts } from '../../../workers/keeper/limits/cgroup';
import { neededControllers, valuesFor } from '../../../workers/keeper/limits/controllers';
import { ownCgroup } from '../../../workers/keeper/limits/hierarchies';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

describe('the cgroup of a process', () => {
  const V2 = '25 20 0:22 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate';

  it.each([
    [
      'in version 2',
      '0::/system.slice/holdfast.service\n',
      V2,
      '/sys/fs/cgroup/system.slice/holdfast.service',
    ],
    ['in a namespace of its own', '0::/\n', V2, '/sys/fs/cgroup'],
    [
      'below a part of the tree',
      '0::/docker/a/b\n',
      '25 20 0:22 /docker/a /cg rw - cgroup2 none rw',
      '/cg/b',
    ],
    [
      'where the folder has a blank in its name',
      '0::/a\n',
      '25 20 0:22 / /my\\040cgroups rw - cgroup2 none rw',
      '/my cgroups/a',
    ],
  ])('is found %s', (_where, cgroup, mountinfo, folder) => {
    expect(ownCgroup('memory', { cgroup, mountinfo })).toMatchObject({ version: 2, folder });
  });

  it('is found in a tree for each controller, or for some, where a machine has both versions', () => {
    const cgroup = '4:memory:/a\n3:cpu,cpuacct:/b\n0::/c\n';
    const mountinfo = [
      '30 20 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
      '31 20 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
      '32 20 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
    ].join('\n');
    const of = (controller: 'memory' | 'pids' | 'cpu'): unknown =>
      ownCgroup(controller, { cgroup, mountinfo });
    expect(of('memory')).toEqual({ version: 1, path: '/a', folder: '/sys/fs/cgroup/memory/a' });
    expect(of('cpu')).toEqual({ version: 1, path: '/b', folder: '/sys/fs/cgroup/cpu,cpuacct/b' });
    expect(of('pids')).toEqual({ version: 2, path: '/c', folder: '/sys/fs/cgroup/unified/c' });
  });

  it.each([
    ['no tree is mounted', '0::/\n', ''],
    ['its part of the tree is not mounted', '0::/a\n', '25 20 0:22 /b /sys/fs/cgroup rw - cgroup2 none rw'],
    ['the tree was mounted outside of its namespace', '0::/\n', '25 20 0:22 /.. /cg rw - cgroup2 none rw'],
    ['there is none', '', V2],
    ['its controller is in a tree that is not mounted', '4:memory:/a\n0::/\n', V2],
  ])('cannot be seen where %s', (_why, cgroup, mountinfo) => {
    expect(ownCgroup('memory', { cgroup, mountinfo })).toBeNull();
  });
});

describe('limits', () => {
  const limits = { memoryMaxBytes: 1_000, pidsMax: 20, cpuWeight: 100 };

  it('are written in the words of each version', () => {
    const written = (version: 1 | 2): unknown =>
      neededControllers(limits).flatMap(controller =>
        valuesFor(controller, version, limits).map(({ file, value }) => `${file} ${value}`),
      );
    expect(written(2)).toEqual(['memory.max 1000', 'memory.swap.max 0', 'pids.max 20', 'cpu.weight 100']);
    expect(written(1)).toEqual([
      'memory.limit_in_bytes 1000',
      `memory.memsw.limit_in_bytes ${1_000 + 2 ** 20}`,
      'pids.max 20',
      'cpu.shares 4096',
    ]);
  });

  it('that are not set need no cgroup', () => {
    expect(neededControllers(NO_LIMITS)).toEqual([]);
    expect(joinWords([])).toEqual([]);
  });
});

describe('the end of a browser', () => {
  const NONE = { oomKills: 0, memoryHits: 0, forksRefused: 0 };

  it.each([
    ['memory, if the kernel has killed it in its own cgroup', 137, { oomKills: 1, memoryHits: 9 }, 'memory'],
    ['nothing, if the memory of the machine was used up', 137, { oomKills: 1 }, null],
    ['nothing, if somebody else has killed it', 137, { memoryHits: 9 }, null],
    ['nothing, if it crashed after a page was killed', 139, { oomKills: 1, memoryHits: 9 }, null],
    ['pids, if it could start nothing and crashed', 133, { forksRefused: 1 }, 'pids'],
    [
      'memory, if it was killed after it could start nothing',
      137,
      { oomKills: 1, memoryHits: 1, forksRefused: 1 },
      'memory',
    ],
    ['nothing, if no limit was reached', 133, {}, null],
  ] as const)('is put down to %s', (_what, status, counts, limit) => {
    expect(exceededLimit(status, { ...NONE, ...counts })).toBe(limit);
  });

  describe('is counted', () => {
    let dir: TempDir;
    beforeEach(async () => {
      dir = await makeTempDir();
    });
    afterEach(() => dir.remove());

    const folder = (name: string, files: Readonly<Record<string, string>>): string => {
      const path = join(dir.path, name);
      mkdirSync(path);
      for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
      return path;
    };

    it('from the files of version 2', async () => {
      const memory = 'low 0\nhigh 0\nmax 37\noom 3\noom_kill 2\noom_group_kill 0\n';
      const cgroup = folder('b', { 'memory.events': memory, 'pids.events': 'max 5\n' });
      expect(await readCounts([cgroup])).toEqual({ oomKills: 2, memoryHits: 3, forksRefused: 5 });
    });

    it('from the files of version 1, a folder for each controller', async () => {
      const control = 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n';
      const memory = folder('memory', { 'memory.oom_control': control, 'memory.failcnt': '80\n' });
      const pids = folder('pids', { 'pids.events': 'max 0\n' });
      expect(await readCounts([memory, pids])).toEqual({ oomKills: 2, memoryHits: 80, forksRefused: 0 });
    });

    it('as nothing where the cgroups are gone', async () => {
      expect(await readCounts([join(dir.path, 'gone')])).toEqual(NONE);
    });
  });
});
