import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { NO_LIMITS } from '../../src/config/browser-limits';
import { BrowserCgroups } from '../../workers/keeper/limits/browser-cgroups';
import { CONTROLLERS } from '../../workers/keeper/limits/controllers';
import { ownCgroup, type CgroupTexts, type OwnCgroup } from '../../workers/keeper/limits/hierarchies';
import { SERVICE_CGROUP } from '../../workers/keeper/limits/unified-base';

/** Whether browsers can be held within limits here; if not, prints what is skipped. */
export function canLimit(): boolean {
  const owns = process.platform === 'linux' ? ownCgroups() : [];
  const can = owns.length === CONTROLLERS.length && owns.every(isUsable);
  if (!can) process.stderr.write('SKIPPED: tests of limits need cgroups that this user may make\n');
  return can;
}

/** The folders of all cgroups of browsers of a run root, in every tree. */
export function cgroupsOf(runRoot: string): string[] {
  return groupsOf(runRoot).flatMap(group =>
    readdirSync(group, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(({ name }) => join(group, name)),
  );
}

/** The folders of the cgroups that have those of all browsers of a run root in them, in every tree. */
export function groupsOf(runRoot: string): string[] {
  const bases = new Set(
    [...ownCgroups(), ...ownFreezer()].flatMap(({ folder }) => [folder, dirname(folder)]),
  );
  const places = [...bases].map(base => ({ base, version: 2, controllers: [] }) as const);
  return new BrowserCgroups(runRoot, places, NO_LIMITS).foldersOf('b').map(dirname).filter(existsSync);
}

/** Whether browsers can be frozen by their cgroups here; if not, prints what is skipped. */
export function canFreeze(): boolean {
  const can = process.platform === 'linux' && ownFreezer().some(isUsable);
  if (!can) process.stderr.write('SKIPPED: tests of freezers need cgroups that this user may make\n');
  return can;
}

const ownCgroups = (): OwnCgroup[] => CONTROLLERS.flatMap(controller => ownCgroup(controller, texts()) ?? []);

const ownFreezer = (): OwnCgroup[] => [ownCgroup('freezer', texts())].filter(found => found !== null);

function texts(): CgroupTexts {
  const [cgroup, mountinfo] = ['cgroup', 'mountinfo'].map(name => readFileSync(`/proc/self/${name}`, 'utf8'));
  return { cgroup: cgroup ?? '', mountinfo: mountinfo ?? '' };
}

/* In version 2 the rest of a terminal's cgroup is in the way. */
function isUsable({ version, path, folder }: OwnCgroup): boolean {
  if (version === 2 && path !== '/' && basename(folder) !== SERVICE_CGROUP) return false;
  const trial = join(folder, `trial-${process.pid}`);
  try {
    mkdirSync(trial);
    rmdirSync(trial);
    return true;
  } catch {
    return false; // read-only, or another user's
  }
}
