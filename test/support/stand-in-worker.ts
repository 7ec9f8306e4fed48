import type { Endpoint } from '../../machines/session/session.types';
import { isEnded } from '../../machines/session/session.words';
import { randomId, type SessionRef } from '../../src/core/ids';
import type { Deps } from '../../src/deps';
import { Consumer, DONE, type JobResult } from '../../src/queue/consumer';
import { launchPayload } from '../../src/queue/payloads';
import type { Notice } from '../../src/store/notice-stream';

/** The outcome of a launch: the session becomes live, it fails, or no worker takes the job. */
export type LaunchOutcome = 'live' | 'failed' | 'ignored';

const WORKER_ID = 'stand-in';

/**
 * Stands in for a worker: takes launch jobs, reports the endpoint that it was given for each browser, and reports the
 * browser as gone as soon as its session has ended. It steps sessions through the real stepper, as a worker does.
 */
export class StandInWorker {
  /** The outcome of launches from now on. */
  launches: LaunchOutcome = 'live';
  /** Whether browsers of ended sessions end; if not, releases wait until their limit. */
  closesBrowsers = true;
  readonly #consumer: Consumer<typeof launchPayload>;

  constructor(
    private readonly deps: Deps,
    /** The endpoint that it reports for browsers from now on. */
    public endpoint: Endpoint,
  ) {
    this.#consumer = new Consumer({
      ...deps.consumerBase,
      queue: 'launch',
      schema: launchPayload,
      concurrency: 20,
      handle: payload => this.#launch(payload.ref),
    });
  }

  /** Begins to work. */
  async start(): Promise<void> {
    this.deps.notices.on('notice', this.#onNotice);
    await this.#consumer.start();
  }

  /** Stops working. */
  async close(): Promise<void> {
    this.deps.notices.off('notice', this.#onNotice);
    await this.#consumer.close();
  }

  /** Reports that the browser of a live session has crashed, does not answer or has reached a limit. */
  async crash(
    ref: SessionRef,
    cause: 'browser_crashed' | 'browser_unresponsive' | 'resource_limit' = 'browser_crashed',
  ): Promise<void> {
    await this.deps.stepper.apply({
      ref,
      cause: 'browser_gone',
      actor: `worker:${WORKER_ID}`,
      event: (_record, nowMs) => ({ type: 'BROWSER_GONE', cause, message: 'exit 133', nowMs }),
    });
  }

  /** Reports that the machine of a live session is lost. */
  async lose(ref: SessionRef): Promise<void> {
    await this.deps.stepper.apply({
      ref,
      cause: 'lease_expired',
      actor: 'sweep',
      event: ({ snapshot }, nowMs) => {
        const fence = snapshot.context.owner?.fence ?? { n: 0, claimId: '' };
        return { type: 'WORKER_LOST', fence, nowMs };
      },
    });
  }

  async #launch(ref: SessionRef): Promise<JobResult> {
    const { stepper } = this.deps;
    if (this.launches === 'ignored') return DONE;
    const by = { ref, cause: 'launch', actor: `worker:${WORKER_ID}` };
    await stepper.apply({
      ...by,
      event: (_record, nowMs) => ({ type: 'CLAIM', workerId: WORKER_ID, claimId: randomId(), nowMs }),
    });
    await stepper.apply({
      ...by,
      event: (_record, nowMs) =>
        this.launches === 'failed'
          ? { type: 'LAUNCH_FAILED', message: 'no display', nowMs }
          : { type: 'BROWSER_READY', endpoint: this.endpoint, nowMs },
    });
    return DONE;
  }

  readonly #onNotice = (notice: Notice): void => {
    if (notice.type === 'transition' && isEnded(notice.to) && this.closesBrowsers)
      void this.#close(notice.ref);
  };

  async #close(ref: SessionRef): Promise<void> {
    const { record } = await this.deps.sessions.load(ref);
    const claimId = record?.snapshot.context.owner?.fence.claimId;
    if (claimId !== undefined) await this.deps.closing.acknowledge(ref, claimId);
  }
}
