import type { BrowserLimits } from '../../../src/config/browser-limits';

/** The kernel's controllers that hold a browser within its limits. */
export const CONTROLLERS = ['memory', 'pids', 'cpu'] as const;

/** @see CONTROLLERS */
export type Controller = (typeof CONTROLLERS)[number];

/** Of cgroups. Most machines have the second one; on some each controller has a tree of its own (version 1). */
export type CgroupVersion = 1 | 2;

/** One value in a file of a cgroup. */
export interface CgroupValue {
  readonly file: string;
  readonly value: string;
  /** Not every kernel has this file: it counts swap, which must not stand in for memory. */
  readonly isOptional?: true;
}

/**
 * Version 1 weighs a cgroup against each process of the service, not against all of them; a busy browser
 * has some four.
 */
const SHARES_PER_WEIGHT = 4_096 / 100;

/**
 * What all browsers of a keeper weigh together. In version 2 the service beside them has the same, in version 1 each of
 * its four processes has a quarter of it.
 */
export const TOGETHER_WEIGHT = 100;

/** Version 1 counts how often memory was used up only if swap was not used up first. */
const SWAP_BYTES = 2 ** 20;

/** What is written for a controller, the limits of others left out; empty if there is no limit. */
export function valuesFor(
  controller: Controller,
  version: CgroupVersion,
  { memoryMaxBytes, pidsMax, cpuWeight }: BrowserLimits,
): readonly CgroupValue[] {
  switch (controller) {
    case 'memory':
      return memoryMaxBytes === null ? [] : MEMORY_VALUES[version](memoryMaxBytes);
    case 'pids':
      return pidsMax === null ? [] : [{ file: 'pids.max', value: String(pidsMax) }];
    case 'cpu':
      if (cpuWeight === null) return [];
      return version === 2
        ? [{ file: 'cpu.weight', value: String(cpuWeight) }]
        : [{ file: 'cpu.shares', value: String(Math.round(cpuWeight * SHARES_PER_WEIGHT)) }];
  }
}

const MEMORY_VALUES: Readonly<Record<CgroupVersion, (bytes: number) => CgroupValue[]>> = {
  1: bytes => [
    { file: 'memory.limit_in_bytes', value: String(bytes) },
    // Memory and swap together.
    { file: 'memory.memsw.limit_in_bytes', value: String(bytes + SWAP_BYTES), isOptional: true },
  ],
  2: bytes => [
    { file: 'memory.max', value: String(bytes) },
    { file: 'memory.swap.max', value: '0', isOptional: true },
  ],
};

/** The controllers that these limits need. */
export function neededControllers(limits: BrowserLimits): Controller[] {
  return CONTROLLERS.filter(controller => valuesFor(controller, 2, limits).length > 0);
}
