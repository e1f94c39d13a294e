import * as z from 'zod';
import { ConfigurationError } from '../../shared/errors.ts';

/** An error about a prop, thrown at synth and prefixed with the path of that prop. */
export function propsError(path: string, problem: string, nextStep?: string): ConfigurationError {
  return new ConfigurationError('invalid-props', `${path}: ${problem}`, { nextStep });
}

/**
 * Runs a Zod parse and reports its issues in one line, each with its path.
 * @throws ConfigurationError
 */
export function parseNamingPaths<Result>(source: string, parse: () => Result): Result {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const problems = error.issues.flatMap(describe);
    throw new ConfigurationError('invalid-props', `${source}: ${problems.join('; ')}`);
  }
}

function describe(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${[...issue.path, key].join('.')}: unknown setting`);
  return [`${issue.path.join('.') || 'top level'}: ${issue.message}`];
}
