import type { KeeperStats } from '../door/protocol';
import type { LoadMeter } from '../process/browser-load';
import type { MemoryGate } from './memory-gate';

/** What is measured on a keeper's machine. */
export interface Machine {
  readonly gatewayConnections: () => number;
  readonly meter: Pick<LoadMeter, 'load'>;
  readonly memory: Pick<MemoryGate, 'isShort'>;
}

/** The part of a keeper's figures that is about its machine. */
export function machineStats({
  gatewayConnections,
  meter,
  memory,
}: Machine): Pick<KeeperStats, 'gatewayConnections' | 'load' | 'isMemoryShort'> {
  return {
    gatewayConnections: gatewayConnections(),
    load: meter.load,
    isMemoryShort: memory.isShort,
  };
}
