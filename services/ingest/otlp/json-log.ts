import { idsOfLog } from './checked.ts';
import { anyValueOf, attributesOf, enumOf, hexOrNone, objectOf, textOf, timeOf } from './json-values.ts';
import type { Attributes, AttributeValue, OtlpLog } from './model.ts';

/** SeverityNumber: six words in four strengths each. */
const SEVERITIES = [
  'UNSPECIFIED',
  ...['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((word) => [word, `${word}2`, `${word}3`, `${word}4`]),
];

/** One LogRecord of logs.proto. Throws what `attempt` catches. */
export function logOfJson(value: unknown, around: Pick<OtlpLog, 'resource' | 'scope'>): OtlpLog {
  const log = objectOf(value, 'log record');
  let attributes: Attributes = new Map();
  let time_ms = 0;
  let observed_ms = 0;
  let severity_number = 0;
  let body: AttributeValue;
  let event_name = '';
  let trace = '';
  let span = '';
  for (const key in log) {
    const found = log[key];
    if (found === null) continue;
    if (key === 'attributes') attributes = attributesOf(found);
    else if (key === 'body') body = anyValueOf(found);
    else if (key === 'timeUnixNano' || key === 'time_unix_nano') time_ms = timeOf(found, 'time_unix_nano');
    else if (key === 'observedTimeUnixNano' || key === 'observed_time_unix_nano') {
      observed_ms = timeOf(found, 'observed_time_unix_nano');
    } else if (key === 'severityNumber' || key === 'severity_number') {
      severity_number = enumOf(found, 'severity_number', 'SEVERITY_NUMBER_', SEVERITIES);
    } else if (key === 'eventName' || key === 'event_name') event_name = textOf(found, 'event_name');
    else if (key === 'traceId' || key === 'trace_id') trace = hexOrNone(found);
    else if (key === 'spanId' || key === 'span_id') span = hexOrNone(found);
  }
  return {
    ...around,
    attributes,
    time_ms,
    observed_ms,
    event_name: event_name === '' ? undefined : event_name,
    severity_number,
    body,
    ...idsOfLog(trace, span),
  };
}
