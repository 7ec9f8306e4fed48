import { windowLayout, type LayoutWishes } from './window-layout';

const FIRST_PAGE_URL = 'about:blank';

/**
 * The CDP command that opens a browser's first page. `Target.createTarget` and not `PUT /json/new`, whose page never
 * gets the focus (Chromium 156). Later pages open in the same window.
 */
export function firstPageCommand(wishes: LayoutWishes): {
  readonly method: string;
  readonly params: object;
} {
  const windowState = windowLayout(wishes).isFullscreen ? { windowState: 'fullscreen' } : {};
  return { method: 'Target.createTarget', params: { url: FIRST_PAGE_URL, ...windowState } };
}
