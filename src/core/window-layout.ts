import type { BrowserOptions } from '../../machines/session/session.types';

/** Chromium makes no window with tabs narrower than this, CSS pixels (156, Linux; measured). */
export const NARROWEST_WINDOW = 500;

/** What tabs and toolbar take of a window's height, drawn or not, CSS pixels (156, Linux; measured). */
const TOOLBAR_HEIGHT = 87;

/** The screen of a headless Chromium that was told nothing, CSS pixels. */
const DEFAULT_SCREEN: Size = { width: 800, height: 600 };

/** A width and a height; the unit is where it is used. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** How screen and windows have to be, so that the inside of a page's window is what the session asked for. */
export interface WindowLayout {
  /** Device pixels; null if nothing was asked for that depends on it. */
  readonly screen: Size | null;
  /** Outside of a window, CSS pixels; null: Chromium's own choice. */
  readonly window: Size | null;
  /** Whether the first window covers the screen, without tabs and toolbar: the one way to a page that is narrower than {@link NARROWEST_WINDOW}. */
  readonly isFullscreen: boolean;
}

/**
 * Works out the layout. Later pages open in the first page's window and share its size; windows of their own (pages of
 * further browser contexts) are as large, but never narrower than {@link NARROWEST_WINDOW}.
 */
export function windowLayout({
  dimensions,
  deviceScaleFactor,
}: Pick<BrowserOptions, 'dimensions' | 'deviceScaleFactor'>): WindowLayout {
  const scale = deviceScaleFactor ?? 1;
  const devicePixels = ({ width, height }: Size): Size => ({
    width: Math.floor(width * scale),
    height: Math.floor(height * scale),
  });
  if (dimensions === null) {
    const screen = deviceScaleFactor === null ? null : devicePixels(DEFAULT_SCREEN);
    return { screen, window: null, isFullscreen: false };
  }
  const window = {
    width: Math.max(dimensions.width, NARROWEST_WINDOW),
    height: dimensions.height + TOOLBAR_HEIGHT,
  };
  const isFullscreen = dimensions.width < NARROWEST_WINDOW;
  return { screen: devicePixels(isFullscreen ? dimensions : window), window, isFullscreen };
}
