import type { Config } from '../src/config/config';
import type { BlobStore } from '../src/blobs/blob-store';
import type { DoomedBlobs } from '../src/store/contexts/doomed-blobs';
import type { Clock } from '../src/core/clock';
import type { Lifecycle } from '../src/core/lifecycle';
import type { EffectRelay } from '../src/engine/effect-relay';
import type { Timeouts } from '../src/engine/timeouts';
import type { ConsumerBase } from '../src/queue/consumer';
import type { Producer } from '../src/queue/producer';
import type { Redis } from '../src/redis/connection';
import type { ArmingStore } from '../src/store/arming-store';
import type { PackStore } from '../src/store/pack-store';
import type { QuarantineStore } from '../src/store/quarantine-store';
import type { QueueWatch } from '../src/store/queue-watch';
import type { SessionStore } from '../src/store/session-store';
import { sessionsConsumer } from './consumers/sessions';
import { timersConsumer } from './consumers/timers';
import { Reaper, type ReaperParts } from './sweeps/reaper';
import { Sweeper } from './sweeps/sweeper';

/** Dependencies of {@link startStepping}. */
export interface SteppingParts extends ReaperParts {
  readonly config: Pick<Config, 'retentionMs'>;
  readonly lifecycle: Lifecycle;
  readonly redis: Redis;
  readonly consumerBase: ConsumerBase;
  readonly sessions: SessionStore;
  readonly arming: ArmingStore;
  readonly packing: PackStore;
  readonly quarantine: QuarantineStore;
  readonly queueWatch: QueueWatch;
  readonly doomedBlobs: DoomedBlobs;
  readonly blobs: BlobStore;
  readonly producer: Producer;
  readonly relay: EffectRelay;
  readonly timeouts: Timeouts;
  readonly clock: Clock;
}

/**
 * Starts everything that steps sessions without needing their browsers: the consumers of `sessions` and `timers`, and
 * the sweeps. API and worker processes both run it, so that releases and time-outs are committed even if every worker
 * is dead.
 */
export async function startStepping(parts: SteppingParts): Promise<void> {
  const { lifecycle, consumerBase, timeouts, config } = parts;
  const commands = sessionsConsumer(consumerBase, parts);
  lifecycle.defer('sessions consumer', () => commands.close());
  const timers = timersConsumer(consumerBase, timeouts);
  lifecycle.defer('timers consumer', () => timers.close());
  const sweeper = new Sweeper({
    maintenance: parts.maintenance,
    arming: parts.arming,
    packing: parts.packing,
    quarantine: parts.quarantine,
    queueWatch: parts.queueWatch,
    sessions: parts.sessions,
    producer: parts.producer,
    relay: parts.relay,
    timeouts,
    reaper: new Reaper(parts),
    report: parts.report,
    doomedBlobs: parts.doomedBlobs,
    blobs: parts.blobs,
    retentionMs: config.retentionMs,
    clock: parts.clock,
    log: parts.log,
  });
  lifecycle.defer('sweeper', () => sweeper.stop());
  await Promise.all([commands.start(), timers.start()]);
  sweeper.start();
}
