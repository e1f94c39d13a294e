import * as z from 'zod';
import { ConfigurationError } from '../../shared/errors.ts';

/** Something about the props is wrong, told at synth with the path of the prop. */
export function propsError(path: string, problem: string, nextStep?: string): ConfigurationError {
  return new ConfigurationError('invalid-props', `${path}: ${problem}`, { nextStep });
}

/** Runs a parse of zod's; its problems become one line. @throws ConfigurationError */
export function namingPaths<Result>(source: string, parse: () => Result): Result {
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
    return issue.keys.map((key) => `${[...issue.path, key].join('.')}: there is no such setting`);
  return [`${issue.path.join('.') || 'all of it'}: ${issue.message}`];
}
