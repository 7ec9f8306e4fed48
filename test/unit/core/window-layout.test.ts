import { windowLayout } from '../../../src/core/window-layout';

test('without options a page is 1280 × 720', () => {
  expect(windowLayout({ dimensions: null, deviceScaleFactor: null })).toEqual({
    screen: { width: 1_280, height: 807 },
    window: { width: 1_280, height: 807 },
    isFullscreen: false,
  });
});

test('a window is higher than its page, and the screen holds all of it', () => {
  expect(windowLayout({ dimensions: { width: 1_280, height: 720 }, deviceScaleFactor: 2 })).toEqual({
    screen: { width: 2_560, height: 1_614 },
    window: { width: 1_280, height: 807 },
    isFullscreen: false,
  });
});

test('a page narrower than any window covers the whole screen, which is as narrow', () => {
  expect(windowLayout({ dimensions: { width: 390, height: 844 }, deviceScaleFactor: 3 })).toEqual({
    screen: { width: 1_170, height: 2_532 },
    window: { width: 500, height: 931 },
    isFullscreen: true,
  });
  expect(
    windowLayout({ dimensions: { width: 500, height: 844 }, deviceScaleFactor: null }).isFullscreen,
  ).toBe(false);
});

test('windows of the headless shell have no tabs, and any width', () => {
  const wishes = { dimensions: { width: 390, height: 844 }, deviceScaleFactor: 2 };
  expect(windowLayout({ ...wishes, browser: 'chromium-headless-shell' })).toEqual({
    screen: { width: 780, height: 1_688 },
    window: { width: 390, height: 844 },
    isFullscreen: false,
  });
});

test('a scale alone leaves the window as large as it would be', () => {
  expect(windowLayout({ dimensions: null, deviceScaleFactor: 2 })).toEqual({
    screen: { width: 2_560, height: 1_614 },
    window: { width: 1_280, height: 807 },
    isFullscreen: false,
  });
});
