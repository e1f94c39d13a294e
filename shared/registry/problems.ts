import { ConfigurationError } from '../errors.ts';

/** One thing that is wrong with a registry. */
export interface RegistryProblem {
  /** Keys from the top, such as `default.redis`; empty for the file as a whole. */
  readonly path: string;
  /** Counted from 1; absent where the problem is not in one place. */
  readonly line?: number | undefined;
  /** What stands there, with passwords masked. */
  readonly found: string;
  readonly expected: string;
}

/** Outcome of reading one value: where it can't be read, what was expected. */
export type Parsed<Value> = { readonly value: Value } | { readonly expected: string };

/** A registry that can't be used. Its message names all that is wrong with it, on one line. */
export class RegistryError extends ConfigurationError {
  override readonly name = 'RegistryError';
  readonly problems: readonly RegistryProblem[];

  constructor(source: string, problems: readonly RegistryProblem[], nextStep: string) {
    super('invalid-registry', problems.map((problem) => describe(source, problem)).join('; '), { nextStep });
    this.problems = problems;
  }
}

function describe(source: string, { path, line, found, expected }: RegistryProblem): string {
  const place = line === undefined ? source : `${source}:${line}`;
  return `${place}: ${path === '' ? '' : `${path} is `}${found}, expected ${expected}`;
}
