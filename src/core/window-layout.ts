import type { BrowserOptions } from '../../machines/session/session.types';
import type { BrowserName } from '../../machines/session/session.words';

/** Chromium makes no window with tabs narrower than this, CSS pixels (Chromium 156, Linux; measured). */
export const NARROWEST_WINDOW = 500;

/** The height that tabs and toolbar take of a window, drawn or not, CSS pixels (Chromium 156, Linux; measured). */
const TOOLBAR_HEIGHT = 87;

/** The viewport of a session that has asked for none. */
export const DEFAULT_DIMENSIONS: Size = { width: 1_280, height: 720 };

/** A width and a height; the unit is where it is used. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** What {@link windowLayout} depends on. */
export interface LayoutWishes extends Pick<BrowserOptions, 'dimensions' | 'deviceScaleFactor'> {
  /** Left out or null: the whole Chromium. The headless shell draws no tabs, and makes windows of any width. */
  readonly browser?: BrowserName | null;
}

/** The sizes of screen and windows that give the inside of a page's window the requested dimensions. */
export interface WindowLayout {
  /** Device pixels. */
  readonly screen: Size;
  /** Outside of a window, CSS pixels. */
  readonly window: Size;
  /**
   * Whether the first window covers the screen, without tabs and toolbar: the only way to a page narrower than
   * {@link NARROWEST_WINDOW}.
   */
  readonly isFullscreen: boolean;
}

/**
 * Works out the layout. Later pages open in the first page's window and share its size; windows of their own (pages of
 * further browser contexts) are as large, but never narrower than {@link NARROWEST_WINDOW}.
 */
export function windowLayout(wishes: LayoutWishes): WindowLayout {
  const dimensions = wishes.dimensions ?? DEFAULT_DIMENSIONS;
  const scale = wishes.deviceScaleFactor ?? 1;
  if (wishes.browser === 'chromium-headless-shell') {
    const { width, height } = dimensions;
    const screen = { width: Math.floor(width * scale), height: Math.floor(height * scale) };
    return { screen, window: dimensions, isFullscreen: false };
  }
  const window = {
    width: Math.max(dimensions.width, NARROWEST_WINDOW),
    height: dimensions.height + TOOLBAR_HEIGHT,
  };
  const isFullscreen = dimensions.width < NARROWEST_WINDOW;
  const { width, height } = isFullscreen ? dimensions : window;
  const screen = { width: Math.floor(width * scale), height: Math.floor(height * scale) };
  return { screen, window, isFullscreen };
}
