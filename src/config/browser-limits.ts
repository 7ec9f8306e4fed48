import { totalmem } from 'node:os';
import { z } from 'zod';

/** What the browser of one session may use of the machine; null: as much as there is. */
export interface BrowserLimits {
  readonly memoryMaxBytes: number | null;
  /** Processes and threads. */
  readonly pidsMax: number | null;
  /** Its share of a busy processor, as in cgroup v2: 1 to 10,000, of which 100 is an ordinary one. */
  readonly cpuWeight: number | null;
}

/** No limits. */
export const NO_LIMITS: BrowserLimits = { memoryMaxBytes: null, pidsMax: null, cpuWeight: null };

/** An empty Chromium takes 150 MiB and 112 threads; below these it would start at times, and open no page. */
const LEAST_MEMORY_BYTES = 256 * 2 ** 20;
const LEAST_PIDS = 256;

/** Some 300 empty tabs, or 36 of 114 MB. */
const MEMORY_BYTES = 4 * 2 ** 30;

/** Some 175 tabs of 11 threads; pages with workers have more. */
const PIDS = 2_048;

const CPU_WEIGHT = 100;

/** A new profile takes some 10 MiB; caches of Chromium grow to some hundred. */
const LEAST_DISK_BYTES = 64 * 2 ** 20;
const DISK_BYTES = 4 * 2 ** 30;
const CPU_WEIGHT_MAX = 10_000;

const limit = (min: number, max: number, standard: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine(value => value === 0 || (value >= min && value <= max), {
      message: `must be 0 for no limit, or from ${min} to ${max}`,
    })
    .transform(value => (value === 0 ? null : value))
    .default(standard);

/** The settings of limits. */
export const BROWSER_LIMIT_SETTINGS = {
  HOLDFAST_BROWSER_MEMORY_MAX_BYTES: limit(
    LEAST_MEMORY_BYTES,
    Number.MAX_SAFE_INTEGER,
    defaultMemoryMaxBytes(totalmem()),
  ),
  HOLDFAST_BROWSER_PIDS_MAX: limit(LEAST_PIDS, 2 ** 22, PIDS),
  HOLDFAST_BROWSER_CPU_WEIGHT: limit(1, CPU_WEIGHT_MAX, CPU_WEIGHT),
  HOLDFAST_BROWSER_DISK_MAX_BYTES: limit(LEAST_DISK_BYTES, Number.MAX_SAFE_INTEGER, DISK_BYTES),
};

/** As much as most sessions never need, but not more than half of the machine: then others live on. */
export function defaultMemoryMaxBytes(machineBytes: number): number {
  return Math.max(LEAST_MEMORY_BYTES, Math.min(MEMORY_BYTES, Math.floor(machineBytes / 2)));
}

/** The limits that the settings ask for, without that of the disk, which is not the kernel's. */
export function browserLimits(values: {
  readonly [name in keyof typeof BROWSER_LIMIT_SETTINGS]: number | null;
}): BrowserLimits {
  return {
    memoryMaxBytes: values.HOLDFAST_BROWSER_MEMORY_MAX_BYTES,
    pidsMax: values.HOLDFAST_BROWSER_PIDS_MAX,
    cpuWeight: values.HOLDFAST_BROWSER_CPU_WEIGHT,
  };
}
