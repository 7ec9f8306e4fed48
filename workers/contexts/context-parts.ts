import { join } from 'node:path';
import type { Deps } from '../../src/deps';
import { archiveLimits } from '../../src/profiles/archive-limits';
import type { KeeperClient } from '../keeper-client';
import { mountFolder } from '../keeper/host';
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
  const { config, blobs, sessions, saves, secret, waiters, log } = deps;
  const { contexts, contextVersions: versions, contextWriters: writers } = deps;
  const maker = new VersionMaker(deps);
  const states = new StateFiles(join(runRoot, 'states'));
  return {
    mounter: new ContextMounter({
      ...{ contexts, versions, writers, sessions, waiters, blobs, secret },
      limits: archiveLimits(config.contexts.maxBytes),
      mountFolder: claimId => mountFolder(runRoot, claimId),
    }),
    endedSaver: new EndedSaver({ sessions, writers, maker, states, log }),
    liveSaver: new LiveSaver({ context, keeper, owned, sessions, saves, maker }),
  };
}
