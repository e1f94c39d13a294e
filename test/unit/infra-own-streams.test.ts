import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { functionArn } from '../../infra/constructs/channel-files.ts';
import { type CreateProps, configurationOf, createStack, synthesize, writeFile } from './infra-synthesize.ts';

describe('A stack with own streams', () => {
  test('binds own streams to functions, and allows the poller to invoke only these', () => {
    const bindings = writeFile(
      'bindings: [{ stream: orders, group: billing, handler: { kind: lambda, functionName: billing } }]',
    );
    const template = synthesize(() => ({ bindings }));
    expect(configurationOf(template, 'poller')).toContain('billing');
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 'lambda:InvokeFunction',
            Resource: Match.arrayWith([
              Match.objectLike({
                'Fn::Join': ['', Match.arrayWith([Match.stringLikeRegexp(':function:billing$')])],
              }),
            ]),
          }),
        ]),
      },
    });
  });

  test.each([
    ['billing:live', ':function:billing:live'],
    ['123456789012:function:billing', ':123456789012:function:billing'],
    [
      'arn:aws:lambda:eu-central-1:123456789012:function:billing',
      'arn:aws:lambda:eu-central-1:123456789012:function:billing',
    ],
  ])('finds the ARN of the bound function %s', (name, end) => {
    const arn = functionArn(createStack().stack, name);
    expect(arn).toMatch(/^arn:/);
    expect(arn.endsWith(end)).toBe(true);
    expect(arn.match(/function:/g)).toHaveLength(1);
  });

  test('warns about a handler that may run longer than a drain', () => {
    const binding =
      '{ stream: orders, group: billing, timeoutMs: 90000, handler: { kind: lambda, functionName: f } }';
    const bindings = writeFile(`bindings: [${binding}]`);
    const warning = Match.stringLikeRegexp('bindings.0..timeoutMs: is 90000');
    Annotations.fromStack(createStack(() => ({ bindings })).stack).hasWarning('*', warning);
    const { stack } = createStack(() => ({ bindings, budgetSeconds: 120 }));
    Annotations.fromStack(stack).hasNoWarning('*', warning);
  });

  test('shows own streams on the dashboard alongside the built-in channels', () => {
    const bindings = writeFile(
      'bindings: [{ stream: orders, group: billing, handler: { kind: lambda, functionName: billing } }]',
    );
    const shown = (props: CreateProps) =>
      JSON.stringify(synthesize(props).findResources('AWS::CloudWatch::Dashboard'));
    expect(shown(() => ({ bindings }))).toContain('orders/billing');
    expect(shown(() => ({}))).not.toContain('orders/billing');
  });
});
