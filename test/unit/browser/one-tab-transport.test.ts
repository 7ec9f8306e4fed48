import { narrowed } from '../../../src/browser/one-tab-transport';

const sent = (command: object): unknown => JSON.parse(narrowed(JSON.stringify(command), 'the-tab'));

/** As Puppeteer sends it. */
const params = { waitForDebuggerOnStart: true, flatten: true, autoAttach: true, filter: [{}] };

describe('a command of Puppeteer', () => {
  it('attaches to the one tab where it would attach to every target', () => {
    expect(sent({ id: 7, method: 'Target.setAutoAttach', params })).toEqual({
      id: 7,
      method: 'Target.attachToTarget',
      params: { targetId: 'the-tab', flatten: true },
    });
  });

  it('makes nothing inside of the tab wait, and leaves workers alone', () => {
    expect(sent({ id: 8, method: 'Target.setAutoAttach', params, sessionId: 's' })).toEqual({
      id: 8,
      method: 'Target.setAutoAttach',
      params: { ...params, waitForDebuggerOnStart: false, filter: [{ type: 'page' }, { type: 'iframe' }] },
      sessionId: 's',
    });
  });

  it('is left unchanged otherwise, whatever texts it carries', () => {
    const command = {
      id: 9,
      method: 'Runtime.evaluate',
      params: { expression: '"Target.setAutoAttach"' },
      sessionId: 's',
    };
    expect(narrowed(JSON.stringify(command), 'the-tab')).toBe(JSON.stringify(command));
  });
});
