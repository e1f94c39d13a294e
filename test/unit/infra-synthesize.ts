import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { onTestFinished } from 'vitest';
import { BackgroundConsumer } from '../../infra/constructs/background-consumer.ts';
import type { BackgroundConsumerProps } from '../../infra/constructs/props.ts';

/** A registry without any password. */
export const REGISTRY = `
default:
  mysql: app@tcp(mysql.example.com:3306)/app?tls=true
  redis: redis.example.com:6379:0
  streams: { orders: [billing, orm-async-consumer] }
log:
  mysql: app@tcp(mysql.example.com:3306)/log
streams:
  redis: streams.example.com:6380:1:shop
`;

export type CreateProps = (stack: Stack) => Omit<BackgroundConsumerProps, 'registry'>;

/** A directory that is removed when the test ends. */
export function createDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'consumer-infra-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Writes a file that is removed when the test ends, and returns its path. */
export function writeFile(text: string): string {
  const path = join(createDirectory(), 'file.yaml');
  writeFileSync(path, text);
  return path;
}

/** A stack with one consumer. By default functions are not bundled, because few tests look at their code. */
export function createStack(createProps: CreateProps = () => ({}), registry = REGISTRY, isBundled = false) {
  const context = isBundled ? {} : { 'aws:cdk:bundling-stacks': [] };
  const app = new App({ context, analyticsReporting: false, outdir: createDirectory() });
  const stack = new Stack(app, 'Test');
  const consumer = new BackgroundConsumer(stack, 'Consumer', {
    registry: writeFile(registry),
    ...createProps(stack),
  });
  return { app, stack, consumer };
}

export function synthesize(createProps?: CreateProps, registry?: string): Template {
  return Template.fromStack(createStack(createProps, registry).stack);
}

/** The configuration in a function's environment, as text without the values that CloudFormation fills in. */
export function configurationOf(template: Template, handler: 'poller' | 'executor'): string {
  const description = handler === 'poller' ? 'Drains' : 'Runs';
  const [resource] = Object.values(
    template.findResources('AWS::Lambda::Function', {
      Properties: { Description: Match.stringLikeRegexp(description) },
    }),
  );
  return JSON.stringify(resource?.['Properties'].Environment.Variables.CONSUMER_CONFIGURATION);
}
