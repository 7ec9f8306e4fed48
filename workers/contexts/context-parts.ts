import { join } from 'node:path';
import type { Deps } from '../../src/deps';
import { archiveLimits } from '../../src/profiles/archive-limits';
import type { KeeperClient } from '../keeper-client';
import { mountsFolder } from '../keeper/host';
import type { OwnedSessions } from '../ownership/owned-sessions';
import type { WorkerContext } from '../worker-context';
import { ContextMounter } from './context-mounter';
import { EndedSaver } from './ended-saver';
import { LiveSaver } from './live-saver';
import { StateFiles } from './state-files';
import { VersionMaker } from '../../src/engine/version-maker';

/** The parts of a worker that mount and save contexts. */
export interface ContextParts {
  readonly mounter: ContextMounter;
  readonly endedSaver: EndedSaver;
  readonly liveSaver: LiveSaver;
  /** Removes what earlier processes have left behind. Call it before the first launch. Never throws. */
  readonly open: () => Promise<void>;
}

/** Dependencies of {@link contextParts}. */
export interface ContextPartsInput {
  readonly deps: Deps;
  readonly context: WorkerContext;
  readonly keeper: KeeperClient;
  readonly owned: OwnedSessions;
  /** The folder below which the keeper's browsers live. */
  readonly runRoot: string;
}

/** Makes what mounts and saves contexts in a worker. */
export function contextParts({ deps, context, keeper, owned, runRoot }: ContextPartsInput): ContextParts {
  const { config, blobs, sessions, saves, secret, waiters, report, log } = deps;
  const { contexts, contextVersions: versions, contextWriters: writers } = deps;
  const maker = new VersionMaker(deps);
  const states = new StateFiles(join(runRoot, 'states'));
  const mounter = new ContextMounter({
    ...{ contexts, versions, writers, sessions, waiters, blobs, secret },
    limits: archiveLimits(config.contexts.maxBytes),
    mountsFolder: mountsFolder(runRoot),
  });
  return {
    mounter,
    endedSaver: new EndedSaver({ sessions, writers, maker, states, report, log }),
    liveSaver: new LiveSaver({ context, keeper, owned, sessions, saves, maker }),
    open: async () => {
      try {
        const owed = (await deps.closing.all()).filter(({ workerId }) => workerId === context.workerId);
        await states.open(new Set(owed.map(({ claimId }) => claimId)));
        await mounter.open();
      } catch (error) {
        // It only takes space; the next start tries again.
        log.warn({ err: error }, 'what an earlier process has prepared could not be removed');
      }
    },
  };
}
