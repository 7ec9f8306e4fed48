import type { RouteOf } from '../../src/browser/dial';
import type { SessionRef } from '../../src/core/ids';
import type { Waiters } from '../../src/engine/waiters';
import type { ClosingStore } from '../../src/store/closing-store';
import type { NoticeStream } from '../../src/store/notice-stream';
import { archiveLimits } from '../../src/profiles/archive-limits';
import type { KeeperClient } from '../keeper-client';
import { workerFolders } from '../keeper/host';
import type { OwnedSessions } from '../ownership/owned-sessions';
import type { WorkerContext } from '../worker-context';
import { ContextMounter, type ContextMounterParts } from './context-mounter';
import { EndedSaver, type EndedSaverParts } from './ended-saver';
import { LiveSaver, type LiveSaverParts } from './live-saver';
import { StateFiles } from './state-files';
import { VersionMaker, type VersionMakerParts } from '../../src/engine/version-maker';

/** The parts of a worker that mount and save contexts. */
export interface ContextParts {
  readonly mounter: ContextMounter;
  readonly endedSaver: EndedSaver;
  readonly liveSaver: LiveSaver;
  /**
   * Removes what an earlier process of this worker has left behind. Before anything is mounted or saved. Never throws:
   * what is left only takes space.
   */
  readonly tidy: () => Promise<void>;
}

/** What mounts and saves need of the process. */
export type ContextDeps = VersionMakerParts &
  Pick<ContextMounterParts, 'contexts' | 'sessions' | 'blobs'> &
  Pick<LiveSaverParts, 'sessions' | 'saves'> &
  Pick<EndedSaverParts, 'log'> & {
    readonly closing: Pick<ClosingStore, 'all'>;
    readonly waiters: Pick<Waiters, 'closed'>;
    readonly notices: Pick<NoticeStream, 'during'>;
    readonly contextVersions: ContextMounterParts['versions'];
    readonly contextWriters: ContextMounterParts['writers'] & EndedSaverParts['writers'];
  };

/** Dependencies of {@link contextParts}. */
export interface ContextPartsInput {
  readonly deps: ContextDeps;
  readonly context: WorkerContext;
  readonly keeper: KeeperClient;
  readonly owned: OwnedSessions;
  /** The folder below which the keeper's browsers live. */
  readonly runRoot: string;
  readonly routeOf: RouteOf;
}

/** Makes what mounts and saves contexts in a worker. */
export function contextParts(input: ContextPartsInput): ContextParts {
  const { deps, context, keeper, owned, runRoot, routeOf } = input;
  const { config, blobs, sessions, saves, secret, waiters, notices, report, log } = deps;
  const { contexts, contextVersions: versions, contextWriters: writers } = deps;
  const maker = new VersionMaker(deps);
  const folders = workerFolders(runRoot);
  const states = new StateFiles(folders.states);
  const mounter = new ContextMounter({
    ...{ contexts, versions, writers, sessions, blobs, secret },
    // Nothing else in a worker waits for notices.
    untilClosed: (ref, timeoutMs) => notices.during(() => waiters.closed(ref, timeoutMs)),
    limits: archiveLimits(config.contexts.maxBytes),
    folder: folders.mounts,
  });
  const liveSaver = new LiveSaver({ context, keeper, owned, sessions, saves, maker, routeOf });
  const liveSaveSettled = (ref: SessionRef): Promise<void> => liveSaver.settled(ref);
  return {
    mounter,
    liveSaver,
    endedSaver: new EndedSaver({
      ...{ sessions, writers, maker, states, liveSaveSettled, routeOf, report, log },
    }),
    tidy: () => tidy(mounter, states, deps),
  };
}

async function tidy(
  mounter: ContextMounter,
  states: StateFiles,
  { closing, log }: Pick<ContextDeps, 'closing' | 'log'>,
): Promise<void> {
  try {
    await mounter.discardAll();
    await states.removeOthers(new Set((await closing.all()).map(({ claimId }) => claimId)));
  } catch (error) {
    log.warn({ err: error }, 'files of an earlier worker process could not be removed');
  }
}
