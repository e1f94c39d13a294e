import { Annotations, ArnFormat, type Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import * as z from 'zod';
import { channelNameOf, parseBindings } from '../../functions/poller/channels/own-streams/binding.ts';
import { BINDINGS_FILE, readYamlFile, SEARCH_MAPPING_FILE } from '../../shared/read-yaml-file.ts';
import type { Registry } from '../../shared/registry/types.ts';
import { parseSearchSettings, type SearchSettings } from '../../shared/search-settings.ts';
import { propsError } from './problems.ts';

/** The channel settings that come from files of their own: the bindings and the search mapping. */
export interface ChannelFiles {
  /** Validated, but as written in the file: a function's environment is small, so defaults are not filled in. */
  readonly bindings: readonly unknown[];
  readonly search: SearchSettings;
  /** Channels of the bound streams, by the names under which the poller reports them. */
  readonly boundChannels: readonly string[];
  /** Names or ARNs of the bound functions. */
  readonly boundFunctions: readonly string[];
}

/** @throws ConfigurationError that names the file and the position of the problem in it */
export function readChannelFiles(
  { bindings, searchMapping }: { readonly bindings?: string; readonly searchMapping?: string },
  registry: Registry,
): ChannelFiles {
  const own = bindings === undefined ? NO_BINDINGS : readBindings(bindings, registry);
  const search =
    searchMapping === undefined
      ? {}
      : parseSearchSettings(readYamlFile(searchMapping, SEARCH_MAPPING_FILE) ?? {}, searchMapping);
  const { boundChannels, boundFunctions } = own;
  return { bindings: own.bindings, boundChannels, boundFunctions, search };
}

const NO_BINDINGS = { bindings: [], boundChannels: [], boundFunctions: [] };

function readBindings(path: string, registry: Registry): Omit<ChannelFiles, 'search'> {
  const value = readYamlFile(path, BINDINGS_FILE);
  const parsed = parseBindings(value, path, registry);
  const boundFunctions = parsed.map(({ handler }, index) => {
    if (handler.kind === 'lambda') return handler.functionName;
    const problem = 'is a module, which runs only in a consumer on one machine';
    throw propsError(`bindings[${index}].handler`, problem, 'Bind the stream to a Lambda function.');
  });
  const { bindings } = z.object({ bindings: z.array(z.unknown()) }).parse(value);
  return { bindings, boundChannels: parsed.map(channelNameOf), boundFunctions };
}

const timeoutSchema = z.object({ stream: z.string(), timeoutMs: z.number().optional() });

/** Warns if a handler may run longer than a drain: it never replies in time, so its entries become dead letters. */
export function warnAboutLongHandlers(
  scope: Construct,
  bindings: readonly unknown[],
  budgetSeconds: number,
): void {
  for (const [index, binding] of bindings.entries()) {
    const { stream, timeoutMs = 0 } = timeoutSchema.parse(binding);
    if (timeoutMs < budgetSeconds * 1000) continue;
    Annotations.of(scope).addWarningV2(
      `background-consumer:long-handler-${stream}-${index}`,
      `bindings[${index}].timeoutMs: is ${timeoutMs}, but a drain ends after budgetSeconds, which is ${budgetSeconds}. An invocation that takes longer counts as a failed attempt. Raise budgetSeconds, or lower timeoutMs.`,
    );
  }
}

/** The ARN of a function that is given by name, by ARN, or as `123456789012:function:name` in another account. */
export function functionArn(stack: Stack, nameOrArn: string): string {
  if (nameOrArn.startsWith('arn:')) return nameOrArn;
  const [, account, name = nameOrArn] = /^(\d{12}):function:(.+)$/.exec(nameOrArn) ?? [];
  return stack.formatArn({
    service: 'lambda',
    resource: 'function',
    resourceName: name,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    ...(account === undefined ? {} : { account }),
  });
}
