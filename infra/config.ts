import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { ConfigurationError } from '../shared/errors.ts';
import { readYamlFile } from '../shared/read-yaml-file.ts';
import { declinedAlarmsSchema } from './constructs/alarm-names.ts';
import { mysqlPoolSchema, redisPoolSchema } from './constructs/pool-schemas.ts';
import { namingPaths } from './constructs/problems.ts';
import { SETTING_NAMES, type SettingsInput } from './constructs/settings.ts';

const arn = (pattern: string, example: string) =>
  z.string().regex(new RegExp(`^arn:[\\w-]+:${pattern}$`), `expected an ARN such as arn:aws:${example}`);
const id = (prefix: string) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}-[0-9a-f]{8,17}$`), `expected an id such as ${prefix}-0123456789abcdef0`);

const existing = {
  /** Complete, with its six last characters. */
  secretArn: arn(
    'secretsmanager:[\\w-]+:\\d{12}:secret:.+-\\w{6}',
    'secretsmanager:eu-central-1:123456789012:secret:name-AbCdEf',
  ).optional(),
  /** Key that the secret is encrypted with, where it is not AWS's own. */
  secretKeyArn: arn('kms:[\\w-]+:\\d{12}:key/.+', 'kms:eu-central-1:123456789012:key/id').optional(),
  securityGroupId: id('sg').optional(),
};
const shapes = { access: existing, client: id('sg') };

/** A VPC that is there. By ids alone: nothing is looked up at synth. */
const importedVpc = z.strictObject({
  vpcId: id('vpc'),
  availabilityZones: z.array(z.string().min(1)).min(1),
  /** One for each zone, in the same order; isolated ones suffice. */
  subnetIds: z.array(id('subnet')).min(1),
});

const deploymentSchema = z
  .strictObject({
    stackName: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9-]{0,127}$/)
      .default('BackgroundConsumer'),
    /** From the directory of this file. */
    registry: z.string().min(1),
    /** Files beside this one, as docs/own-streams.md and docs/search.md describe them. */
    bindings: z.string().min(1).optional(),
    searchMapping: z.string().min(1).optional(),
    redisPools: z.record(z.string(), redisPoolSchema(shapes)).default({}),
    mysqlPools: z.record(z.string(), mysqlPoolSchema(shapes)).default({}),
    vpc: importedVpc.optional(),
    endpoints: z.boolean().optional(),
    alarmTopicArn: arn('sns:[\\w-]+:\\d{12}:[\\w-]+', 'sns:eu-central-1:123456789012:on-call').optional(),
    declinedAlarms: declinedAlarmsSchema,
  })
  .refine(({ vpc }) => vpc === undefined || vpc.subnetIds.length === vpc.availabilityZones.length, {
    path: ['vpc', 'subnetIds'],
    message: 'as many as availabilityZones',
  });

export type Deployment = z.output<typeof deploymentSchema> & { readonly settings: SettingsInput };

/** The CDK's context: what stands in cdk.json, and texts from the command line. */
export type Context = Readonly<Record<string, unknown>>;

/** What may stand in the context beside the settings. */
const CONTEXT_NAMES: ReadonlySet<string> = new Set(['config', 'stackName', 'registry']);

const CONFIG_FILE = {
  name: 'config',
  code: 'config',
  nextStep: 'Give the file with -c config=FILE; infra/example/deployment.yaml is one.',
};

/**
 * Reads what is to be deployed: the file that the context key `config` names, with the settings that stand in the
 * context, as in `-c lazyConcurrency=20`, put over it.
 * @throws ConfigurationError that names the path of each wrong value
 */
export function readDeployment(context: Context): Deployment {
  checkContext(context);
  const path = z.string().catch('').parse(context['config']);
  const file = namingPaths(path, () =>
    z.record(z.string(), z.unknown()).parse(readYamlFile(path, CONFIG_FILE) ?? {}),
  );
  const settings: Record<string, unknown> = {};
  const rest: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(file)) (SETTING_NAMES.has(key) ? settings : rest)[key] = value;
  for (const key of SETTING_NAMES)
    if (context[key] !== undefined) settings[key] = fromCommandLine(context[key]);
  for (const key of ['stackName', 'registry']) rest[key] = context[key] ?? rest[key];
  const deployment = namingPaths(path, () => deploymentSchema.parse(rest));
  const registry = resolve(context['registry'] === undefined ? dirname(path) : '.', deployment.registry);
  for (const key of ['bindings', 'searchMapping'] as const) {
    const named = deployment[key];
    if (named !== undefined) deployment[key] = resolve(dirname(path), named);
  }
  return { ...deployment, registry, settings };
}

/** A mistyped `-c` would do nothing and say nothing. The CDK's own keys, and look-ups, are no plain words. */
function checkContext(context: Context): void {
  const isKnown = (key: string) => SETTING_NAMES.has(key) || CONTEXT_NAMES.has(key);
  const unknown = Object.keys(context).filter((key) => /^[A-Za-z]\w*$/.test(key) && !isKnown(key));
  if (unknown.length === 0) return;
  throw new ConfigurationError('unknown-context', `-c ${unknown.join(', -c ')}: there is no such setting`, {
    nextStep: `There are ${[...CONTEXT_NAMES, ...SETTING_NAMES].join(', ')}; all else stands in the file.`,
  });
}

/** On the command line everything is a text: 20 means the number, true the boolean, [] the list. */
function fromCommandLine(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
