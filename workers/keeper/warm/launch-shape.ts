import type { LaunchOptions } from '../door/protocol';

/** All launches of one shape can have the same browser. Only compared; its text means nothing else. */
export type LaunchShape = string & { readonly isLaunchShape: true };

/** What a browser that is started ahead is started with. */
export interface ShapedOptions {
  readonly shape: LaunchShape;
  readonly options: LaunchOptions;
}

/**
 * The shape of a launch: everything that only flags, the environment or a companion can set. Null for a launch that
 * nothing can be started ahead for:
 *
 * - a profile that was mounted is there before its browser;
 * - the password of a proxy must not outlast its session, in the memory of a keeper or of a companion.
 *
 * Whether the profile is kept is no part of a shape, since that is decided when the browser ends.
 */
export function shapeOf({ profile, proxy, ...others }: LaunchOptions): ShapedOptions | null {
  if (profile.isMounted || proxy !== null) return null;
  const options = { ...others, proxy, profile: { isMounted: false, isKept: false } };
  // Sorted, since the order says nothing: what a worker sends has another one than what is written here.
  const text = JSON.stringify(Object.entries(others).sort(([a], [b]) => (a < b ? -1 : 1)));
  // SAFETY: this function alone makes shapes.
  return { shape: text as LaunchShape, options };
}
