import { csv } from '../../../src/http/edge/csv';

describe('a table as CSV', () => {
  it('has a header, and lines that end with CRLF', () => {
    expect(
      csv(
        ['a', 'b'],
        [
          [1, 'x'],
          [2.5, null],
        ],
      ),
    ).toBe('a,b\r\n1,x\r\n2.5,\r\n');
    expect(csv(['a'], [])).toBe('a\r\n');
  });

  it('quotes what would be taken for the end of a field or line', () => {
    expect(csv(['a', 'b', 'c'], [['x,y', 'he said "no"', 'one\r\ntwo']])).toBe(
      'a,b,c\r\n"x,y","he said ""no""","one\r\ntwo"\r\n',
    );
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])('makes no formula of the text %j', text => {
    expect(csv(['a'], [[text]])).toMatch(/^a\r\n"?'/);
  });

  it('leaves numbers alone', () => {
    expect(csv(['a'], [[-1]])).toBe('a\r\n-1\r\n');
  });
});
