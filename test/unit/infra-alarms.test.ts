import { Match } from 'aws-cdk-lib/assertions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { describe, expect, test } from 'vitest';
import { METRIC_NAMESPACE } from '../../functions/poller/aws/metrics.ts';
import { CHANNELS } from '../../functions/poller/channels/channels.ts';
import { ALARM_NAMES } from '../../infra/constructs/alarm-names.ts';
import { CHANNEL_NAMES, consumerMetric } from '../../infra/constructs/metrics.ts';
import { synthesize } from './infra-synthesize.ts';

describe('alarms', () => {
  test('say what they mean and where the runbook is, and tell the topic', () => {
    const template = synthesize((stack) => ({ alarmTopic: new Topic(stack, 'Topic') }));
    template.resourceCountIs('AWS::CloudWatch::Alarm', ALARM_NAMES.length);
    template.allResourcesProperties('AWS::CloudWatch::Alarm', {
      AlarmDescription: Match.stringLikeRegexp('^.{80,}docs/runbook.md'),
      AlarmActions: Match.anyValue(),
      OKActions: Match.anyValue(),
    });
  });

  test('can be declined one by one, in writing', () => {
    const declined = { budgetUsedUp: 'we drain at night only' };
    synthesize(() => ({ declinedAlarms: declined })).resourceCountIs(
      'AWS::CloudWatch::Alarm',
      ALARM_NAMES.length - 1,
    );
    expect(() => synthesize(() => ({ declinedAlarms: { budgetUsedUp: '' } }))).toThrow(
      'declinedAlarms.budgetUsedUp',
    );
  });

  test('watch the metrics that the poller writes', () => {
    expect(CHANNEL_NAMES).toEqual(CHANNELS.map(({ name }) => name));
    const metric = consumerMetric({ serviceName: 'a', name: 'b', statistic: 'Sum' });
    expect(metric.namespace).toBe(METRIC_NAMESPACE);
  });

  test('take a poller that is not running for an alarm when there is no data', () => {
    synthesize().hasResourceProperties('AWS::CloudWatch::Alarm', { TreatMissingData: 'breaching' });
  });
});
