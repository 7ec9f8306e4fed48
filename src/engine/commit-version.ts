import type { Report } from '../metrics/report';
import type { VersionAnswer, VersionCommit } from '../store/contexts/context-record';
import type { ContextVersions } from '../store/contexts/context-versions';

/** Makes a version of a context out of a stored blob, and reports it. */
export type CommitVersion = (commit: VersionCommit) => Promise<VersionAnswer>;

/** Dependencies of {@link commitVersion}. */
export interface CommitVersionParts {
  readonly contextVersions: Pick<ContextVersions, 'commit'>;
  readonly report: Pick<Report, 'contextSaved'>;
}

/**
 * The one way a version comes into being, by whichever save. A repeat of a save is answered as the first time, and
 * reported only then.
 *
 * @throws what Redis throws while it is away; then the version may exist, and a repeat tells.
 */
export function commitVersion({ contextVersions, report }: CommitVersionParts): CommitVersion {
  return async commit => {
    const { ref, saveId, sessionId, source, bytes } = commit;
    const answer = await contextVersions.commit(commit);
    const about = { save: saveId, session: sessionId, source, bytes };
    switch (answer.answer) {
      case 'OK': {
        const { version, isCurrent } = answer;
        report.contextSaved(ref, isCurrent ? 'current' : 'kept_aside', { ...about, version });
        break;
      }
      case 'MISSING':
        report.contextSaved(ref, 'context_deleted', about);
        break;
      case 'QUOTA':
        report.contextSaved(ref, 'quota_exceeded', about);
        break;
      case 'REPLAY':
        break;
    }
    return answer;
  };
}
