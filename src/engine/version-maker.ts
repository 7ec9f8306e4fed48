import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import type { ContextSave } from '../../machines/session/session.types';
import type { ContextConflict, VersionSource } from '../../machines/session/session.words';
import type { BlobStore } from '../blobs/blob-store';
import type { Config } from '../config/config';
import { quotasOf } from '../config/quotas';
import { EMPTY_STATE, type BrowserState } from '../core/browser-state';
import { readUntrustedFile } from '../core/read-untrusted-file';
import type { ErrorCode } from '../core/errors';
import { contextRefOf } from '../core/ids';
import type { CommitVersion } from './commit-version';
import { sealStream, TenantKey } from '../core/sealed-stream';
import type { Clock } from '../core/clock';
import type { Report } from '../metrics/report';
import { ArchiveTooLargeError } from '../profiles/archive-errors';
import { archiveLimits, type ArchiveLimits } from '../profiles/archive-limits';
import { ARCHIVE_FORMAT, type ArchiveManifest } from '../profiles/archive-manifest';
import { packProfile } from '../profiles/pack-profile';
import type { VersionAnswer } from '../store/contexts/context-record';
import type { DoomedBlobs } from '../store/contexts/doomed-blobs';

/** A state of a context to make a version of. */
export interface VersionInput {
  readonly tenant: string;
  readonly contextId: string;
  readonly onConflict: ContextConflict;
  /** The session that saves; null for an import. */
  readonly sessionId: string | null;
  /** Names the save: one that is repeated makes no second version. */
  readonly saveId: string;
  readonly source: VersionSource;
  /** The folder of a profile, or of a copy; null: there is only a state. */
  readonly dir: string | null;
  /** Null: the browser was gone before it could be read. */
  readonly state: BrowserState | null;
  /** The version that this one builds on; 0: none. */
  readonly baseVersion: number;
  readonly endedCleanly: boolean;
}

/** What became of a save. */
export type MadeVersion = Pick<ContextSave, 'version' | 'isCurrent' | 'problem'>;

/** Dependencies of {@link VersionMaker}. */
export interface VersionMakerParts {
  readonly commitVersion: CommitVersion;
  readonly doomedBlobs: Pick<DoomedBlobs, 'expect'>;
  readonly blobs: Pick<BlobStore, 'put'>;
  readonly config: Pick<Config, 'contexts' | 'quotas'>;
  readonly report: Pick<Report, 'contextSaved'>;
  /** The installation's secret. */
  readonly secret: string;
  readonly clock: Clock;
}

/** Chromium writes its version here, in the profile, at every start. */
export const LAST_VERSION_FILE = 'Last Version';

/** Makes a version of a context out of a profile: packs, encrypts and stores it, then commits it. */
export class VersionMaker {
  readonly #limits: ArchiveLimits;

  constructor(private readonly parts: VersionMakerParts) {
    this.#limits = archiveLimits(parts.config.contexts.maxBytes);
  }

  /** @throws what the file system, the storage and Redis throw while they are away: the save can be repeated. */
  async make(input: VersionInput): Promise<MadeVersion> {
    const { tenant, contextId, saveId, sessionId, source } = input;
    try {
      return madeVersion(await this.#commit(input), contextId);
    } catch (error) {
      if (!(error instanceof ArchiveTooLargeError)) throw error;
      const ref = contextRefOf(tenant, contextId);
      this.parts.report.contextSaved(ref, 'too_large', { save: saveId, session: sessionId, source });
      return failed('context_too_large', error.message);
    }
  }

  async #commit(input: VersionInput): Promise<VersionAnswer> {
    const { tenant, contextId, onConflict, sessionId, saveId, source, baseVersion } = input;
    const { commitVersion, config } = this.parts;
    const { keptVersions: keepVersions } = config.contexts;
    const tenantMaxBytes = quotasOf(config.quotas, tenant).contextBytes ?? config.contexts.tenantMaxBytes;
    // Another one for each try: a version may have that of an earlier try already.
    const blobKey = `contexts/${tenant}/${contextId}/${randomUUID()}`;
    const chromiumVersion = input.dir === null ? null : await chromiumVersionOf(input.dir);
    return commitVersion({
      ref: contextRefOf(tenant, contextId),
      ...{ saveId, blobKey, sessionId, source, chromiumVersion, baseVersion, onConflict },
      ...(await this.#store(blobKey, chromiumVersion, input)),
      ...{ keepVersions, tenantMaxBytes },
    });
  }

  async #store(
    blobKey: string,
    chromiumVersion: string | null,
    { tenant, dir, state, endedCleanly }: VersionInput,
  ): Promise<{ bytes: number; sha256: string }> {
    const { doomedBlobs, blobs, secret, clock } = this.parts;
    const savedAtMs = clock.nowMs();
    await doomedBlobs.expect(blobKey, savedAtMs);
    const manifest: ArchiveManifest = {
      format: ARCHIVE_FORMAT,
      chromiumVersion: chromiumVersion ?? '',
      endedCleanly,
      stateWasRead: state !== null,
      savedAtMs,
    };
    const archive = packProfile({ dir, manifest, state: state ?? EMPTY_STATE, limits: this.#limits });
    // The store gets the error of either stream.
    const sealed = pipeline(archive, sealStream(new TenantKey(secret, tenant), blobKey), () => undefined);
    return blobs.put(blobKey, sealed);
  }
}

function madeVersion(answer: VersionAnswer, contextId: string): MadeVersion {
  switch (answer.answer) {
    case 'OK':
    case 'REPLAY':
      return { version: answer.version, isCurrent: answer.isCurrent, problem: null };
    case 'MISSING':
      return failed('context_not_found', `the context ${contextId} was deleted`);
    case 'QUOTA':
      return failed(
        'contexts_quota_exceeded',
        `the contexts of the tenant take ${answer.bytes} bytes already`,
      );
  }
}

/** A save that no repeat would make succeed. */
export const failed = (code: ErrorCode, message: string): MadeVersion => ({
  version: null,
  isCurrent: false,
  problem: { code, message },
});

async function chromiumVersionOf(dir: string): Promise<string | null> {
  const text = await readUntrustedFile(join(dir, LAST_VERSION_FILE), 64);
  return /^[\d.]+$/.exec(text?.trim() ?? '')?.[0] ?? null;
}
