/** How a session uses its context. */
export interface SessionContextData {
  readonly id: string;
  /** Whether it saves a version when it ends. */
  readonly persist: boolean;
  readonly onConflict: ContextConflict;
  /** Milliseconds between saves while it is live; null: only on demand. */
  readonly saveEvery: number | null;
  /** The version that its browser has started with; null: none, or the session is not live yet. */
  readonly version: number | null;
  /** Its latest save. The one at its end comes with the end of its browser. */
  readonly lastSave: ContextSaveData | null;
}

/** What became of a save. */
export interface ContextSaveData {
  /** Rises with every request for a save; null: the save at the session's end. */
  readonly id: number | null;
  readonly at: string;
  /** The version that it made; null: none, for the reason in `error`. */
  readonly version: number | null;
  /** Whether that version became the current one. */
  readonly isCurrent: boolean;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** What happens to a save if another session has saved into the context since this one mounted it. */
export type ContextConflict = 'keep' | 'replace' | 'refuse';

/** The context of a new session, by `id` or by `name`. */
export interface ContextOptions {
  readonly id?: string;
  /** A context of this name is created if there is none. */
  readonly name?: string;
  /** Whether the session saves a new version when it ends. Default: false. */
  readonly persist?: boolean;
  /** Default: `keep`, which makes a version that is not the current one. */
  readonly onConflict?: ContextConflict;
  /** Saves also while it is live, every so many milliseconds. */
  readonly saveEvery?: number | null;
}
