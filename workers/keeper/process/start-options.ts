import type { LaunchOptions, UpstreamProxy } from '../door/protocol';

/** What a browser is started with: the options of a launch, or what can be known of a launch ahead of it. */
export interface StartOptions extends Omit<LaunchOptions, 'proxy'> {
  readonly proxy: StartProxy;
}

/** `later`: there will be one, and the hand-over of the browser names it. Null: none. */
export type StartProxy = UpstreamProxy | 'later' | null;
