/** One line of a metrics page. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** A page in the text format of Prometheus (version 0.0.4), as far as needed for a few numbers. */
export class MetricsPage {
  readonly #samples = new Map<string, Sample[]>();

  constructor(text: string) {
    for (const line of text.split('\n')) {
      const [, name, labels = '', value] = LINE.exec(line) ?? [];
      if (name === undefined || value === undefined) continue;
      const samples = this.#samples.get(name) ?? [];
      samples.push({ labels: parseLabels(labels), value: numberOf(value) });
      this.#samples.set(name, samples);
    }
  }

  /** Every sample of a metric; none if the page does not have it. */
  samples(name: string): readonly Sample[] {
    return this.#samples.get(name) ?? [];
  }

  /** The sum over all samples with these labels; null if there are none. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number | null {
    const matching = this.samples(name).filter(sample =>
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    );
    return matching.length === 0 ? null : matching.reduce((sum, { value }) => sum + value, 0);
  }
}

function parseLabels(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(LABEL)].map(([, name = '', value = '']) => [
      name,
      value.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)),
    ]),
  );
}

const numberOf = (text: string): number => (text === '+Inf' ? Infinity : Number(text));
