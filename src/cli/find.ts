import type { Browser } from '../client/browser';
import type { ListContextsOptions } from '../client/contexts';
import { isHoldfastError, type ErrorCode } from '../client/errors';
import { type Session, type SessionStatus, ENDED_STATUSES, OPEN_STATUSES } from '../client/session';
import { UsageError } from './exit-codes';

/** A possible meaning of a word on the command line. */
interface Candidate {
  readonly id: string;
  readonly name: string | null;
  /** A description that distinguishes it from others, for people. */
  readonly about: string;
}

/** How to look up words of one kind. */
interface Kind {
  readonly plural: string;
  /** The service's error code for an unknown id. */
  readonly missing: ErrorCode;
  /** All candidates, in groups: the more likely ones first. */
  candidates(
    client: Browser,
    word: string,
  ): AsyncIterable<readonly Candidate[]> | Iterable<Promise<readonly Candidate[]>>;
}

/** A shorter prefix of an id is not accepted: it is probably a typing error. */
const PREFIX_MIN = 4;
/** A complete id is never a prefix of another. */
const WHOLE_ID = /^(?:ctx_)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** How many ended sessions are searched, the newest first. */
const ENDED_MAX = 1_000;
const SHOWN_MAX = 5;

/** A word matches several candidates. */
export class AmbiguousWord extends UsageError {
  constructor(
    word: string,
    { plural }: Pick<Kind, 'plural'>,
    /** Ids of all candidates. */
    readonly candidates: readonly string[],
    about: readonly string[],
  ) {
    const shown = about.slice(0, SHOWN_MAX).join(', ');
    const more = about.length > SHOWN_MAX ? ` and ${about.length - SHOWN_MAX} more` : '';
    super(`${JSON.stringify(word)} matches ${about.length} ${plural}: ${shown}${more}`);
    this.name = 'AmbiguousWord';
  }
}

/**
 * Calls `use` with the session, context, worker or job that a word means. A complete id is used directly, without a
 * further request. Only if the service does not know it is the word looked up: as a name, then as a prefix of an id. A
 * word with several matches is an error.
 *
 * @throws UsageError if the word is empty; AmbiguousWord if it means several; what `use` throws.
 */
export async function withWord<T>(
  kind: Kind,
  client: Browser,
  word: string,
  use: (id: string) => Promise<T>,
): Promise<T> {
  if (word.trim() === '') throw new UsageError('an id is empty: is a variable of the shell not set?');
  try {
    return await use(word);
  } catch (error) {
    if (!isHoldfastError(error, kind.missing) || WHOLE_ID.test(word)) throw error;
    const found = await lookUp(kind, client, word);
    if (found === null) throw error;
    return use(found);
  }
}

async function lookUp(kind: Kind, client: Browser, word: string): Promise<string | null> {
  for await (const group of kind.candidates(client, word)) {
    const named = group.filter(({ name }) => name === word);
    const begun = word.length < PREFIX_MIN ? [] : group.filter(({ id }) => id.startsWith(word));
    const found = named.length > 0 ? named : begun;
    const [first] = found;
    if (found.length > 1) {
      const ids = found.map(({ id }) => id);
      throw new AmbiguousWord(
        word,
        kind,
        ids,
        found.map(({ id, about }) => `${id} (${about})`),
      );
    }
    if (first !== undefined) return first.id;
  }
  return null;
}

/** Sessions, by name and id: those that have not ended, then the newest that have. */
export const SESSIONS: Kind = {
  plural: 'sessions',
  missing: 'session_not_found',
  *candidates({ sessions }) {
    const some = async (status: readonly SessionStatus[], max: number): Promise<Candidate[]> => {
      const found: Candidate[] = [];
      for await (const session of sessions.list({ status, limit: 100 })) {
        found.push(sessionCandidate(session));
        if (found.length >= max) break;
      }
      return found;
    };
    yield some(OPEN_STATUSES, Infinity);
    yield some(ENDED_STATUSES, ENDED_MAX);
  },
};

const sessionCandidate = ({ id, name, status }: Session): Candidate => ({
  id,
  name,
  about: name === null ? status : `${status}, ${name}`,
});

/** Contexts, by name and id; only a word that begins like an id is searched for among all. */
export const CONTEXTS: Kind = {
  plural: 'contexts',
  missing: 'context_not_found',
  *candidates({ contexts }, word) {
    const all = async (options: ListContextsOptions): Promise<Candidate[]> => {
      const found: Candidate[] = [];
      for await (const { id, name } of contexts.list({ limit: 100, ...options }))
        found.push({ id, name, about: name ?? 'no name' });
      return found;
    };
    yield all({ name: word });
    if (word.startsWith('ctx_')) yield all({});
  },
};

/** Workers, by host and id. */
export const WORKERS: Kind = {
  plural: 'workers',
  missing: 'worker_not_found',
  *candidates({ workers }) {
    yield workers
      .list()
      .then(found => found.map(({ id, hostname }) => ({ id, name: hostname, about: hostname ?? 'gone' })));
  },
};

/** API keys, by name and id. */
export const KEYS: Kind = {
  plural: 'keys',
  missing: 'key_not_found',
  *candidates({ keys }) {
    yield (async () => {
      const found: Candidate[] = [];
      for await (const { id, name, tenant } of keys.list({ limit: 100 }))
        found.push({ id, name, about: `${name}, ${tenant}` });
      return found;
    })();
  },
};

/** Jobs in quarantine, by id. */
export const JOBS: Kind = {
  plural: 'jobs',
  missing: 'job_not_found',
  *candidates({ jobs }) {
    yield (async () => {
      const found: Candidate[] = [];
      for await (const { id, queue, name } of jobs.list({ limit: 100 }))
        found.push({ id, name: null, about: `${queue}, ${name}` });
      return found;
    })();
  },
};
