import type { ContextConflict, VersionSource } from '../../../machines/session/session.words';
import type { ContextRef } from '../../core/ids';

/* The types that are read from the stores of contexts and written to them. */

/** How long the answer of an operation is kept for its repeats; as long as an Idempotency-Key. */
export const ANSWER_KEPT_MS = 24 * 3_600_000;

/** A context: a named place of a tenant where logins are kept between sessions. */
export interface ContextRecord {
  readonly ref: ContextRef;
  readonly tenant: string;
  readonly id: string;
  /** Unique among the contexts of the tenant; null: none. */
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Rises with every change, also of its versions. */
  readonly revision: number;
  /** The version that sessions get; 0: there is none yet. */
  readonly currentVersion: number;
  /** The newest version that was ever made; 0: there is none yet. */
  readonly latestVersion: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** Of all kept versions. */
  readonly bytes: number;
}

/** A saved state of a context; it never changes. */
export interface ContextVersion {
  readonly version: number;
  readonly createdAtMs: number;
  /** Where the archive is. */
  readonly blobKey: string;
  readonly bytes: number;
  /** Of the blob, hexadecimal. */
  readonly sha256: string;
  /** The session that saved it; null for an import. */
  readonly sessionId: string | null;
  readonly source: VersionSource;
  /** The Chromium that wrote the profile; null if none did. */
  readonly chromiumVersion: string | null;
  /** The version that was current when the session mounted the context; 0: it was empty. */
  readonly baseVersion: number;
}

/** A context to make. */
export interface NewContext {
  readonly tenant: string;
  readonly id: string;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  /** Names the request: the same for every repeat of it. */
  readonly requestKey: string;
  /** Hash of what was asked for. */
  readonly fingerprint: string;
  /** How many contexts the tenant may have; null: any number. */
  readonly contextsMax: number | null;
}

/** The answer to {@link NewContext}. */
export type CreateContextAnswer =
  | { readonly answer: 'OK' }
  /** The request was answered before, with this context; `fingerprint` shows whether it was for the same. */
  | { readonly answer: 'IDEMPOTENT'; readonly id: string; readonly fingerprint: string }
  /** The context that has the name. */
  | { readonly answer: 'EXISTS'; readonly id: string }
  /** The tenant has as many as it may have. */
  | { readonly answer: 'QUOTA'; readonly limit: number };

/** A change of a context. */
export interface ContextChange {
  readonly before: ContextRecord;
  /** Applied at most once; a repeat gets the first answer. */
  readonly opId: string;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
}

/** A version to make out of a blob that is stored already. */
export interface VersionCommit extends Omit<ContextVersion, 'version' | 'createdAtMs'> {
  readonly ref: ContextRef;
  /** Committed at most once; a repeat gets the first answer. */
  readonly saveId: string;
  /**
   * If another version than the base is current: `keep` leaves it so. `replace`, and `refuse`, which has kept others
   * from saving, make this one current.
   */
  readonly onConflict: ContextConflict;
  /** How many versions stay, this one and the current one among them, even if they are more. */
  readonly keepVersions: number;
  /** How large all contexts of the tenant together may be; null: without limit. */
  readonly tenantMaxBytes: number | null;
}

/** The answer to {@link VersionCommit}. Unless it is OK or REPLAY, its blob is doomed. */
export type VersionAnswer =
  | {
      readonly answer: 'OK' | 'REPLAY';
      readonly version: number;
      /** Whether it became the current version. */
      readonly isCurrent: boolean;
      /** The revision of the context that it made. */
      readonly revision: number;
    }
  /** The context was deleted. */
  | { readonly answer: 'MISSING' }
  /** The tenant's contexts would be too large; `bytes` is what they take without it. */
  | { readonly answer: 'QUOTA'; readonly bytes: number };

/** A session that saves into a context. */
export interface ContextWriter {
  readonly sessionId: string;
  /** When it was registered, Redis `TIME`. */
  readonly sinceMs: number;
}
