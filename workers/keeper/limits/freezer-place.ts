import { basename, dirname } from 'node:path';
import type { Place } from './browser-cgroups';
import { ownCgroup, type CgroupTexts } from './hierarchies';
import { SERVICE_CGROUP } from './unified-base';

/**
 * Where the cgroups are that only freeze browsers; null: there is nothing to freeze with, or those with limits can do
 * it. The second version freezes without any controller.
 *
 * @param limited - where the cgroups with limits are
 */
export function freezerPlace(texts: CgroupTexts, limited: readonly Place[]): Place | null {
  const own = ownCgroup('freezer', texts);
  if (own === null || (own.version === 2 && limited.some(({ version }) => version === 2))) return null;
  const isService = own.version === 2 && basename(own.folder) === SERVICE_CGROUP;
  const base = isService ? dirname(own.folder) : own.folder;
  return { base, version: own.version, controllers: [] };
}
