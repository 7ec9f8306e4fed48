import { readFile } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import type { Logger } from '../../../src/core/logger';
import { ownCgroup, readCgroupTexts } from '../limits/hierarchies';
import { cgroupMemory } from './cgroup-memory';

/** Memory of this machine, or of the container that the keeper is in. */
export interface MemoryReading {
  readonly totalBytes: number;
  /** What can be had without taking it from anything that is in use, bytes. */
  readonly availableBytes: number;
  /**
   * The share of the last ten seconds in which everything waited for memory, 0 to 1 (`full avg10` of the kernel's
   * pressure stall information); null where the kernel does not say.
   */
  readonly stalledShare: number | null;
}

/**
 * Below the first it is short, and until the second is available again; a start and its first page take up to 350 MB.
 * On a small machine these parts of its memory.
 */
const SHORT_BELOW = { bytes: 512 * 2 ** 20, share: 1 / 8 };
const ENOUGH_FROM = { bytes: 2 ** 30, share: 1 / 4 };

/** The same for the share of the time in which everything waits for memory. */
const SHORT_ABOVE_SHARE = 0.1;
const ENOUGH_UP_TO_SHARE = 0.02;

const LOOK_EVERY_MS = 1_000;

/** Whether memory is short now, if it was, or was not, a moment ago. Pure. */
export function isShort(
  { totalBytes, availableBytes, stalledShare }: MemoryReading,
  wasShort: boolean,
): boolean {
  const least = wasShort ? ENOUGH_FROM : SHORT_BELOW;
  const mostShare = wasShort ? ENOUGH_UP_TO_SHARE : SHORT_ABOVE_SHARE;
  const leastBytes = Math.min(least.bytes, totalBytes * least.share);
  return availableBytes < leastBytes || (stalledShare ?? 0) > mostShare;
}

/** Dependencies of {@link MemoryGate}. */
export interface MemoryGateParts {
  readonly read?: () => Promise<MemoryReading>;
  readonly log: Logger;
}

/**
 * Says when the machine has no memory for another browser: a slot is a promise to people who count browsers, memory is
 * what browsers need. While it is short, launches wait in their queue, and no browser is started ahead.
 */
export class MemoryGate {
  readonly #parts: Required<MemoryGateParts>;
  #isShort = false;
  #timer: NodeJS.Timeout | null = null;

  constructor({ read = readMemory, log }: MemoryGateParts) {
    this.#parts = { read, log };
  }

  get isShort(): boolean {
    return this.#isShort;
  }

  /** Looks now and every second. */
  async start(): Promise<void> {
    await this.look();
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** Never rejects. */
  async look(): Promise<void> {
    const { read, log } = this.#parts;
    const reading = await read();
    const is = isShort(reading, this.#isShort);
    if (is === this.#isShort) return;
    this.#isShort = is;
    if (is) log.warn(reading, 'memory is short: launches wait until there is more');
    else log.info(reading, 'there is memory for launches again');
  }
}

async function readMemory(): Promise<MemoryReading> {
  const pressure = await readFile('/proc/pressure/memory', 'utf8').catch(() => ''); // no such file: not said
  // Asked each time: the keeper moves itself, and an operator may change the limit.
  const own = ownCgroup('memory', await readCgroupTexts());
  const held = own === null ? null : await cgroupMemory(own);
  return {
    totalBytes: Math.min(totalmem(), held?.limitBytes ?? Infinity),
    availableBytes: Math.min(freemem(), held?.availableBytes ?? Infinity),
    stalledShare: stalledShareIn(pressure),
  };
}

/** `full avg10` of `/proc/pressure/memory`; null if the text does not have it. */
export function stalledShareIn(text: string): number | null {
  const percent = /^full avg10=(\d+\.\d+)/m.exec(text)?.[1];
  return percent === undefined ? null : Number(percent) / 100;
}
