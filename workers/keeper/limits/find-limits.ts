import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { BrowserLimits } from '../../../src/config/browser-limits';
import { messageOf } from '../../../src/core/errors';
import { BrowserCgroups, type Place } from './browser-cgroups';
import { joinWords, removeCgroups } from './cgroup';
import { freezerPlace } from './freezer-place';
import { neededControllers, type Controller } from './controllers';
import { ownCgroup, readCgroupTexts, type CgroupTexts, type OwnCgroup } from './hierarchies';
import { unifiedBase, weighService, type ServiceProcesses } from './unified-base';

/** How a keeper's browsers are held within limits. */
export interface FoundLimits {
  readonly cgroups: BrowserCgroups;
  readonly enforced: readonly Controller[];
  /** Why not all that are wanted; null if they are. */
  readonly whyNotMore: string | null;
  /** Why browsers cannot be frozen by their cgroups; null if they can. */
  readonly whyNotFrozen: string | null;
}

/** What {@link findLimits} needs. */
export interface LimitsParts extends ServiceProcesses {
  readonly wanted: BrowserLimits;
  readonly runRoot: string;
}

/** What was tried for a controller. */
type Tried = { readonly controller: Controller } & ({ readonly place: Place } | { readonly why: string });

const TRIAL_TIMEOUT_MS = 10_000;

/** The limits that are wanted and that this machine can enforce: each is tried once. */
export async function findLimits(parts: LimitsParts): Promise<FoundLimits> {
  const tried: Tried[] = [];
  const texts = process.platform === 'linux' ? await readCgroupTexts() : null;
  for (const controller of neededControllers(parts.wanted)) {
    const found =
      texts === null ? { why: 'limits need Linux' } : await tryController(controller, texts, parts);
    tried.push({ controller, ...found });
  }
  const places = tried.flatMap(found => ('place' in found ? [found.place] : []));
  const freezer = texts === null ? null : freezerPlace(texts, places);
  const whyNotFrozen = texts === null ? 'cgroups need Linux' : freezer && (await trial(freezer, parts));
  if (freezer !== null && whyNotFrozen === null) places.push(freezer);
  return {
    cgroups: new BrowserCgroups(parts.runRoot, joined(places), parts.wanted),
    enforced: tried.flatMap(found => ('place' in found ? [found.controller] : [])),
    whyNotMore: reasons(tried),
    whyNotFrozen,
  };
}

async function tryController(
  controller: Controller,
  texts: CgroupTexts,
  parts: LimitsParts,
): Promise<{ readonly place: Place } | { readonly why: string }> {
  const own = ownCgroup(controller, texts);
  if (own === null) return { why: 'no cgroup of this process can be seen' };
  const base = await baseFor(controller, own, parts);
  if ('why' in base) return base;
  const place = { base: base.folder, version: own.version, controllers: [controller] };
  const problem = await trial(place, parts);
  return problem === null ? { place } : { why: `no cgroup can be made in ${base.folder}: ${problem}` };
}

async function baseFor(
  controller: Controller,
  own: OwnCgroup,
  service: ServiceProcesses,
): Promise<{ readonly folder: string } | { readonly why: string }> {
  if (own.version === 1) return own;
  const base = await unifiedBase(controller, own, service);
  if ('folder' in base && controller === 'cpu') await weighService(base.folder);
  return base;
}

/* Why a small program does not run in a cgroup of its own; null if it does. */
async function trial(place: Place, { runRoot, wanted }: LimitsParts): Promise<string | null> {
  const cgroups = new BrowserCgroups(runRoot, [place], wanted);
  const name = `trial-${process.pid}`;
  try {
    const [program = '', ...args] = joinWords(await cgroups.make(name));
    await promisify(execFile)(program, [...args, 'true'], { cwd: '/', timeout: TRIAL_TIMEOUT_MS });
    return null;
  } catch (error) {
    return messageOf(error);
  } finally {
    await removeCgroups(cgroups.foldersOf(name)).catch(() => undefined); // swept at the next start
  }
}

/* One place for each tree, with all controllers that it has. */
function joined(places: readonly Place[]): Place[] {
  const bases = new Map<string, Place>();
  for (const place of places) {
    const controllers = [...(bases.get(place.base)?.controllers ?? []), ...place.controllers];
    bases.set(place.base, { ...place, controllers });
  }
  return [...bases.values()];
}

/* Each reason once, with the controllers that it is about. */
function reasons(tried: readonly Tried[]): string | null {
  const about = new Map<string, Controller[]>();
  for (const found of tried) {
    if ('why' in found) about.set(found.why, [...(about.get(found.why) ?? []), found.controller]);
  }
  if (about.size === 0) return null;
  return [...about].map(([why, controllers]) => `${controllers.join(', ')}: ${why}`).join('; ');
}
