import { missingLines } from '../../clients/client-examples';

describe('the lines that the output of an example lacks', () => {
  const output = '  \u001b[32mone\u001b[39m \ntwo (31 ms)\n';

  it('are none if every line is there, without regard to colours, indents and other lines', () => {
    expect(missingLines(output, ['one'])).toEqual([]);
    expect(missingLines(output, [/^two \(/, 'one'])).toEqual([]);
  });

  it('are those that are not there as a whole', () => {
    expect(missingLines(output, ['one', 'on', 'two', /^three/])).toEqual(['on', 'two', '/^three/']);
    expect(missingLines('', ['one'])).toEqual(['one']);
  });
});
