import { hostname } from 'node:os';
import type { Config } from '../src/config/config';
import { isStandIn } from '../src/config/stand-in';
import { pause } from '../src/core/abort';
import type { Logger } from '../src/core/logger';
import { systemProcesses } from '../src/core/process-identity';
import { RecurringFailures } from '../src/core/recurring-failures';
import { openDeps, type Deps } from '../src/deps';
import type { Stepper } from '../src/engine/stepper';
import { startStepping } from './stepping';
import { findHostIdentity, requireRoute, type HostIdentity, type RouteOf } from '../src/browser/dial';
import { prepareFirstPage } from '../src/browser/first-page';
import type { Consumer } from '../src/queue/consumer';
import type { launchPayload } from '../src/queue/payloads';
import { launchConsumer } from './consumers/launch';
import { blockingOptions, openRedis } from '../src/redis/connection';
import { controlStream } from '../src/store/control-stream';
import type { WorkerInfo } from '../src/store/lease-store';
import type { KeeperClient } from './keeper-client';
import { Drain } from './drain';
import { LaunchSlots, NO_SLOTS } from './launch/launch-slots';
import { sessionBrowserTest } from '../src/core/session-browser';
import { FailedKeys } from '../src/engine/failed-keys';
import { KeyRing } from '../src/engine/key-ring';
import { LeaseRenewal } from './ownership/lease-renewal';
import { metricsAccess } from './metrics-access';
import { serveMetrics } from './metrics-server';
import { OwnedSessions } from './ownership/owned-sessions';
import { Reconciler } from './ownership/reconciler';
import { SessionCloser } from './ownership/session-closer';
import { SessionLauncher } from './launch/session-launcher';
import { contextParts } from './contexts/context-parts';
import type { LiveSaver } from './contexts/live-saver';
import { WorkerExporter } from './worker-exporter';
import type { WorkerContext } from './worker-context';

const KEEPER_TIMEOUT_MS = 5_000;

/** How often rows and browsers are compared without a special reason. */
const RECONCILE_EVERY_MS = 5_000;

/** A running worker. */
export interface WorkerApp {
  readonly workerId: string;
  /** Ends every session of this worker as `released(drained)` and waits until their browsers are gone. */
  drain(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Dependencies of {@link startWorker}. */
export interface WorkerOptions {
  readonly config: Config;
  readonly redisUrl: string;
  /** Registered already: the registration must not wait for Redis. */
  readonly keeper: KeeperClient;
  readonly workerId: string;
  /** The folder below which the keeper's browsers live. */
  readonly runRoot: string;
  /** Another process owns this worker's sessions: exit, kill nothing. */
  readonly onFenced: () => void;
  readonly log: Logger;
}

/**
 * Starts a worker. Order matters: the lease first, so that no reaper ends the sessions that will be adopted; then
 * adoption; launches last.
 */
export async function startWorker(options: WorkerOptions): Promise<WorkerApp> {
  const { config, keeper, workerId, log } = options;
  const deps = await openDeps(config, options.redisUrl, log);
  const { lifecycle } = deps;
  const parts = assemble(options, deps, await findHostIdentity(systemProcesses));
  const { slots, launches, exporter, reconcile, tidy, stop } = parts;

  const info = (): WorkerInfo => workerInfo(slots);
  const onRenewed = (drained: boolean): void => {
    slots.setDrained(drained);
    exporter.leaseRenewed(slots.drainingSlots);
  };
  const lease = new LeaseRenewal(deps.leases, workerId, info, onRenewed, log);
  lifecycle.defer('lease renewal', () => lease.stop());
  await lease.start();
  keeper.setSecret(deps.secret);
  await tidy();
  await listen(options, deps, parts);

  await reconcile();
  const loop = reconcileLoop(reconcile, stop.signal);
  lifecycle.defer('reconciling', () => loop);
  lifecycle.defer('waiting', () => stop.abort());
  await startStepping(deps);
  lifecycle.defer('launch consumer', () => launches.close(true));
  await readSlots(options, slots);
  await launches.start();
  await lease.renewNow();
  if (config.metricsPort !== 0) await openMetrics(deps);
  const { context, owned, closer } = parts;
  const { leases, producer } = deps;
  const drain = new Drain({ context, owned, closer, slots, leases, producer });
  return { workerId, drain: timeoutMs => drain.run(timeoutMs), close: () => lifecycle.close() };
}

function workerInfo({ stats: { slots, used, warm, sleep }, draining }: LaunchSlots): WorkerInfo {
  const [ready, asleep] = [warm?.ready ?? 0, sleep?.asleep ?? 0];
  return { hostname: hostname(), slots, used, warm: ready, asleep, draining };
}

/* Metrics may be asked for with a stored key, too. */
async function openMetrics(deps: Deps): Promise<void> {
  const { config, metrics, maintenance, lifecycle, log } = deps;
  const ring = new KeyRing(deps);
  await ring.start();
  lifecycle.defer('keys', () => ring.stop());
  const names = [config.metricsHost.toLowerCase(), hostname().toLowerCase()];
  const isSessionBrowser = await sessionBrowserTest(config.keeper.browserUids);
  const access = metricsAccess({
    ...{ apiKeys: config.apiKeys, ring, failedKeys: new FailedKeys(deps) },
    ...{ isSessionBrowser, names },
  });
  await serveMetrics(
    { metrics, access, maintenance, lifecycle, log },
    config.metricsHost,
    config.metricsPort,
  );
}

/** The parts of a running worker. */
interface WorkerParts {
  readonly context: WorkerContext;
  readonly owned: OwnedSessions;
  readonly closer: SessionCloser;
  readonly liveSaver: LiveSaver;
  readonly tidy: () => Promise<void>;
  readonly slots: LaunchSlots;
  readonly launches: Consumer<typeof launchPayload>;
  readonly exporter: WorkerExporter;
  readonly reconcile: () => Promise<void>;
  readonly stop: AbortController;
}

function assemble(options: WorkerOptions, deps: Deps, localHost: HostIdentity): WorkerParts {
  const { config, keeper, runRoot, log } = options;
  const { closing, workers, timeouts, sessions, leases, clock, secret } = deps;
  const stop = new AbortController();
  const context = contextOf(options, deps.stepper, stop.signal);
  const owned = new OwnedSessions(context);
  const exporter = new WorkerExporter({ metrics: deps.metrics, clock });
  const routeOf: RouteOf = target => requireRoute(target, localHost, secret);
  const beforeClose = (claimId: string): void => launcher.cancelLaunch(claimId);
  const { mounter, endedSaver, liveSaver, tidy } = contextParts({
    ...{ deps, context, keeper, owned, runRoot, routeOf },
  });
  const closer = new SessionCloser({
    sessions,
    ...{ keeper, closing, beforeClose, exporter, clock, log },
    saver: endedSaver,
  });
  const slots = new LaunchSlots(jobs => void launches.setCapacity(jobs));
  const launcher = new SessionLauncher({
    context,
    keeper,
    owned,
    closer,
    slots,
    workers,
    timeouts,
    exporter,
    clock,
    mounter,
    prepare: isStandIn(config.keeper.browser)
      ? () => Promise.resolve()
      : (target, page, isOpen) => prepareFirstPage(routeOf(target), page, isOpen),
    settings: { secret, tenantEgress: config.tenantEgress },
  });
  const launches = launchConsumer(deps.consumerBase, launcher, 1);
  const isLaunching = (claimId: string): boolean => launcher.isLaunching(claimId);
  const reconciler = new Reconciler({ context, keeper, owned, closer, sessions, leases, clock, isLaunching });
  const reconcile = reconciling(reconciler, liveSaver, deps, log);
  return { context, owned, closer, liveSaver, tidy, slots, launches, exporter, reconcile, stop };
}

function contextOf(
  { workerId, onFenced, log }: WorkerOptions,
  stepper: Stepper,
  signal: AbortSignal,
): WorkerContext {
  return {
    workerId,
    stepper,
    log,
    signal,
    onFenced: ref => {
      log.fatal({ session: ref }, 'fenced: another process owns a session of this worker');
      onFenced();
    },
  };
}

/* One pass after the other; a failed one is logged once, and tried again. */
function reconciling(
  reconciler: Reconciler,
  liveSaver: LiveSaver,
  { maintenance }: Pick<Deps, 'maintenance'>,
  log: Logger,
): () => Promise<void> {
  const pass = async (): Promise<void> => {
    await reconciler.run();
    await liveSaver.pass(await maintenance.nowMs());
  };
  const failures = new RecurringFailures(
    log,
    'reconciling failed; it will be tried again',
    'reconciling works again',
  );
  return () =>
    pass().then(
      () => failures.worked('reconciling'),
      (error: unknown) => failures.failed('reconciling', error),
    );
}

/* If the keeper is lost or slow localHost, the slots come with the next registration or beat. */
async function readSlots({ keeper, log }: WorkerOptions, slots: LaunchSlots): Promise<void> {
  try {
    slots.update((await keeper.call('list', {}, { timeoutMs: KEEPER_TIMEOUT_MS })).stats);
  } catch (error) {
    log.warn({ err: error }, 'the keeper has not reported its slots yet');
  }
}

/* From here on the worker receives close orders (control stream) and events of browsers (keeper). */
async function listen(
  { redisUrl, keeper, workerId, log }: WorkerOptions,
  deps: Deps,
  parts: WorkerParts,
): Promise<void> {
  const { owned, closer, liveSaver, slots, exporter, reconcile } = parts;
  const control = controlStream({
    redis: openRedis(blockingOptions(redisUrl), log),
    workerId,
    onOrder: order => {
      if (order.order === 'drain') return slots.setDrained(order.drained);
      if (order.order === 'save') return liveSaver.start(order.ref);
      owned.remove(order.ref);
      void closer.close(order.ref, order.claimId, order.saves);
    },
    onGap: () => void reconcile(),
    log,
  });
  deps.lifecycle.defer('control stream', () => control.stop());
  await control.start();
  keeper.onBrowserGone(browser => owned.browserGone(browser));
  let cut = 0;
  keeper.onStats(stats => {
    // Which session it was is in the keeper's list, which reconciling reads; so a lost event does no harm.
    const { downloadsCut = 0, uploadsCut = 0 } = stats;
    if (downloadsCut + uploadsCut > cut) void reconcile();
    cut = downloadsCut + uploadsCut;
    slots.update(stats);
    exporter.observeKeeper(stats);
  });
  keeper.expectLaunches(() => slots.takesLaunches);
  keeper.onLost(() => slots.update(NO_SLOTS));
  keeper.onRegistered(reply => {
    slots.update(reply.stats);
    exporter.registered();
    void reconcile();
  });
}

async function reconcileLoop(reconcile: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(RECONCILE_EVERY_MS, signal);
    if (!signal.aborted) await reconcile();
  }
}
