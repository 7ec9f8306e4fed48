import { parseRef } from '../../../src/core/ids';

/** How much disk space the downloads, the uploads, or the own files of a browser may take. */
export interface DiskAllowance {
  /**
   * States how many bytes they take; answers how many they may take now. What they have taken within an earlier answer,
   * and what was there at the first call, stays theirs as far as the tenant is concerned.
   */
  readonly claim: (bytes: number) => number;
}

/** An allowance that says, too, how many bytes are allowed while the tenant has enough left. */
export interface BoundAllowance extends DiskAllowance {
  /** Infinity: no limit. */
  readonly maxBytes: number;
}

/** The allowances of one session. */
export interface SessionDisk {
  readonly downloads: DiskAllowance;
  readonly uploads: DiskAllowance;
  /** What the browser writes for itself: its profile and its temporary files. */
  readonly own: BoundAllowance;
  /** Its files are gone. */
  readonly close: () => void;
}

/** What bounds the files of sessions, in bytes. */
export interface DiskTerms {
  /** The downloads of one session. */
  readonly downloadsMaxBytes: number;
  /** The uploads of one session. */
  readonly uploadsMaxBytes: number;
  /** The own files of one browser; null: no limit. */
  readonly browserMaxBytes: number | null;
  /** All files of all sessions of a tenant on this machine; null: no limit. */
  readonly tenantMaxBytes: (tenant: string) => number | null;
}

/**
 * What the sessions of each tenant hold on the disk of this machine, and how much more they may. A session that grows
 * is refused; what others hold is never taken away for it, in whichever order they are looked at.
 */
export class TenantDisk {
  readonly #bytesOf = new Map<string, number>();

  constructor(private readonly terms: DiskTerms) {}

  /** The allowances of a session; nothing is held yet. */
  of(ref: string): SessionDisk {
    const { downloadsMaxBytes, uploadsMaxBytes, browserMaxBytes, tenantMaxBytes } = this.terms;
    const tenant = parseRef(ref)?.tenant ?? '';
    const tenantMax = tenantMaxBytes(tenant) ?? Infinity;
    const shares: Share[] = [];
    const within = (maxBytes: number): BoundAllowance => {
      const share = new Share(this.#bytesOf, tenant);
      shares.push(share);
      // What is beyond the session's own quota goes, so the tenant need not hold it.
      const claim = (bytes: number): number =>
        Math.min(maxBytes, share.claim(Math.min(bytes, maxBytes), tenantMax));
      return { maxBytes, claim };
    };
    return {
      downloads: within(downloadsMaxBytes),
      uploads: within(uploadsMaxBytes),
      own: within(browserMaxBytes ?? Infinity),
      close: () => shares.forEach(share => share.close()),
    };
  }
}

/* What one holder has of its tenant's bytes. */
class Share {
  #held: number | null = null;
  #isClosed = false;

  constructor(
    private readonly bytesOf: Map<string, number>,
    private readonly tenant: string,
  ) {}

  claim(bytes: number, tenantMax: number): number {
    const others = (this.bytesOf.get(this.tenant) ?? 0) - (this.#held ?? 0);
    const may = Math.max(this.#held ?? bytes, tenantMax - others);
    if (!this.#isClosed) this.#hold(Math.min(bytes, may), others);
    return may;
  }

  close(): void {
    this.#isClosed = true;
    this.#hold(0, (this.bytesOf.get(this.tenant) ?? 0) - (this.#held ?? 0));
  }

  #hold(bytes: number, others: number): void {
    this.#held = bytes;
    if (others + bytes === 0) this.bytesOf.delete(this.tenant);
    else this.bytesOf.set(this.tenant, others + bytes);
  }
}
