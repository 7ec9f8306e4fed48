import { hostname } from 'node:os';
import type { Config } from '../src/config/config';
import { pause } from '../src/core/abort';
import type { Logger } from '../src/core/logger';
import { openDeps, startStepping, type Deps } from '../src/deps';
import { LocalTimers } from '../src/engine/timeouts';
import { openFirstPage } from '../src/browser/first-page';
import { Consumer } from '../src/queue/consumer';
import { launchPayload } from '../src/queue/payloads';
import { blockingOptions, openRedis } from '../src/redis/connection';
import { ControlStream } from '../src/store/control-stream';
import type { KeeperClient } from './keeper-client';
import { Drain } from './drain';
import { LaunchSlots } from './launch-slots';
import { LeaseRenewal } from './lease-renewal';
import { serveMetrics } from './metrics-server';
import { OwnedSessions } from './owned-sessions';
import { Reconciler } from './reconciler';
import { SessionCloser } from './session-closer';
import { SessionLauncher } from './session-launcher';
import type { WorkerContext } from './worker-context';

/** How often rows and browsers are compared when nothing gives cause to. */
const RECONCILE_EVERY_MS = 5_000;

/** A running worker. */
export interface WorkerApp {
  readonly workerId: string;
  /** Ends every session of this worker as `released(drained)` and waits until their browsers are gone. */
  drain(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/** What a worker is started with. */
export interface WorkerOptions {
  readonly config: Config;
  readonly redisUrl: string;
  /** Registered already: a keeper waits for nothing else, least of all for Redis. */
  readonly keeper: KeeperClient;
  readonly workerId: string;
  /** Another process speaks for our sessions: exit, kill nothing. */
  readonly onFenced: () => void;
  readonly log: Logger;
}

/**
 * Starts the brain of a machine. Order matters: the lease first, so that nobody reaps what is about to be adopted;
 * then adoption; launches last.
 */
export async function startWorker(options: WorkerOptions): Promise<WorkerApp> {
  const { config, redisUrl, keeper, workerId, log } = options;
  const deps = await openDeps(config, redisUrl, log);
  const { lifecycle, leases } = deps;
  const stop = new AbortController();
  const context: WorkerContext = {
    workerId,
    stepper: deps.stepper,
    log,
    signal: stop.signal,
    onFenced: ref => {
      log.fatal({ session: ref }, 'fenced: another process speaks for a session of ours');
      options.onFenced();
    },
  };
  const timers = new LocalTimers(deps.timeouts, log);
  const owned = new OwnedSessions(context, timers);
  const closer = new SessionCloser(keeper, deps.closing, log);
  const slots = new LaunchSlots(jobs => void launches.setCapacity(jobs));
  const prepare = config.keeper.browser === 'null' ? () => Promise.resolve() : openFirstPage;
  const launcher = new SessionLauncher({ context, keeper, owned, closer, slots, prepare });
  const launches = new Consumer({
    ...deps.consumerBase,
    queue: 'launch',
    schema: launchPayload,
    concurrency: 1,
    handle: payload => launcher.handle(payload),
  });
  const { clock, sessions } = deps;
  const isLaunching = (claimId: string): boolean => launcher.isLaunching(claimId);
  const reconciler = new Reconciler({ context, keeper, owned, closer, sessions, leases, clock, isLaunching });

  const info = () => ({ hostname: hostname(), ...slots.stats, draining: slots.draining });
  const lease = new LeaseRenewal(leases, workerId, info, log);
  lifecycle.defer('lease renewal', () => lease.stop());
  await lease.start();
  await keeper.setSecret(deps.secret);

  const reconcile = (): Promise<void> =>
    reconciler.run().catch((error: unknown) => log.warn({ err: error }, 'reconciling will be tried again'));
  const control = new ControlStream(openRedis(blockingOptions(redisUrl), log), log);
  lifecycle.defer('control stream', () => control.stop());
  await control.start(
    workerId,
    order => {
      owned.remove(order.ref);
      void closer.close(order.ref, order.claimId);
    },
    () => void reconcile(),
  );
  lifecycle.defer('local timers', () => timers.disarmAll());
  keeper.onBrowserGone(browser => void owned.browserGone(browser));
  keeper.onStats(stats => {
    slots.update(stats);
    exportStats(deps, stats);
  });
  keeper.onRegistered(reply => {
    slots.update(reply.stats);
    void reconcile();
  });

  await reconcile();
  const loop = reconcileLoop(reconcile, stop.signal);
  lifecycle.defer('reconciling', () => loop);
  lifecycle.defer('waiting', () => stop.abort());
  await startStepping(deps);
  lifecycle.defer('launch consumer', () => launches.close(true));
  const { stats } = await keeper.call('list', {}, { timeoutMs: 5_000 });
  slots.update(stats);
  exportStats(deps, stats);
  await launches.start();
  if (config.metricsPort !== null) await serveMetrics(deps, config.host, config.metricsPort);
  const drain = new Drain({ context, owned, closer, slots, leases, clock });
  return { workerId, drain: timeoutMs => drain.run(timeoutMs), close: () => lifecycle.close() };
}

async function reconcileLoop(reconcile: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(RECONCILE_EVERY_MS, signal);
    if (!signal.aborted) await reconcile();
  }
}

function exportStats({ metrics }: Deps, stats: { slots: number; used: number; orphansReaped: number }): void {
  metrics.workerSlots.set({ state: 'total' }, stats.slots);
  metrics.workerSlots.set({ state: 'used' }, stats.used);
  metrics.orphansReaped.set(stats.orphansReaped);
}
