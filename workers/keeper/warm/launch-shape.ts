import type { LaunchOptions } from '../door/protocol';
import type { StartOptions } from '../process/start-options';

/** All launches of one shape can have the same browser. Only compared; its text means nothing else. */
export type LaunchShape = string & { readonly isLaunchShape: true };

/** What a browser that is started ahead is started with. */
export interface ShapedOptions {
  readonly shape: LaunchShape;
  readonly options: StartOptions;
}

/**
 * The shape of a launch: everything that only flags, the environment or a companion can set. Null for a launch with a
 * mounted profile, which is there before its browser.
 *
 * Of a proxy only that there is one: shapes outlast sessions, and its password must not. The hand-over names it.
 * Whether the profile is kept is no part of a shape, since that is decided when the browser ends.
 */
export function shapeOf({ profile, proxy, ...others }: LaunchOptions): ShapedOptions | null {
  if (profile.isMounted) return null;
  const shaped = { ...others, proxy: proxy === null ? null : ('later' as const) };
  // Sorted, since the order says nothing: what a worker sends has another one than what is written here.
  const text = JSON.stringify(Object.entries(shaped).sort(([a], [b]) => (a < b ? -1 : 1)));
  // SAFETY: this function alone makes shapes.
  return { shape: text as LaunchShape, options: { ...shaped, profile: { isMounted: false, isKept: false } } };
}
